"""filter: what is said about a message, and where it goes from there.

Role          between MTA-in or MSA and MDA (RFC 5598 §4.3): decides, per recipient, and routes
Consumes      mail.accepted.v1, filter.retry.*; as the group `learning` mail.learn.v1, learning.retry.*
Produces      mail.deliver.v1, filter.retry.*, filter.dlq, mail.trace.v1; learning.retry.*, learning.dlq
Reads/Writes  reads bodies that a step asks for, and account logs for what was moved; writes what accounts have taught
Acknowledges  when every delivery of the message is acknowledged by the log
On crash      the record is redelivered; the deliveries are published again under the same derived ids
"""
