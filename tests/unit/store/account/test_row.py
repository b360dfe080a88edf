from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.ids import MailboxNumber
from posthouse.store.account.row import bucket_key, keywords_of, keywords_text, message_hash

keywords = st.frozensets(st.text("abc$", min_size=1, max_size=4), max_size=4)
values = st.tuples(st.integers(1, 2**32 - 1), st.integers(0, 31), keywords, st.binary(min_size=16, max_size=16))


def test_the_hash_never_changes() -> None:
    """Checksums are stored: another function would find every mailbox broken."""
    assert message_hash(1, 0, frozenset(), bytes(16)) == 10610984448275783110
    assert message_hash(7, 3, frozenset({"$b", "a"}), bytes(range(16))) == 18237548207217553481


@given(values, values)
def test_different_messages_differ(
    one: tuple[int, int, frozenset[str], bytes], two: tuple[int, int, frozenset[str], bytes]
) -> None:
    assert (message_hash(*one) == message_hash(*two)) == (one == two)
    assert 0 <= message_hash(*one) < 1 << 64


@given(keywords)
def test_keywords_come_back_from_their_column(kw: frozenset[str]) -> None:
    assert keywords_of(keywords_text(kw)) == kw
    assert keywords_of(None) == frozenset()


def test_buckets_hold_8192_uids() -> None:
    assert bucket_key(MailboxNumber(3), 8_191) == 3 << 32
    assert bucket_key(MailboxNumber(3), 8_192) == (3 << 32) + 1
