"""Caps on connections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.runtime.limiter import ConnectionLimiter, Lease, address_group


def test_caps_in_all_and_per_address() -> None:
    limiter = ConnectionLimiter(total=3, per_address=2)
    first, second = limiter.admit("192.0.2.1"), limiter.admit("192.0.2.1")
    assert isinstance(first, Lease)
    assert isinstance(second, Lease)
    assert limiter.admit("192.0.2.1") == "refused_address"
    assert isinstance(limiter.admit("192.0.2.2"), Lease)
    assert limiter.admit("192.0.2.3") == "refused_total"
    released: list[str] = []
    first.on_release = lambda: released.append("first")
    first.release()
    first.release()
    assert released == ["first"]
    assert limiter.open == 2
    assert isinstance(limiter.admit("192.0.2.1"), Lease)


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::1", "::/64"),
        ("", ""),
        ("not:an:address", "not:an:address"),
    ],
)
def test_what_counts_as_one_address(host: str, group: str) -> None:
    assert address_group(host) == group


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_counts_never_drift(steps: list[tuple[int, bool]]) -> None:
    limiter = ConnectionLimiter(total=6, per_address=3)
    held: list[Lease] = []
    for host, admit in steps:
        if admit:
            lease = limiter.admit(f"192.0.2.{host}")
            if isinstance(lease, Lease):
                held.append(lease)
        elif held:
            held.pop(host % len(held)).release()
        assert limiter.open == len(held) <= 6
        for group in {lease.group for lease in held}:
            assert sum(lease.group == group for lease in held) <= 3
    for lease in held:
        lease.release()
    assert limiter.open == 0
    assert all(isinstance(limiter.admit("192.0.2.9"), Lease) for _ in range(3))
