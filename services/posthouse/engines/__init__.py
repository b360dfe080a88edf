"""engines: the databases underneath, as the adapters see them. sqlite.py = one writer with group commit; cassandra.py =
the driver on the event loop. Nothing here knows about mail."""
