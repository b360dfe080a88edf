"""SPF, RFC 7208: whether a client may send in the name of a domain.

record.py reads records, macros.py what is within them, evaluate.py is check_host(), check.py the identities.
"""
