"""SASL without I/O (RFC 4422): PLAIN and LOGIN, as clients speak them over SMTP and IMAP."""

from posthouse.protocol.sasl.exchange import (
    MECHANISMS,
    Challenge,
    Credentials,
    Exchange,
    Malformed,
    decode,
    start,
)

__all__ = ["MECHANISMS", "Challenge", "Credentials", "Exchange", "Malformed", "decode", "start"]
