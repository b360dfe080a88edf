"""DMARC: whether a message is from whom its From says, and what the owner of that domain asks for (RFC 9989).

`evaluate.evaluate` finds out, `disposition.decide` says what we do with a message that fails, `counters` keeps what an
aggregate report (RFC 9990) will need.
"""
