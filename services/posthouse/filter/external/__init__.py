"""external: what other spam filters say, as evidence among others. Each is off until an address is set.

step.py = asks them at once and adds their opinions; rspamd.py, spamassassin.py = one client each; settings.py.
"""
