"""account: account logs (docs/adr/0002-account-log.md, docs/consistency.md).

state.py is what a log's head says; plan.py decides, purely, what a group of requests does to it (draft.py, messages.py,
folders.py, names.py, row.py hold the rules); codec.py writes the journal; fold.py turns journal entries into rows.
sqlite*.py keep all of it in one embedded transaction. For the cluster, table.py is the narrow port over the account's
partition and owner*.py the commit protocol over any such table; cassandra*.py is the table of the real server.
"""
