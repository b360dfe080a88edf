"""The IMAP transcripts, against the live server and, where they are of the core, against the session without I/O."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.imap_server import imap_server
from harness.imap_transcript import Case, LivePlayer, cases, matches, raw
from posthouse.protocol.imap.session import Answer, Session

FILES = sorted(Path(__file__).parent.glob("*.imap"))
CASES = [pytest.param(case, id=f"{path.stem}: {case.title}") for path in FILES for case in cases(path)]
CORE = [param for param in CASES if param.values[0].title.startswith("core:")]


def test_there_are_transcripts() -> None:
    assert len(CASES) >= 38
    assert len(CORE) >= 5


@pytest.mark.parametrize("case", CASES)
async def test_live(case: Case, tmp_path: Path) -> None:
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org", "secret")
        await live.account("full@example.org", "secret", quota_bytes=300, quota_msgs=2)
        await LivePlayer(live, account).play(case)


@pytest.mark.parametrize("case", CORE)
def test_core(case: Case) -> None:
    session = Session(message_limit=100_000, starttls=False, login_allowed=True)
    said: list[str] = []
    for number, kind, _, text in case.lines:
        match kind:
            case "C":
                session.receive_data(text.encode() + b"\r\n")
            case "RAW":
                session.receive_data(raw(text))
            case "S":
                assert said, f"line {number}: it said nothing"
                assert matches(text, said[0]), f"line {number}: expected {text!r}, it said {said[0]!r}"
                del said[0]
        while (event := session.next_event()) is not None:
            assert isinstance(event, Answer), f"line {number}: {event} needs more than the core"
            said += event.octets.decode("latin-1").splitlines()
    assert not said
