"""attachments: what is attached to a message. Pure: octets in, findings out, bounded by counts and not by clocks.

inspect.py = the walk through parts, archives and documents; sniff.py = what octets are, by their magic; names.py = what
names say; zips.py, tars.py, packed.py = containers, read without being unpacked; office.py, active.py = documents.
"""
