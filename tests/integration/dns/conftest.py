"""A real resolver with zones of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.unbound import Unbound

LONG_TXT = " ".join('"' + "x" * 250 + '"' for _ in range(200))
ZONES = {
    "signed.test": f"""\
@ MX 10 mx
mx A 192.0.2.1
mx AAAA 2001:db8::1
_25._tcp.mx TLSA 3 1 1 {"ab" * 32}
@ TXT "v=spf1 mx -all"
www CNAME mx
out CNAME mx.plain.test.
big TXT {LONG_TXT}
""",
    "bogus.test": "mx A 192.0.2.1\n",
    "plain.test": "mx A 192.0.2.3\n",
    "lists.test": """\
2.0.0.127 A 127.0.0.2
9.2.0.192 A 127.0.0.2
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.2
""",
}


@pytest.fixture(scope="module")
def unbound(run_dir: Path) -> Iterator[Unbound]:
    server = Unbound(run_dir, ZONES, signed=["signed.test"], bogus=["bogus.test"])
    server.start()
    yield server
    server.close()
