"""blob: octets of messages too large to ride inline.

blob_store.py holds the life of a blob (put, pin, ref, sweep) once, above two narrow ports: index.py (who needs which
blob: sqlite.py, cassandra.py) and objects.py (the octets: files.py, s3.py, cassandra.py)."""
