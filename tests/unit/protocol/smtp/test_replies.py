import re

import pytest

from posthouse.model import errors
from posthouse.model.ids import QueueId
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Reply, greeting, queued, reply_to

NAMED = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}
LINE = re.compile(rb"[2-5][0-9]{2} (?:[245]\.[0-9]{1,3}\.[0-9]{1,3} )?[ -~]*\r\n")


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_reply_is_one_valid_line(name: str) -> None:
    reply = NAMED[name]
    assert LINE.fullmatch(reply.wire)
    assert len(reply.wire) <= 512  # RFC 5321 §4.5.3.1.5
    if reply.enhanced:
        assert reply.enhanced[0] == str(reply.code)[0]
    else:
        assert reply.code == 334 or reply.code == 354


def test_codes_and_texts_are_not_named_twice() -> None:
    assert len({(r.code, r.enhanced, r.text) for r in NAMED.values()}) == len(NAMED)


def errors_of_the_platform() -> list[type[errors.MailError]]:
    return [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.MailError)]


@pytest.mark.parametrize("error", errors_of_the_platform())
def test_every_error_has_a_reply_of_its_own_kind(error: type[errors.MailError]) -> None:
    reply = reply_to(error("a private reason"))
    assert LINE.fullmatch(reply.wire)
    assert reply.code // 100 == (4 if error().temporary else 5)
    assert b"private" not in reply.wire


def test_the_text_of_an_error_cannot_break_the_line() -> None:
    wire = reply_to(errors.NotPermitted(public="a\r\n250 ok \x00 ä" + "x" * 1000)).wire
    assert LINE.fullmatch(wire)
    assert len(wire) < 512


def test_an_error_with_a_foreign_code_becomes_a_plain_one() -> None:
    assert reply_to(errors.MailError(code=250, enhanced="2.0.0")).code == 554
    assert reply_to(errors.MailError(code=451, enhanced="5.0.0")) is replies.DEADLINE


def test_what_the_issue_asks_for() -> None:
    assert reply_to(errors.NoSuchUser()).wire.startswith(b"550 5.1.1 ")
    assert reply_to(errors.OverQuota()).wire.startswith(b"452 4.2.2 ")
    assert reply_to(errors.Disabled()).wire.startswith(b"550 5.2.1 ")
    assert reply_to(errors.Lagging()).wire.startswith(b"451 4.3.2 ")
    assert reply_to(errors.RelayDenied()).wire == b"550 5.7.1 relay is not configured\r\n"
    assert queued(QueueId("q")) == b"250 2.0.0 Ok: queued as q\r\n"


def test_greeting_continues_all_lines_but_the_last() -> None:
    assert greeting("mx", ["PIPELINING", "SIZE 3"]) == b"250-mx\r\n250-PIPELINING\r\n250 SIZE 3\r\n"
    assert greeting("mx", []) == b"250 mx\r\n"
