"""Arguments of MAIL and RCPT: paths and ESMTP parameters (RFC 5321 §4.1.2, §4.1.1.11).

One regular expression takes the usual forms; everything else (quoted local parts, source routes, address literals,
several parameters) goes to the slow path, which accepts exactly what the fast one does and more. Refused with the reply
to send otherwise. Choices: a path without angle brackets is taken as it is common in devices; source routes are
ignored (RFC 5321 §3.6.1); octets above 127 need SMTPUTF8, which is not offered; a parameter that was not offered is
555, also when it is a known one.

Not done here: whether an address exists, or who may use it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from posthouse.model.address import MAX_DOMAIN, MAX_LOCAL_PART, MAX_PATH, Address
from posthouse.model.ids import DomainName
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused, Reply

_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_DOT_STRING = rb"%b(?:\.%b)*" % (_ATOM, _ATOM)
_DOMAIN = rb"%b(?:\.%b)*" % (_LABEL, _LABEL)
_LITERAL = rb"\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[A-Za-z0-9-]{1,63}:[!-Z^-~]{1,200})\]"
_QUOTED = rb'"(?:[ !#-\[\]-~]|\\[ -~])*"'

# The fast forms: cheap classes here, the places of the dots and the domain are checked after the match.
_FAST_MAIL = re.compile(
    rb"[Ff][Rr][Oo][Mm]:<(?:([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@([A-Za-z0-9._-]{1,255}))?>"
    rb"(?: SIZE=([0-9]{1,20}))?(?: BODY=(7BIT|8BITMIME))?"
)
_FAST_RCPT = re.compile(rb"[Tt][Oo]:<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@([A-Za-z0-9._-]{1,255})>")
_WHOLE_DOMAIN = re.compile(_DOMAIN)

_ROUTE = rb"(?:@(?:%b|%b)(?:,@(?:%b|%b))*:)?" % (_DOMAIN, _LITERAL, _DOMAIN, _LITERAL)
_MAILBOX = rb"(?:(%b)|(%b))@(%b|%b)" % (_DOT_STRING, _QUOTED, _DOMAIN, _LITERAL)
_PATH = re.compile(rb"<%b%b>" % (_ROUTE, _MAILBOX))
_NAKED_PATH = re.compile(_MAILBOX)
_NULL_PATH: Final = b"<>"
NO_DOMAIN = DomainName("")
_POSTMASTER = re.compile(rb"<?(?i:(postmaster))>?")
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")
_PREFIX = {b"FROM": re.compile(rb"(?i:FROM):[ \t]*"), b"TO": re.compile(rb"(?i:TO):[ \t]*")}
_PAIR = re.compile(rb"\\(.)")
_XTEXT = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+|<>")

MAIL_PARAMETERS: Final = frozenset({b"SIZE", b"BODY"})
"""What we offer in EHLO for MAIL; `AUTH` comes on top where AUTH is offered (RFC 4954 §5)."""


class MailPath(NamedTuple):
    """MAIL FROM. `address` None = the null sender `<>`."""

    address: Address | None
    size: int = 0
    """Octets as declared; 0 = not said."""
    body: str = ""
    """`7BIT`, `8BITMIME` or empty."""

    @property
    def reverse_path(self) -> str:
        return "" if self.address is None else str(self.address)


def parse_mail(argument: bytes, offered: frozenset[bytes] = MAIL_PARAMETERS) -> MailPath:
    """Argument of MAIL. `offered`: names of parameters in capitals."""
    match = _FAST_MAIL.fullmatch(argument)
    if match is None:
        return _mail(argument, offered)
    local, domain, size, body = match.groups()
    if local is None:
        address = None
    else:
        name = _domain_name(domain)
        if name is None or not _dots_fit(local):
            return _mail(argument, offered)
        address = Address(local.decode(), name)
    return MailPath(address, int(size) if size else 0, body.decode() if body else "")


def parse_rcpt(argument: bytes, default_domain: DomainName | None = None) -> Address:
    """Argument of RCPT. `default_domain`: where `<postmaster>` without a domain goes (RFC 5321 §4.5.1); None = the
    address comes without a domain, and who knows the domains chooses one."""
    match = _FAST_RCPT.fullmatch(argument)
    if match is None:
        return _rcpt(argument, default_domain)
    local, domain = match.groups()
    name = _domain_name(domain)
    if name is None or not _dots_fit(local):
        return _rcpt(argument, default_domain)
    return Address(local.decode(), name)


@lru_cache(maxsize=4096)
def _domain_name(domain: bytes) -> DomainName | None:
    return DomainName(domain.decode().lower()) if _WHOLE_DOMAIN.fullmatch(domain) else None


def _dots_fit(local: bytes) -> bool:
    return b"." not in local or not (b".." in local or local[0] == 0x2E or local[-1] == 0x2E)


def _mail(argument: bytes, offered: frozenset[bytes]) -> MailPath:
    path, parameters = _split(argument, b"FROM", replies.MAIL_SYNTAX, offered)
    address = None if path == _NULL_PATH else _address(path, replies.BAD_SENDER)
    size, body = 0, ""
    for name, value in parameters.items():
        if name == b"SIZE":
            if not value.isdigit() or len(value) > 20:  # RFC 1870 §3: 1*20DIGIT
                raise Refused(replies.BAD_PARAMETER)
            size = int(value)
        elif name == b"BODY":
            body = value.decode().upper()
            if body not in ("7BIT", "8BITMIME"):
                raise Refused(replies.BAD_PARAMETER)
        elif name == b"AUTH" and not _XTEXT.fullmatch(value):
            # RFC 4954 §5: who submitted it first. Read for its syntax and not believed.
            raise Refused(replies.BAD_PARAMETER)
    return MailPath(address, size, body)


def _rcpt(argument: bytes, default_domain: DomainName | None) -> Address:
    path, _ = _split(argument, b"TO", replies.RCPT_SYNTAX, frozenset())
    postmaster = _POSTMASTER.fullmatch(path)
    if postmaster is not None:
        return Address(postmaster[1].decode(), default_domain or NO_DOMAIN)
    return _address(path, replies.BAD_RCPT)


def _split(
    argument: bytes, keyword: bytes, syntax: Reply, offered: frozenset[bytes]
) -> tuple[bytes, dict[bytes, bytes]]:
    """The path as written and the parameters, names in capitals, values empty where there was no `=`."""
    prefix = _PREFIX[keyword].match(argument)
    if prefix is None:
        raise Refused(syntax)
    end = _end_of_path(argument, prefix.end())
    if end == prefix.end():
        raise Refused(syntax)
    parameters: dict[bytes, bytes] = {}
    for text in argument[end:].split():
        match = _PARAMETER.fullmatch(text)
        if match is None:
            raise Refused(syntax)
        name = match[1].upper()
        if name not in offered:
            raise Refused(replies.UNKNOWN_PARAMETER)
        if name in parameters:
            raise Refused(replies.BAD_PARAMETER)
        parameters[name] = match[2] or b""
    return argument[prefix.end() : end], parameters


def _end_of_path(argument: bytes, start: int) -> int:
    """Index behind the path: the first blank outside of quotes."""
    quoted = False
    i = start
    while i < len(argument):
        c = argument[i]
        if c == 0x22:
            quoted = not quoted
        elif c == 0x5C and quoted:
            i += 1
        elif c in b" \t" and not quoted:
            break
        i += 1
    return min(i, len(argument))


def _address(path: bytes, bad: Reply) -> Address:
    if not path.isascii():
        raise Refused(replies.NON_ASCII_ADDRESS)
    match = _PATH.fullmatch(path) or _NAKED_PATH.fullmatch(path)
    if match is None:
        raise Refused(bad)
    dot_string, quoted, domain = match.groups()
    local = dot_string if dot_string is not None else _PAIR.sub(rb"\1", quoted[1:-1])
    if len(local) > MAX_LOCAL_PART or len(domain) > MAX_DOMAIN or len(local) + len(domain) + 3 > MAX_PATH:
        raise Refused(replies.PATH_TOO_LONG)
    if not local:
        raise Refused(bad)
    return Address(local.decode(), DomainName(domain.decode().lower()))
