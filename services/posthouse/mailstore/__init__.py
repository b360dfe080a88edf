"""mailstore: the message store (MS, RFC 5598 §4.3.4), one place for conditional writes and group commit.

Role          MS (RFC 5598 §4.3.4), gRPC on port 7143
Consumes      nothing
Produces      nothing
Reads/Writes  account logs in Cassandra
Acknowledges  a commit after its conditional batch is applied
On crash      nothing is kept here but caches: clients go to another instance, commits in flight are repeated by op_id
"""
