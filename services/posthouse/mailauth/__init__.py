"""mailauth: who a message comes from, proved or not: SPF, DKIM, ARC, DMARC, iprev, and the field that reports it.

Pure, given ports.Resolver.
"""
