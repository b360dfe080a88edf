"""What goes over the wire comes back the same."""

import uuid
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.model import errors
from posthouse.model.change import (
    Append,
    Appended,
    CommitRequest,
    Committed,
    Copied,
    Copy,
    CreateMailbox,
    DeleteMailbox,
    Duplicate,
    Expunge,
    Expunged,
    FlagMode,
    FlagsStored,
    MailboxChanged,
    Noop,
    QuotaLimit,
    RenameMailbox,
    StoreFlags,
    SubscribeMailbox,
)
from posthouse.model.envelope import BlobRef
from posthouse.model.flags import NO_KEYWORDS, Flags
from posthouse.model.ids import (
    AccountId,
    BlobId,
    EmailId,
    MailboxId,
    MailboxNumber,
    ModSeq,
    OpId,
    QueueId,
    TenantName,
    Uid,
    UidValidity,
    queue_id_from_octets,
)
from posthouse.model.mailbox import AccountView, Mailbox, MailboxContents, NewEmail, StoredEmail
from posthouse.store.account import wire

ids = st.binary(min_size=16, max_size=16)
uuids = ids.map(lambda octets: uuid.UUID(bytes=octets))
words = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=30)
uid_values = st.integers(1, 2**32 - 1).map(Uid)
modseqs = st.integers(0, 2**63 - 1).map(ModSeq)
numbers = st.integers(1, 2**32 - 1).map(MailboxNumber)
uids = st.lists(uid_values, max_size=5, unique=True).map(sorted)
sizes = st.integers(0, 2**40)
seconds = st.integers(-(2**40), 2**40)
octets = st.binary(max_size=100)
flags = st.builds(Flags, st.integers(0, 31), st.frozensets(words, max_size=3).map(lambda kw: kw or NO_KEYWORDS))
queue_ids = st.one_of(st.none(), ids.map(queue_id_from_octets))
blobs = st.builds(
    lambda id_, tenant, size: BlobRef(BlobId(id_), TenantName(tenant), size),
    st.binary(min_size=42, max_size=42),
    words,
    sizes,
)


@st.composite
def emails(draw: st.DrawFn) -> NewEmail:
    inline = draw(st.booleans())
    return NewEmail(
        EmailId(draw(uuids)),
        draw(sizes),
        draw(octets),
        draw(octets),
        draw(seconds),
        draw(octets) if inline else None,
        None if inline else draw(blobs),
        draw(queue_ids),
    )


changes = st.one_of(
    st.builds(Append, names, emails(), flags, st.booleans()),
    st.builds(StoreFlags, numbers, uids, st.sampled_from(FlagMode), flags, st.one_of(st.none(), modseqs)),
    st.builds(Expunge, numbers, st.one_of(st.none(), uids), st.booleans()),
    st.builds(Copy, numbers, uids, names, st.booleans()),
    st.builds(CreateMailbox, names, uuids.map(MailboxId), st.sampled_from(["", "\\Sent"])),
    st.builds(RenameMailbox, names, names, uuids.map(MailboxId)),
    st.builds(DeleteMailbox, names),
    st.builds(SubscribeMailbox, names, st.booleans()),
    st.just(Noop()),
)
limits = st.one_of(st.none(), st.integers(0, 2**60))
requests = st.builds(
    CommitRequest,
    ids.map(OpId),
    st.lists(changes, max_size=4).map(tuple),
    st.builds(QuotaLimit, limits, limits, st.integers(100, 200)),
    st.integers(0, 2**31),
)
appended = st.builds(Appended, numbers, names, st.integers(1, 2**32 - 1).map(UidValidity), uid_values)
effects = st.one_of(
    st.none(),
    appended,
    st.builds(FlagsStored, uids.map(tuple), uids.map(tuple)),
    st.builds(Expunged, uids.map(tuple)),
    st.builds(Copied, st.integers(1, 2**32 - 1).map(UidValidity), numbers, uids.map(tuple), uids.map(tuple)),
    st.builds(MailboxChanged, numbers, uuids.map(MailboxId)),
)
results = st.one_of(
    st.builds(Committed, modseqs, st.lists(effects, max_size=4).map(tuple)),
    st.builds(Duplicate, modseqs, st.lists(appended, max_size=2).map(tuple)),
)
mailboxes = st.builds(
    Mailbox,
    numbers,
    uuids.map(MailboxId),
    names,
    st.integers(1, 2**32 - 1).map(UidValidity),
    st.integers(1, 2**32).map(Uid),
    modseqs,
    st.integers(0, 2**31),
    st.integers(0, 2**31),
    sizes,
    st.integers(0, 2**64 - 1),
    modseqs,
    st.booleans(),
    st.sampled_from(["", "\\Junk"]),
)


@given(requests)
def test_requests(request: CommitRequest) -> None:
    sent = pb.CommitRequest()
    wire.put_request(sent, request)
    assert wire.request_of(pb.CommitRequest.FromString(sent.SerializeToString())) == request


@given(results)
def test_results(result: Committed | Duplicate) -> None:
    sent = pb.CommitReply()
    wire.put_result(sent, result)
    assert wire.result_of(pb.CommitReply.FromString(sent.SerializeToString())) == result


@given(uuids.map(AccountId), modseqs, sizes, st.booleans(), st.lists(mailboxes, max_size=3))
def test_views(account: AccountId, modseq: ModSeq, used: int, deleted: bool, boxes: list[Mailbox]) -> None:
    view = AccountView(account, modseq, used, used + 1, 3, deleted, tuple(boxes))
    sent = pb.AccountView()
    wire.put_view(sent, view)
    assert wire.view_of(account, pb.AccountView.FromString(sent.SerializeToString())) == view


rows = st.lists(
    st.tuples(
        st.integers(1, 2**32 - 1),
        st.integers(0, 31),
        st.frozensets(words, max_size=2),
        st.integers(0, 2**63),
        sizes,
        seconds,
        ids,
    ),
    max_size=6,
)


@given(mailboxes, modseqs, rows)
def test_contents(
    mailbox: Mailbox, modseq: ModSeq, rows: list[tuple[int, int, frozenset[str], int, int, int, bytes]]
) -> None:
    contents = MailboxContents(
        mailbox,
        modseq,
        array("I", [row[0] for row in rows]),
        array("B", [row[1] for row in rows]),
        [row[2] for row in rows],
        array("Q", [row[3] for row in rows]),
        array("Q", [row[4] for row in rows]),
        array("q", [row[5] for row in rows]),
        [row[6] for row in rows],
    )
    sent = pb.MailboxContents()
    wire.put_contents(sent, contents)
    assert wire.contents_of(pb.MailboxContents.FromString(sent.SerializeToString())) == contents


@given(uuids, sizes, octets, octets, seconds, st.one_of(st.none(), blobs), queue_ids)
def test_stored_emails(
    email_id: uuid.UUID,
    size: int,
    prefix: bytes,
    prepared: bytes,
    date: int,
    blob: BlobRef | None,
    queue_id: QueueId | None,
) -> None:
    email = StoredEmail(EmailId(email_id), size, prefix, prepared, date, blob, queue_id)
    sent = pb.StoredEmail()
    wire.put_stored(sent, email)
    assert wire.stored_of(pb.StoredEmail.FromString(sent.SerializeToString())) == email


def test_an_email_that_is_gone() -> None:
    sent = pb.StoredEmail()
    wire.put_stored(sent, None)
    assert wire.stored_of(sent) is None


@pytest.mark.parametrize("kind", wire.KINDS.values())
def test_errors_keep_their_class_and_texts(kind: type[errors.MailError]) -> None:
    error = kind("private", public="shown", code=452, enhanced="4.2.2")
    sent = pb.Error()
    wire.put_error(sent, error)
    back = wire.error_of(sent)
    assert type(back) is kind
    assert (back.reason, back.public, back.code, back.enhanced) == ("private", "shown", 452, "4.2.2")
    assert sent.retryable
    assert sent.retry_after_ms > 0


def test_an_adapters_own_error_travels_as_what_it_is_to_others() -> None:
    class Special(errors.OutcomeUnknown):
        pass

    sent = pb.Error()
    wire.put_error(sent, Special("why"))
    assert type(wire.error_of(sent)) is errors.OutcomeUnknown


def test_an_error_of_a_newer_peer_is_still_an_error() -> None:
    back = wire.error_of(pb.Error(kind="Unheard", code=550, enhanced="5.0.0", public="no", reason="r"))
    assert type(back) is errors.MailError
    assert not back.temporary


@pytest.mark.parametrize(
    "change",
    [
        pb.Change(),
        pb.Change(store_flags=pb.StoreFlags(mailbox=1, mode="?")),
        pb.Change(append=pb.Append(mailbox="INBOX", email=pb.NewEmail(email_id=b"short"))),
    ],
)
def test_what_is_not_understood_is_refused(change: pb.Change) -> None:
    with pytest.raises(errors.Invalid):
        wire.request_of(pb.CommitRequest(op_id=b"x" * 16, changes=[change]))
