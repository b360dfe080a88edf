"""MIME as IMAP needs it: where each part lies in the octets, and the answers made from that once, at delivery.

Follow one message: `scan` finds the parts by offsets (scan.py); `envelope` and `body`/`bodystructure` render what FETCH
sends (envelope.py, bodystructure.py); `prepare` puts all of it in one row (prepared.py); `resolve` turns a section such
as `1.2.MIME` into a range of the blob (sections.py). Reading header fields is header.py, addresses.py, parameters.py,
dates.py and words.py.

Invariants: no octets whatever make any of these raise; every offset lies inside its parent's range; every size that a
message can drive up has a bound. Octets are never changed, decoded or re-encoded here.
Not done here: decoding of bodies, character sets of bodies, the composition of messages.
"""
