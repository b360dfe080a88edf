"""cli: the command `posthouse`. What it does is in admin/; how it finds the stores is in desk.py.

Modules here import nothing but click and the standard library when they are loaded, so that `posthouse --help` and
completion answer at once; what a command needs it imports when it runs.
"""
