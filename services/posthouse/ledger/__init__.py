"""ledger: what became of every accepted recipient: the audit, and the timeline of one message.

Everything is read from the log and the account logs; there are no counters that could drift.
"""
