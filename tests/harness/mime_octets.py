"""Hypothesis strategies for mail that is not what it should be: fragments of MIME in any order, cut-up real shapes."""

from hypothesis import strategies as st

from harness.corpus import KINDS, message

_FRAGMENTS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b" ", b"\t", b"\0", b"\xff\xfe", b"text\r\n", b": ", b";", b'"'),
    *(b"--b", b"--b--", b"\r\n--b\r\n", b"\r\n--b--\r\n", b"\n--b\n", b"\r\n--bb\r\n", b"\r\n--bb--\r\n", b"--"),
    b'Content-Type: multipart/mixed; boundary="b"\r\n',
    b"Content-Type: multipart/alternative; boundary=bb\r\n",
    b"Content-Type: multipart/digest;\r\n boundary=b\r\n",
    b"content-type: message/rfc822\r\n",
    b"Content-Type: message/global\n",
    b"Content-Type: text/html; charset*0*=utf-8''a%20; charset*1=b\r\n",
    b"Content-Type: multipart/mixed\r\n",
    b"Content-Type: (c) text / plain (d\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b'Content-Disposition: attachment; filename="a\\"b\r\n',
    b"Content-Language: de, en-GB,,\r\nContent-Location: x\r\nContent-MD5: Q2hlY2s=\r\n",
    b"Content-ID: <a@b>\r\nContent-Description: \xc3\xa4\r\n",
    b"From: A <a@b>, g: c@d, <@e,@f:g@h>;\r\n",
    b'To: "un(closed <a@b\r\n',
    b"Cc: a b c, @, <>, ;:,\r\nSender:\r\n",
    b"Subject: =?utf-8?q?a_b?=\r\n =?x?b?!?=\r\n",
    b"Date: Tue, 3 Nov 2026 10:00:00 +0100\r\n",
)
"""Each means something to the scanner, so that random rows of them reach its corners."""


def fragments() -> st.SearchStrategy[bytes]:
    """Rows of fragments, with some octets of any kind between."""
    return st.lists(st.sampled_from(_FRAGMENTS) | st.binary(max_size=6), max_size=40).map(b"".join)


def well_formed() -> st.SearchStrategy[bytes]:
    """A message of harness.corpus."""
    return st.builds(message, st.sampled_from(KINDS), st.sampled_from((600, 3_000)), st.integers(0, 400))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message of harness.corpus with pieces cut out, doubled, moved, or overwritten."""
    octets = draw(well_formed())
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(octets)))
        end = min(len(octets), start + draw(st.integers(0, 300)))
        piece = draw(st.sampled_from((b"", octets[start:end] * 2, b"\r\n")) | st.binary(max_size=8))
        octets = octets[:start] + piece + octets[end:]
    if draw(st.booleans()):
        octets = octets.replace(b"\r\n", b"\n")
    return octets


def anything() -> st.SearchStrategy[bytes]:
    return st.one_of(fragments(), damaged(), st.binary(max_size=200))
