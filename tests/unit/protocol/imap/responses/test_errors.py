"""Every error has its wire answer."""

import inspect

import pytest

from posthouse.model import errors
from posthouse.protocol.imap.responses.errors import CODES, FATAL, code_of, fatal, refusal
from posthouse.protocol.imap.responses.status import line_text

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.MailError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_is_in_the_table(kind: type[errors.MailError]) -> None:
    assert kind in CODES or kind in FATAL
    error = kind("private reason with ann@example.org")
    answer = fatal(error) or refusal(b"t", error)
    assert answer.endswith(b"\r\n")
    assert answer.count(b"\r\n") == 1
    assert b"private" not in answer
    assert answer.startswith((b"t NO [", b"* BYE ["))


def test_unknown_outcomes_are_neither_ok_nor_no() -> None:
    assert (fatal(errors.OutcomeUnknown()) or b"").startswith(b"* BYE [UNAVAILABLE] ")
    assert fatal(errors.Unavailable()) is None


def test_subclasses_answer_as_their_parent() -> None:
    class DnsTemporary(errors.Unavailable):
        pass

    assert code_of(DnsTemporary()) == b"UNAVAILABLE"
    assert code_of(errors.MailError()) == b"SERVERBUG"


def test_trycreate_only_where_a_mailbox_is_missing() -> None:
    assert refusal(b"t", errors.NoSuchMailbox(), try_create=True).startswith(b"t NO [TRYCREATE] ")
    assert refusal(b"t", errors.NoSuchMailbox()).startswith(b"t NO [NONEXISTENT] ")
    assert refusal(b"t", errors.OverQuota(), try_create=True).startswith(b"t NO [OVERQUOTA] ")


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\r\nb", b"a b"), ("ü", b"?"), ("[ALERT] x", b"ALERT] x"), ("", b"Failed"), ("\t", b"Failed")],
)
def test_text_is_one_harmless_line(text: str, line: bytes) -> None:
    assert line_text(text) == line


def test_public_text_cannot_inject() -> None:
    answer = refusal(b"t", errors.Invalid(public="x\r\nt OK done"))
    assert answer == b"t NO [CANNOT] x t OK done\r\n"
