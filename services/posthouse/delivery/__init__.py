"""delivery: the message delivery agent (MDA, RFC 5598 §4.3.3).

Role          MDA (RFC 5598 §4.3.3)
Consumes      mail.deliver.v1, delivery.retry.*
Produces      delivery.retry.*, delivery.dlq, mail.trace.v1; mail.accepted.v1 (digests of the quarantine)
Reads/Writes  account logs through the mail store, by delivery_id; the blob store; the directory
Acknowledges  after the commit is Committed or Duplicate, in the account or in the domain's quarantine
On crash      the record is redelivered; the commit is idempotent by delivery_id, no second UID
"""
