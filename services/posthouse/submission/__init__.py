"""submission: mail from our own users, the message submission agent (RFC 5598 §4.3.1, RFC 6409).

Role          MSA, ports 587 (STARTTLS) and 465 (implicit TLS)
Consumes      nothing
Produces      mail.accepted.v1
Reads/Writes  reads the directory and accounts' use; writes blobs
Acknowledges  250 after the blob is durable and the log has acknowledged the record
On crash      nothing was promised that is not in the log; the client sends again
"""
