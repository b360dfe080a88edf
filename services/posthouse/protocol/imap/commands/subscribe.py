"""SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Subscribe:
    mailbox: str
    subscribed: bool


def parse_subscribe(lexer: Lexer) -> Subscribe:
    lexer.space()
    return Subscribe(lexer.mailbox(), True)


def parse_unsubscribe(lexer: Lexer) -> Subscribe:
    lexer.space()
    return Subscribe(lexer.mailbox(), False)
