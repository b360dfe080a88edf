"""held: mail that was accepted and cannot be delivered, or that a verdict holds back, in the quarantine of its domain:
hold, list, show, release, drop, expire, digest. `delivery` holds and looks after it; the rest is behind
`posthouse held`.
"""
