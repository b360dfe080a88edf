"""Generated mail, the same for the same seed: the shapes that real mailboxes hold, in any size, all well-formed.

`message` makes one, `corpus` a row of them, `mixed` the standard hundred of the MIME benchmarks (mean near 84 KB,
median near 14 KB). CRLF line ends throughout. Damaged mail is made by the fuzz tests out of this.
"""

import base64
import quopri
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

# fmt: off
_WORDS = (
    "the", "post", "house", "keeps", "fresh", "horses", "for", "each", "stage", "of", "the", "road", "and", "a",
    "letter", "changes", "hands", "without", "changing", "its", "seal", "tomorrow", "invoice", "meeting",
    "attached", "regards", "please", "find", "below", "question", "answer", "report", "draft", "version", "team",
    "weekly", "news",
)
# fmt: on
_NAMES = ("Alice Example", "Bob", "Carol Q. Public", "Doe, John", "Zoë Müller", "李小龍", 'The "Boss"', "Ops (night)")
_DOMAINS = ("example.org", "example.net", "mail.example.com", "tenant-7.example")
_START = datetime(2026, 1, 1, tzinfo=UTC)


def message(kind: str, size: int, seed: int = 0) -> bytes:
    """One message of that kind (one of KINDS) of about `size` octets, at least its header."""
    rng = random.Random(f"{kind}/{size}/{seed}")
    return _BUILDERS[kind](rng, size)


def corpus(count: int, seed: int = 0, sizes: tuple[int, ...] = (1_000, 4_096, 20_000)) -> Iterator[tuple[str, bytes]]:
    """(kind, message): all kinds and sizes in turn."""
    for n in range(count):
        kind = KINDS[n % len(KINDS)]
        yield kind, message(kind, sizes[n // len(KINDS) % len(sizes)], seed + n)


def mixed(count: int = 100, seed: int = 0) -> list[bytes]:
    """Sizes as in a mailbox: half of them small, a few with big attachments."""
    rng = random.Random(f"mixed/{seed}")
    made: list[bytes] = []
    for n in range(count):
        if n % 20 < 10:
            kind, size = rng.choice(("plain", "encoded", "eight_bit", "alternative")), rng.randint(2_000, 12_000)
        elif n % 20 < 18:
            kind, size = rng.choice(("alternative", "attachment", "related", "forwarded")), rng.randint(14_000, 100_000)
        else:
            kind, size = rng.choice(("attachment", "forwarded")), rng.randint(350_000, 950_000)
        made.append(message(kind, size, seed + n))
    return made


def _crlf(lines: list[str]) -> bytes:
    return "".join(line + "\r\n" for line in lines).encode()


def _text(rng: random.Random, size: int) -> str:
    """Words in lines of up to 72 columns."""
    lines: list[str] = []
    have = 0
    while have < size:
        line = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 11)))[:72].rstrip()
        lines.append(line)
        have += len(line) + 2
        if rng.random() < 0.1:
            lines.append("")
            have += 2
    return "".join(line + "\r\n" for line in lines)


def _base64(rng: random.Random, size: int) -> bytes:
    return base64.encodebytes(rng.randbytes(max(1, size * 3 // 4))).replace(b"\n", b"\r\n")


def _encoded_word(text: str) -> str:
    return "=?utf-8?b?" + base64.b64encode(text.encode()).decode() + "?="


def _mailbox(rng: random.Random) -> str:
    name = rng.choice(_NAMES)
    address = f"{rng.choice(_WORDS)}.{rng.randint(1, 99)}@{rng.choice(_DOMAINS)}"
    if not name.isascii():
        name = _encoded_word(name)
    elif not name.replace(" ", "").isalnum():
        escaped = name.replace('"', '\\"')
        name = f'"{escaped}"'
    return rng.choice((f"{name} <{address}>", address, f"<{address}>"))


def _header(rng: random.Random, *, raw: bool = False, nested: bool = False) -> list[str]:
    """The fields of a message, trace lines first; without those of its content."""
    zone = timezone(timedelta(hours=rng.randint(-11, 13)))
    sent = format_datetime((_START + timedelta(minutes=rng.randint(0, 500_000))).astimezone(zone))
    lines: list[str] = []
    if not nested:
        for _ in range(rng.randint(1, 4)):
            lines += [
                f"Received: from {rng.choice(_WORDS)}.example.org ([192.0.2.{rng.randint(1, 254)}])",
                f"\tby mx.example.net with ESMTPS id {rng.getrandbits(64):016x};",
                f"\t{sent}",
            ]
    subject = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 9)))
    if raw:
        subject = f"Grüße – {subject}"
    elif rng.random() < 0.3:
        subject = f"{_encoded_word('Grüße ' + subject[:20])}\r\n {_encoded_word('und ' + subject[:20])}"
    lines += [
        f"From: {_mailbox(rng)}",
        "To: " + ",\r\n ".join(_mailbox(rng) for _ in range(rng.randint(1, 4))),
        f"Subject: {subject}",
        f"Date: {sent}",
        f"Message-ID: <{rng.getrandbits(64):016x}@{rng.choice(_DOMAINS)}>",
    ]
    if rng.random() < 0.4:
        lines.append("Cc: " + ", ".join(_mailbox(rng) for _ in range(rng.randint(1, 3))))
    if rng.random() < 0.5:
        parents = [f"<{rng.getrandbits(64):016x}@{rng.choice(_DOMAINS)}>" for _ in range(rng.randint(1, 5))]
        lines += [f"In-Reply-To: {parents[-1]}", "References: " + "\r\n ".join(parents)]
    if rng.random() < 0.2:
        lines.append("Reply-To: staff: " + ", ".join(_mailbox(rng) for _ in range(2)) + ";")
    return [*lines, "MIME-Version: 1.0"]


def _boundary(rng: random.Random) -> str:
    # The first is a prefix of the second: boundaries of mail clients are not as different as one hopes.
    return rng.choice((f"=_part_{rng.getrandbits(48):012x}", f"=_part_{rng.getrandbits(48):012x}.{rng.randint(0, 9)}"))


def _join(rng: random.Random, subtype: str, parts: list[bytes], extra: str = "") -> bytes:
    """A multipart of finished parts, from its Content-Type on."""
    boundary = _boundary(rng)
    head = _crlf([f'Content-Type: multipart/{subtype}; boundary="{boundary}"{extra}', ""])
    preamble = rng.choice((b"", b"This is a message in MIME format.\r\n"))
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return head + preamble + body + b"--" + boundary.encode() + b"--" + rng.choice((b"", b"\r\n", b"\r\nepilogue\r\n"))


def _text_part(rng: random.Random, size: int, subtype: str = "plain") -> bytes:
    text = _text(rng, size)
    if subtype == "html":
        text = f"<html><body><p>{text}</p></body></html>\r\n"
    if rng.random() < 0.3:
        encoded = quopri.encodestring((text + "Grüße\r\n").encode().replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
        head = [f"Content-Type: text/{subtype}; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", ""]
        return _crlf(head) + encoded
    return (
        _crlf([f"Content-Type: text/{subtype}; charset=us-ascii", "Content-Transfer-Encoding: 7bit", ""])
        + text.encode()
    )


def _file_part(rng: random.Random, size: int) -> bytes:
    name = rng.choice(("report.pdf", "scan (1).pdf", "Übersicht.pdf"))
    shown = f'filename="{name}"' if name.isascii() else "filename*=utf-8''%C3%9Cbersicht.pdf"
    head = [
        "Content-Type: application/pdf" + (f';\r\n name="{name}"' if name.isascii() else ""),
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: attachment; {shown}",
        f"Content-ID: <{rng.getrandbits(32):08x}@example.org>",
        "",
    ]
    return _crlf(head) + _base64(rng, size)


def _plain(rng: random.Random, size: int) -> bytes:
    return _crlf(_header(rng)) + _text_part(rng, max(0, size - 900))


def _bare(rng: random.Random, size: int) -> bytes:
    """Mail as from a script: no MIME fields at all."""
    return _crlf([*_header(rng)[:-1], ""]) + _text(rng, max(0, size - 800)).encode()


def _encoded(rng: random.Random, size: int) -> bytes:
    subject = [_encoded_word("".join(rng.choice("äöüßéñ漢字") for _ in range(12))) for _ in range(3)]
    return _crlf([*_header(rng), "Subject: " + "\r\n ".join(subject)]) + _text_part(rng, max(0, size - 1_100))


def _eight_bit(rng: random.Random, size: int) -> bytes:
    latin = b'From: "J\xfcrgen" <juergen@example.org>\r\nX-Sender-Name: J\xfcrgen\r\n'
    return latin + _crlf(_header(rng, raw=True)) + _text_part(rng, max(0, size - 1_000))


def _alternative(rng: random.Random, size: int, nested: bool = False) -> bytes:
    parts = [_text_part(rng, size // 3), _text_part(rng, size // 2, "html")]
    return _crlf(_header(rng, nested=nested)) + _join(rng, "alternative", parts)


def _related(rng: random.Random, size: int) -> bytes:
    inner = _join(rng, "alternative", [_text_part(rng, size // 8), _text_part(rng, size // 4, "html")])
    image = _crlf(["Content-Type: image/png", "Content-Transfer-Encoding: base64", "Content-ID: <i@x>", ""])
    parts = [inner, image + _base64(rng, size // 2)]
    return _crlf(_header(rng)) + _join(rng, "related", parts, '; type="multipart/alternative"')


def _attachment(rng: random.Random, size: int) -> bytes:
    inner = _join(rng, "alternative", [_text_part(rng, 800), _text_part(rng, 1_500, "html")])
    files = [_file_part(rng, max(10, size - 4_000) // 2) for _ in range(2)]
    return _crlf(_header(rng)) + _join(rng, "mixed", [rng.choice((inner, _text_part(rng, 900))), *files])


def _forwarded(rng: random.Random, size: int) -> bytes:
    inner = rng.choice((_alternative, _plain_nested))(rng, size // 2, True)
    part = _crlf(["Content-Type: message/rfc822", "Content-Disposition: inline", ""]) + inner
    rest = [_file_part(rng, size // 3)] if rng.random() < 0.5 else []
    return _crlf(_header(rng)) + _join(rng, "mixed", [_text_part(rng, 400), part, *rest])


def _plain_nested(rng: random.Random, size: int, nested: bool) -> bytes:
    return _crlf(_header(rng, nested=nested)) + _text_part(rng, size)


def _digest(rng: random.Random, size: int) -> bytes:
    """Parts without a Content-Type are messages here (RFC 2046 §5.1.5): each begins with its blank line."""
    parts = [b"\r\n" + _plain_nested(rng, size // 4, True) for _ in range(3)]
    return _crlf(_header(rng)) + _join(rng, "digest", parts)


_BUILDERS: dict[str, Callable[[random.Random, int], bytes]] = {
    "plain": _plain,
    "bare": _bare,
    "encoded": _encoded,
    "eight_bit": _eight_bit,
    "alternative": _alternative,
    "related": _related,
    "attachment": _attachment,
    "forwarded": _forwarded,
    "digest": _digest,
}
KINDS = tuple(_BUILDERS)
