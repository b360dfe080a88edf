"""mx: mail from the internet, the receiving MTA (RFC 5598 §4.3.2).

Role          MTA in, port 25
Consumes      nothing
Produces      mail.accepted.v1
Reads/Writes  reads the directory and accounts' use; writes blobs
Acknowledges  250 after the blob is durable and the log has acknowledged the record
On crash      nothing was promised that is not in the log; the client sends again
"""
