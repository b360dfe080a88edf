"""directory: domains, accounts, aliases, credentials, live processes.

directory.py holds the rules once; table.py is the narrow port below it; sqlite.py and cassandra.py keep the rows;
cache.py stands in front of it in every process that resolves recipients."""
