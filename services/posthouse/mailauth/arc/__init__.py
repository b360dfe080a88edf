"""ARC: what earlier hands said about a message, sealed (RFC 8617).

`verify.verify` judges a chain, `seal.seal` adds to it.
A chain that verifies proves who sealed, not that they are honest: its content counts only from a sealer that the
receiver trusts (mailauth.dmarc.disposition).
"""
