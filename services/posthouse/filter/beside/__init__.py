"""The filter beside another mail server: as a milter and over HTTP, without accounts, log or mailboxes.

judgement.py = one message in, what is to be done with it out · milter.py, check.py = the two doors · settings.py
"""
