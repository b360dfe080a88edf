"""The MailStore port's promises, on every adapter. I1-I8 are those of docs/consistency.md."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.mail_stores import (
    ADAPTERS,
    IDS,
    MailStores,
    append,
    commit,
    delivery,
    mail_stores_of,
    mailbox,
    make_account,
    names,
    new_account,
    new_email,
    new_mailbox_id,
    request,
)
from posthouse.model.change import (
    Append,
    Appended,
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
from posthouse.model.errors import (
    Invalid,
    MailboxExists,
    MailboxRefused,
    NoSuchAccount,
    NoSuchMailbox,
    OverQuota,
)
from posthouse.model.flags import ANSWERED, DELETED, FLAGGED, NO_FLAGS, SEEN, Flags
from posthouse.model.ids import AccountId, BlobId, MailboxNumber, ModSeq, TenantName, Uid
from posthouse.model.journal import FlagsSet, MessageAppended, MessagesExpunged
from posthouse.model.mailbox import MailboxContents
from posthouse.ports.mail_store import MailStore

INBOX = MailboxNumber(1)


@pytest.fixture(params=ADAPTERS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> MailStores:
    return await mail_stores_of(request, tmp_path)


@pytest.fixture
async def store(stores: MailStores) -> AsyncIterator[MailStore]:
    async with stores.open() as store:
        yield store


@pytest.fixture
async def account(store: MailStore) -> AccountId:
    return await make_account(store)


def uids(contents: MailboxContents) -> list[int]:
    return list(contents.uids)


async def filled(store: MailStore, account: AccountId, count: int, flags: Flags = NO_FLAGS) -> list[Uid]:
    return [(await append(store, account, flags=flags)).uid for _ in range(count)]


async def test_a_new_account_has_inbox_and_the_folders_asked_for(store: MailStore, account: AccountId) -> None:
    view = await store.view(account)
    assert names(view) == ["INBOX", "Drafts", "Sent", "Trash"]
    assert [box.special_use for box in view.mailboxes] == ["", "\\Drafts", "\\Sent", "\\Trash"]
    assert view.mailboxes[0].number == INBOX
    assert view.modseq >= 1
    assert len({box.uidvalidity for box in view.mailboxes}) == 4
    assert all(0 < box.uidvalidity < 1 << 32 and box.uidnext == 1 for box in view.mailboxes)


async def test_making_an_account_twice_changes_nothing(store: MailStore, account: AccountId) -> None:
    await append(store, account)
    before = await store.view(account)
    await make_account(store, account)
    assert await store.view(account) == before


async def test_an_unknown_account_has_nothing(store: MailStore) -> None:
    nobody = new_account()
    for asked in (
        store.view(nobody),
        store.contents(nobody, INBOX),
        store.journal(nobody, ModSeq(0)),
        store.commit(nobody, delivery()),
        store.recount(nobody, repair=False),
    ):
        with pytest.raises(NoSuchAccount):
            await asked
    assert await store.evidence(nobody, [IDS.op_id()]) == {}


async def test_a_deleted_account_stays_deleted(store: MailStore, account: AccountId) -> None:
    done = delivery()
    await store.commit(account, done)
    await store.delete_account(account)
    with pytest.raises(NoSuchAccount):
        await store.view(account)
    with pytest.raises(NoSuchAccount):
        await store.commit(account, delivery())
    with pytest.raises(NoSuchAccount):
        await make_account(store, account)
    assert await store.evidence(account, [done.op_id]) == {}


async def test_deliveries_get_ascending_uids_and_modseqs(store: MailStore, account: AccountId) -> None:
    """I1, I3"""
    seen = []
    for _ in range(5):
        outcome = await store.commit(account, delivery())
        assert isinstance(outcome, Committed)
        [effect] = outcome.effects
        assert isinstance(effect, Appended)
        seen.append((effect.uid, outcome.modseq))
        box = await mailbox(store, account)
        assert (box.uidnext, box.highest_modseq) == (effect.uid + 1, outcome.modseq)
    assert seen == sorted(seen)
    assert [uid for uid, _ in seen] == [1, 2, 3, 4, 5]


async def test_concurrent_deliveries_leave_no_gap(store: MailStore, account: AccountId) -> None:
    outcomes = await asyncio.gather(*[store.commit(account, delivery()) for _ in range(100)])
    assert sorted(o.modseq for o in outcomes) == list(range(2, 102))
    contents = await store.contents(account, INBOX)
    assert uids(contents) == list(range(1, 101))
    assert list(contents.modseqs) == sorted(contents.modseqs)
    assert await store.recount(account, repair=False) == []


async def test_what_was_appended_comes_back(store: MailStore, account: AccountId) -> None:
    queue_id = IDS.queue_id()
    small = new_email(b"small", prefix=b"P: 1\r\n", prepared=b"\x00\xff", internaldate=12345, queue_id=queue_id)
    ref = BlobRef(BlobId(b"\0\1" + b"h" * 32 + (70_000).to_bytes(8, "big")), TenantName("default"), 70_000)
    large = new_email(blob=ref)
    flags = Flags(SEEN | FLAGGED, frozenset({"$Junk", "work"}))
    for email in (small, large):
        await append(store, account, flags=flags, email=email)
    contents = await store.contents(account, INBOX)
    assert contents.email_ids == [small.email_id.bytes, large.email_id.bytes]
    assert list(contents.sys) == [flags.sys] * 2
    assert contents.keywords == [flags.kw] * 2
    assert list(contents.sizes) == [small.size, large.size]
    assert contents.internaldates[0] == 12345
    first, gone, second = await store.emails(account, [small.email_id, IDS.email_id(), large.email_id])
    assert gone is None
    assert first is not None
    assert second is not None
    assert (first.prefix, first.prepared, first.size, first.queue_id) == (
        b"P: 1\r\n",
        b"\x00\xff",
        small.size,
        queue_id,
    )
    assert (first.blob, second.blob, second.queue_id) == (None, ref, None)
    assert await store.octets(account, small.email_id) == b"small"
    assert await store.octets(account, large.email_id) is None
    unknown = IDS.email_id().bytes
    envelopes = await store.envelopes(account, [large.email_id.bytes, unknown, small.email_id.bytes])
    assert envelopes == [(large.prefix, b"prepared"), None, (b"P: 1\r\n", b"\x00\xff")]


async def test_counts_belong_to_the_commit(store: MailStore, account: AccountId) -> None:
    """I7"""
    sizes = []
    for flags in (Flags(), Flags(SEEN), Flags(FLAGGED)):
        email = new_email(b"x" * (10 + flags.sys))
        sizes.append(email.size)
        await append(store, account, flags=flags, email=email)
    box, view = await mailbox(store, account), await store.view(account)
    assert (box.total, box.unseen, box.size) == (3, 2, sum(sizes))
    assert (view.used_msgs, view.used_bytes) == (3, sum(sizes))
    await commit(store, account, Expunge(INBOX, [Uid(1)], force=True))
    box, view = await mailbox(store, account), await store.view(account)
    assert (box.total, box.unseen, box.size) == (2, 1, sum(sizes[1:]))
    assert (view.used_msgs, view.used_bytes) == (2, sum(sizes[1:]))


async def test_a_repeated_delivery_is_recognised(store: MailStore, account: AccountId) -> None:
    once = delivery("Sent")
    first = await store.commit(account, once)
    assert isinstance(first, Committed)
    again = await store.commit(account, delivery("Sent", op_id=once.op_id))
    [effect] = first.effects
    assert isinstance(effect, Appended)
    assert again == Duplicate(first.modseq, (effect,))
    assert (await mailbox(store, account, "Sent")).total == 1
    unknown = IDS.op_id()
    assert await store.evidence(account, [unknown, once.op_id]) == {once.op_id: first.modseq}


async def test_the_same_delivery_twice_at_once_is_one(store: MailStore, account: AccountId) -> None:
    once = delivery()
    outcomes = await asyncio.gather(*[store.commit(account, once) for _ in range(8)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Committed"] + ["Duplicate"] * 7
    assert len({outcome.modseq for outcome in outcomes}) == 1
    assert uids(await store.contents(account, INBOX)) == [1]


async def test_without_dedup_the_same_op_applies_again(store: MailStore, account: AccountId) -> None:
    op_id = IDS.op_id()
    for _ in range(2):
        assert isinstance(await store.commit(account, request(Append("INBOX", new_email()), op_id=op_id)), Committed)
    assert (await mailbox(store, account)).total == 2


async def test_a_request_is_applied_whole_or_not_at_all(store: MailStore, account: AccountId) -> None:
    """I6"""
    await filled(store, account, 1)
    before, seen = await store.view(account), await store.contents(account, INBOX)
    with pytest.raises(NoSuchMailbox):
        await commit(
            store,
            account,
            Append("INBOX", new_email()),
            StoreFlags(INBOX, [Uid(1), Uid(2)], FlagMode.ADD, Flags(SEEN)),
            CreateMailbox("Made", new_mailbox_id()),
            Copy(INBOX, [Uid(1)], "Made", move=True),
            Append("Nowhere", new_email()),
        )
    assert await store.view(account) == before
    assert await store.contents(account, INBOX) == seen


async def test_changes_of_one_request_build_on_each_other(store: MailStore, account: AccountId) -> None:
    outcome = await commit(
        store,
        account,
        CreateMailbox("Made", new_mailbox_id()),
        Append("INBOX", new_email()),
        StoreFlags(INBOX, [Uid(1)], FlagMode.ADD, Flags(DELETED)),
        Copy(INBOX, [Uid(1)], "Made"),
        Expunge(INBOX),
    )
    made, appended, stored, copied, expunged = outcome.effects
    assert isinstance(made, MailboxChanged)
    assert isinstance(appended, Appended)
    assert stored == FlagsStored((Uid(1),), ())
    assert isinstance(copied, Copied)
    assert expunged == Expunged((Uid(1),))
    contents = await store.contents(account, made.number)
    assert (uids(contents), list(contents.sys), list(contents.modseqs)) == ([1], [DELETED], [outcome.modseq])
    assert await store.recount(account, repair=False) == []


async def test_a_refused_request_leaves_the_others_of_its_group(store: MailStore, account: AccountId) -> None:
    good, bad = delivery(), delivery("Nowhere")
    outcomes = await asyncio.gather(
        *[store.commit(account, r) for r in (good, bad, delivery())], return_exceptions=True
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["Committed", "NoSuchMailbox", "Committed"]
    assert uids(await store.contents(account, INBOX)) == [1, 2]
    assert (await store.view(account)).modseq == 3


async def test_append_may_make_its_mailbox(store: MailStore, account: AccountId) -> None:
    with pytest.raises(NoSuchMailbox):
        await append(store, account, "Lists/asyncio")
    await commit(store, account, Append("Lists/asyncio", new_email(), create=True))
    await commit(store, account, Append("Lists/asyncio", new_email(), create=True))
    assert names(await store.view(account))[-2:] == ["Lists", "Lists/asyncio"]
    assert (await mailbox(store, account, "Lists/asyncio")).total == 2


async def test_quota_is_never_passed(store: MailStore, account: AccountId) -> None:
    """I7; 50 at once with room for 10"""
    email = new_email()
    limit = QuotaLimit(max_bytes=email.size * 10 + 1)
    outcomes = await asyncio.gather(
        *[store.commit(account, delivery(email=new_email(), quota=limit)) for _ in range(50)], return_exceptions=True
    )
    assert sum(isinstance(outcome, Committed) for outcome in outcomes) == 10
    assert sum(isinstance(outcome, OverQuota) for outcome in outcomes) == 40
    assert (await store.view(account)).used_bytes == email.size * 10
    with pytest.raises(OverQuota):
        await commit(store, account, Copy(INBOX, [Uid(1)], "Sent"), quota=limit)
    await commit(store, account, Copy(INBOX, [Uid(1)], "Sent", move=True), quota=limit)
    await store.commit(account, delivery(quota=QuotaLimit(max_bytes=email.size * 10, percent=110)))
    with pytest.raises(OverQuota):
        await store.commit(account, delivery(quota=QuotaLimit(max_bytes=email.size * 10, percent=110)))
    with pytest.raises(OverQuota):
        await store.commit(account, delivery(quota=QuotaLimit(max_msgs=11)))


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        (FlagMode.ADD, Flags(SEEN, frozenset({"$work", "new"})), Flags(SEEN | FLAGGED, frozenset({"$Work", "new"}))),
        (FlagMode.REMOVE, Flags(FLAGGED, frozenset({"$WORK"})), Flags(0)),
        (FlagMode.REPLACE, Flags(ANSWERED, frozenset({"x"})), Flags(ANSWERED, frozenset({"x"}))),
        (FlagMode.REPLACE, Flags(0), Flags(0)),
    ],
)
async def test_flags(store: MailStore, account: AccountId, mode: FlagMode, given: Flags, expected: Flags) -> None:
    await append(store, account, flags=Flags(FLAGGED, frozenset({"$Work"})))
    outcome = await commit(store, account, StoreFlags(INBOX, [Uid(1)], mode, given))
    assert outcome.effects == (FlagsStored((Uid(1),), ()),)
    contents = await store.contents(account, INBOX)
    assert (contents.sys[0], contents.keywords[0], contents.modseqs[0]) == (expected.sys, expected.kw, outcome.modseq)
    assert (await mailbox(store, account)).unseen == (0 if expected.sys & SEEN else 1)
    assert await store.recount(account, repair=False) == []


async def test_storing_what_is_there_spends_no_modseq(store: MailStore, account: AccountId) -> None:
    await append(store, account, flags=Flags(SEEN))
    before = await store.view(account)
    outcome = await commit(store, account, StoreFlags(INBOX, [Uid(1), Uid(7)], FlagMode.ADD, Flags(SEEN)))
    assert (outcome.modseq, outcome.effects) == (before.modseq, (FlagsStored((), ()),))
    assert await store.view(account) == before


async def test_unchanged_since_leaves_newer_changes_alone(store: MailStore, account: AccountId) -> None:
    """RFC 7162 §3.1.3"""
    await filled(store, account, 3)
    known = (await store.view(account)).modseq
    await commit(store, account, StoreFlags(INBOX, [Uid(2)], FlagMode.ADD, Flags(FLAGGED)))
    change = StoreFlags(INBOX, [Uid(1), Uid(2), Uid(3)], FlagMode.ADD, Flags(SEEN), unchanged_since=known)
    assert (await commit(store, account, change)).effects == (FlagsStored((Uid(1), Uid(3)), (Uid(2),)),)
    assert list((await store.contents(account, INBOX)).sys) == [SEEN, FLAGGED, SEEN]


async def test_only_one_of_two_conditional_stores_wins(store: MailStore, account: AccountId) -> None:
    await filled(store, account, 1)
    known = (await store.view(account)).modseq
    change = StoreFlags(INBOX, [Uid(1)], FlagMode.ADD, Flags(0, frozenset({"mine"})), unchanged_since=known)
    other = StoreFlags(INBOX, [Uid(1)], FlagMode.ADD, Flags(0, frozenset({"yours"})), unchanged_since=known)
    outcomes = await asyncio.gather(commit(store, account, change), commit(store, account, other))
    assert sorted(effect.changed for o in outcomes for effect in o.effects if isinstance(effect, FlagsStored)) == [
        (),
        (1,),
    ]


@pytest.mark.parametrize(
    "flags",
    [
        Flags(64),
        Flags(0, frozenset({"two words"})),
        Flags(0, frozenset({""})),
        Flags(0, frozenset({"\\Mine"})),
        Flags(0, frozenset({"ä"})),
        Flags(0, frozenset({"k" * 101})),
        Flags(0, frozenset(f"k{n}" for n in range(101))),
    ],
)
async def test_bad_flags_are_refused(store: MailStore, account: AccountId, flags: Flags) -> None:
    await filled(store, account, 1)
    with pytest.raises(Invalid):
        await append(store, account, flags=flags)
    with pytest.raises(Invalid):
        await commit(store, account, StoreFlags(INBOX, [Uid(1)], FlagMode.REPLACE, flags))


async def test_expunge_takes_what_is_marked(store: MailStore, account: AccountId) -> None:
    await filled(store, account, 5)
    await commit(store, account, StoreFlags(INBOX, [Uid(1), Uid(3), Uid(4)], FlagMode.ADD, Flags(DELETED)))
    assert (await commit(store, account, Expunge(INBOX, [Uid(2), Uid(3)]))).effects == (Expunged((Uid(3),)),)
    assert (await commit(store, account, Expunge(INBOX))).effects == (Expunged((Uid(1), Uid(4))),)
    assert (await commit(store, account, Expunge(INBOX))).effects == (Expunged(()),)
    assert (await commit(store, account, Expunge(INBOX, [Uid(2), Uid(9)], force=True))).effects == (
        Expunged((Uid(2),)),
    )
    assert uids(await store.contents(account, INBOX)) == [5]
    assert (await append(store, account)).uid == 6, "I1: uids are not used again"


async def test_vanished_tells_what_went_after_a_modseq(store: MailStore, account: AccountId) -> None:
    """RFC 7162 §3.2.7"""
    await filled(store, account, 6)
    await commit(store, account, Expunge(INBOX, [Uid(1)], force=True))
    known = (await store.view(account)).modseq
    await commit(store, account, Expunge(INBOX, [Uid(2), Uid(4)], force=True))
    await commit(store, account, Copy(INBOX, [Uid(6)], "Trash", move=True))
    vanished = await store.vanished(account, INBOX, known)
    assert (list(vanished.uids), vanished.complete) == ([2, 4, 6], True)
    assert list((await store.vanished(account, INBOX, ModSeq(0))).uids) == [1, 2, 4, 6]
    assert list((await store.vanished(account, INBOX, (await store.view(account)).modseq)).uids) == []


async def test_copy_keeps_flags_and_dates(store: MailStore, account: AccountId) -> None:
    first = new_email(internaldate=111)
    await append(store, account, flags=Flags(SEEN, frozenset({"a"})), email=first)
    await append(store, account, flags=Flags(FLAGGED), email=new_email(internaldate=222))
    await filled(store, account, 2)
    await append(store, account, "Sent")
    [effect] = (await commit(store, account, Copy(INBOX, [Uid(1), Uid(2), Uid(4), Uid(9)], "Sent"))).effects
    sent = await mailbox(store, account, "Sent")
    assert effect == Copied(sent.uidvalidity, sent.number, (Uid(1), Uid(2), Uid(4)), (Uid(2), Uid(3), Uid(4)))
    contents = await store.contents(account, sent.number)
    assert uids(contents) == [1, 2, 3, 4]
    assert list(contents.sys)[1:] == [SEEN, FLAGGED, 0]
    assert contents.keywords[1] == {"a"}
    assert list(contents.internaldates)[1:3] == [111, 222]
    assert contents.email_ids[1] == first.email_id.bytes
    assert (await mailbox(store, account)).total == 4
    assert await store.recount(account, repair=False) == []


async def test_move_is_one_commit(store: MailStore, account: AccountId) -> None:
    """RFC 6851 §3.3; I6"""
    await filled(store, account, 4)
    outcome = await commit(store, account, Copy(INBOX, [Uid(2), Uid(3)], "Trash", move=True))
    [effect] = outcome.effects
    assert isinstance(effect, Copied)
    assert (effect.source_uids, effect.target_uids) == ((2, 3), (1, 2))
    assert uids(await store.contents(account, INBOX)) == [1, 4]
    trash = await store.contents(account, effect.target)
    assert (uids(trash), list(trash.modseqs)) == ([1, 2], [outcome.modseq] * 2)
    assert (await store.view(account)).used_msgs == 4
    with pytest.raises(NoSuchMailbox):
        await commit(store, account, Copy(INBOX, [Uid(1)], "Nowhere", move=True))
    assert await store.recount(account, repair=False) == []


async def test_move_within_a_mailbox_gives_new_uids(store: MailStore, account: AccountId) -> None:
    await filled(store, account, 3)
    await commit(store, account, Copy(INBOX, [Uid(1), Uid(3)], "inbox", move=True))
    assert uids(await store.contents(account, INBOX)) == [2, 4, 5]
    await commit(store, account, Copy(INBOX, [Uid(2)], "INBOX"))
    assert uids(await store.contents(account, INBOX)) == [2, 4, 5, 6]
    assert await store.recount(account, repair=False) == []


async def test_create_makes_the_levels_above(store: MailStore, account: AccountId) -> None:
    mine = new_mailbox_id()
    [effect] = (await commit(store, account, CreateMailbox("a/b/c/", mine, "\\Archive"))).effects
    box = await mailbox(store, account, "a/b/c")
    assert effect == MailboxChanged(box.number, mine)
    assert (box.mailbox_id, box.special_use, box.subscribed) == (mine, "\\Archive", True)
    view = await store.view(account)
    assert names(view)[-3:] == ["a", "a/b", "a/b/c"]
    assert len({it.mailbox_id for it in view.mailboxes}) == len(view.mailboxes)
    with pytest.raises(MailboxExists):
        await commit(store, account, CreateMailbox("a/b", new_mailbox_id()))


@pytest.mark.parametrize("name", ["", "/", "a//b", "/a", "x" * 1_001, "a\0b", "a\r\n", "*", "50%", "#news", "a/" * 40])
async def test_bad_names_are_refused(store: MailStore, account: AccountId, name: str) -> None:
    before = await store.view(account)
    with pytest.raises(MailboxRefused):
        await commit(store, account, CreateMailbox(name, new_mailbox_id()))
    with pytest.raises(MailboxRefused):
        await commit(store, account, RenameMailbox("Sent", name, new_mailbox_id()))
    assert await store.view(account) == before


async def test_inbox_is_one_in_any_case(store: MailStore, account: AccountId) -> None:
    for name in ("inbox", "InBox", "INBOX/"):
        with pytest.raises(MailboxExists):
            await commit(store, account, CreateMailbox(name, new_mailbox_id()))
    await commit(store, account, CreateMailbox("Inbox/child", new_mailbox_id()))
    assert names(await store.view(account))[-1] == "INBOX/child"
    assert (await append(store, account, "iNbOx")).mailbox_name == "INBOX"
    with pytest.raises(MailboxRefused):
        await commit(store, account, DeleteMailbox("inbox"))


async def test_special_use_is_unique_and_known(store: MailStore, account: AccountId) -> None:
    for use in ("\\Sent", "\\Nonsense"):
        with pytest.raises(MailboxRefused):
            await commit(store, account, CreateMailbox("other", new_mailbox_id(), use))


async def test_rename_takes_children_along(store: MailStore, account: AccountId) -> None:
    for name in ("a/b/c", "ab"):
        await commit(store, account, CreateMailbox(name, new_mailbox_id()))
    await append(store, account, "a/b/c")
    before = {box.name: box for box in (await store.view(account)).mailboxes}
    await commit(store, account, RenameMailbox("a", "x/y", new_mailbox_id()))
    view = await store.view(account)
    assert {"x", "x/y", "x/y/b", "x/y/b/c", "ab"} <= set(names(view))
    assert not {"a", "a/b", "a/b/c"} & set(names(view))
    after = view.by_name("x/y/b/c")
    assert after is not None
    old = before["a/b/c"]
    assert (after.number, after.mailbox_id, after.uidvalidity, after.total) == (
        old.number,
        old.mailbox_id,
        old.uidvalidity,
        1,
    )
    for to, error in (("x/y/b/z", MailboxRefused), ("Sent", MailboxExists), ("x/y", MailboxExists)):
        with pytest.raises(error):
            await commit(store, account, RenameMailbox("x/y", to, new_mailbox_id()))
    with pytest.raises(NoSuchMailbox):
        await commit(store, account, RenameMailbox("a", "q", new_mailbox_id()))


async def test_rename_of_inbox_moves_its_messages(store: MailStore, account: AccountId) -> None:
    """RFC 9051 §6.3.6"""
    await commit(store, account, CreateMailbox("INBOX/child", new_mailbox_id()))
    await filled(store, account, 3, Flags(SEEN))
    mine = new_mailbox_id()
    await commit(store, account, RenameMailbox("INBOX", "old/mail", mine))
    old = await mailbox(store, account, "old/mail")
    assert (old.mailbox_id, old.total, old.unseen) == (mine, 3, 0)
    assert uids(await store.contents(account, old.number)) == [1, 2, 3]
    assert uids(await store.contents(account, INBOX)) == []
    assert (await mailbox(store, account, "INBOX/child")).total == 0
    assert (await append(store, account)).uid == 4
    assert await store.recount(account, repair=False) == []


async def test_a_deleted_mailbox_gives_its_room_back(store: MailStore, account: AccountId) -> None:
    await commit(store, account, CreateMailbox("a/b", new_mailbox_id()))
    await append(store, account, "a/b")
    await append(store, account, "INBOX")
    old = await mailbox(store, account, "a/b")
    with pytest.raises(MailboxRefused, match="children"):
        await commit(store, account, DeleteMailbox("a"))
    await commit(store, account, DeleteMailbox("a/b"))
    view = await store.view(account)
    assert (view.by_name("a/b"), view.used_msgs) == (None, 1)
    with pytest.raises(NoSuchMailbox):
        await store.contents(account, old.number)
    with pytest.raises(NoSuchMailbox):
        await commit(store, account, StoreFlags(old.number, [Uid(1)], FlagMode.ADD, Flags(SEEN)))
    await commit(store, account, CreateMailbox("a/b", new_mailbox_id()))
    new = await mailbox(store, account, "a/b")
    assert new.number != old.number
    assert new.uidvalidity > old.uidvalidity, "I2: a name that comes back is another mailbox"
    assert (new.total, new.uidnext) == (0, 1)
    assert await store.recount(account, repair=False) == []


async def test_subscriptions(store: MailStore, account: AccountId) -> None:
    await commit(store, account, SubscribeMailbox("Sent", False))
    assert not (await mailbox(store, account, "Sent")).subscribed
    before = (await store.view(account)).modseq
    await commit(store, account, SubscribeMailbox("Sent", False))
    assert (await store.view(account)).modseq == before
    await commit(store, account, SubscribeMailbox("Sent", True))
    assert (await mailbox(store, account, "Sent")).subscribed
    with pytest.raises(NoSuchMailbox):
        await commit(store, account, SubscribeMailbox("Nowhere", True))


async def test_the_journal_tells_every_change(store: MailStore, account: AccountId) -> None:
    start = (await store.view(account)).modseq
    op = delivery()
    await store.commit(account, op)
    await commit(store, account, StoreFlags(INBOX, [Uid(1)], FlagMode.ADD, Flags(DELETED)))
    await commit(store, account, Noop())
    await commit(store, account, Expunge(INBOX))
    entries = await store.journal(account, start)
    assert entries is not None
    assert [entry.modseq for entry in entries] == [start + 1, start + 2, start + 3, start + 4]
    assert entries[0].op_id == op.op_id
    kinds = [type(op) for entry in entries for op in entry.ops]
    assert (kinds[0], kinds[1], kinds[3]) == (MessageAppended, FlagsSet, MessagesExpunged)
    assert await store.journal(account, ModSeq(start + 4)) in ((), [])
    last = await store.journal(account, ModSeq(start + 3))
    assert last is not None
    assert [entry.modseq for entry in last] == [start + 4]


async def test_the_journal_is_trimmed_but_keeps_500(stores: MailStores) -> None:
    async with stores.open() as store:
        account = await make_account(store)
        for _ in range(15):
            await asyncio.gather(*[store.commit(account, request(Noop())) for _ in range(50)])
        head = (await store.view(account)).modseq
    async with stores.open() as store:
        assert await store.journal(account, ModSeq(0)) is None
        entries = await store.journal(account, ModSeq(head - 500))
        assert entries is not None
        assert [entry.modseq for entry in entries] == list(range(head - 499, head + 1))


async def test_contents_and_view_are_of_one_moment(store: MailStore, account: AccountId) -> None:
    """I3: what contents shows at modseq H has every change up to H and none above."""

    async def deliver() -> None:
        for _ in range(30):
            await store.commit(account, delivery())

    async def look() -> None:
        seen: list[int] = []
        for _ in range(30):
            contents = await store.contents(account, INBOX)
            assert contents.mailbox.total == len(contents.uids)
            assert contents.mailbox.uidnext == len(contents.uids) + 1
            assert contents.modseq >= max(contents.modseqs, default=0)
            assert uids(contents)[: len(seen)] == seen, "I1: nothing appears below what was seen"
            seen = uids(contents)
            await asyncio.sleep(0)

    await asyncio.gather(deliver(), deliver(), look())


async def test_a_caller_reads_its_own_commits(store: MailStore, account: AccountId) -> None:
    """I8"""
    for n in range(1, 10):
        outcome = await store.commit(account, delivery())
        assert (await store.view(account)).modseq >= outcome.modseq
        assert len((await store.contents(account, INBOX)).uids) == n
        entries = await store.journal(account, ModSeq(outcome.modseq - 1))
        assert entries is not None
        assert entries[-1].modseq == outcome.modseq


async def test_a_watch_tells_of_changes(store: MailStore, account: AccountId) -> None:
    async with store.watch(account) as watch, store.watch(account) as other:
        outcome = await store.commit(account, delivery())
        assert await asyncio.wait_for(watch.next(), 60) == outcome.modseq
        waiting = asyncio.ensure_future(watch.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        for _ in range(3):
            outcome = await store.commit(account, delivery())
        assert await asyncio.wait_for(waiting, 60) <= outcome.modseq
        assert await asyncio.wait_for(other.next(), 60) <= outcome.modseq


async def test_everything_is_there_after_a_restart(stores: MailStores) -> None:
    async with stores.open() as store:
        account = await make_account(store)
        op = delivery()
        await store.commit(account, op)
        await append(store, account, "Sent", Flags(SEEN, frozenset({"k"})))
        await commit(store, account, Copy(INBOX, [Uid(1)], "Trash", move=True))
        before = await store.view(account)
        seen = [await store.contents(account, box.number) for box in before.mailboxes]
    async with stores.open() as store:
        assert await store.view(account) == before
        assert [await store.contents(account, box.number) for box in before.mailboxes] == seen
        assert isinstance(await store.commit(account, op), Duplicate)
        assert (await append(store, account)).uid == 2
        assert await store.recount(account, repair=False) == []


async def test_two_processes_share_an_account(stores: MailStores) -> None:
    if stores.single:
        return  # the embedded engine's lock keeps a second process out (tests/unit/engines)
    async with stores.open() as one, stores.open() as two:
        account = await make_account(one)
        outcomes = await asyncio.gather(*[s.commit(account, delivery()) for _ in range(20) for s in (one, two)])
        assert sorted(o.modseq for o in outcomes) == list(range(2, 42))
        for store in (one, two):
            last = await store.commit(account, delivery())
            contents = await store.contents(account, INBOX)
            assert uids(contents) == list(range(1, last.modseq))
            assert await store.recount(account, repair=False) == []


async def test_too_much_at_once_is_refused(store: MailStore, account: AccountId) -> None:
    with pytest.raises(Invalid):
        await commit(store, account, *[Noop() for _ in range(101)])
    with pytest.raises(Invalid):
        await commit(store, account, Expunge(INBOX, [Uid(n) for n in range(1, 100_002)], force=True))
