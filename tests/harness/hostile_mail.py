"""Messages made to make a reader raise, run on or grow, by name."""

_DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(10_000))
HOSTILE = {
    "depth 10^4": _DEEP + b"\n\ntext",
    "nested messages": b"Content-Type: message/rfc822\n\n" * 10_000,
    "10^5 parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
    "50 MB of headers": b"X-A: " + b"y" * 50_000_000 + b"\n\nbody",
    "many fields": b"X-A: y\n" * 200_000 + b"\nbody",
    "one endless line of fields": b"X-A: y\n" + b" z\n" * 500_000 + b"\nbody",
    "encoded words": b"Subject: " + b"=?utf-8?q?=41?= " * 100_000 + b"\n\n",
    "open encoded words": b"Subject: " + b"=?utf-8?q?" * 100_000 + b"\n\n",
    "unknown charsets": b"Content-Type: text/plain; charset=\x00\xff'x\n\n\xff\xfe\x00",
    "a codec that is no charset": b"Content-Type: text/plain; charset=zlib_codec\n\nabc",
    "utf-16 of nothing": b"Content-Type: text/plain; charset=utf-16\n\n\xff",
    "utf-7": b"Content-Type: text/html; charset=utf-7\n\n" + b"+ADw-" * 20_000,
    "10 MB of HTML": b"Content-Type: text/html\n\n<html>" + b"<p style='color:red'>word</p>" * 350_000,
    "open tags": b"Content-Type: text/html\n\n" + b"<a href=" * 1_000_000,
    "base64 of junk": b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + b"A=!" * 100_000,
    "quoted-printable of junk": b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n"
    + b"=" * 100_000,
    "addresses": b"To: " + b"a@b.example, " * 100_000 + b"\n\n",
    "lone CR": b"Subject: a\r\rb\r" * 50_000,
    "NULs": b"\x00" * 300_000,
    "nothing": b"",
    "a From line alone": b"From ",
    "letters with gaps": b"Subject: x\n\n" + b"a_" * 30_000,
    "digits for letters": b"Subject: x\n\n" + b"a1" * 30_000 + b"@",
    "a word without end": b"Subject: x\n\n" + b"a" * 60_000,
    "links": b"Subject: x\n\n" + b"http://a.example/?http://b " * 20_000,
    "addresses without end": b"From: " + b"a." * 40_000 + b"\nReply-To: " + b"@" * 40_000 + b"\n\n",
}
