import pytest

from harness.fake_ports import FakeDirectory
from posthouse.ingress.recipients import Recipients
from posthouse.model.address import Address, parse_address
from posthouse.model.directory import Account
from posthouse.model.errors import Disabled, MailError, NoSuchUser, OverQuota, RelayDenied, Unavailable
from posthouse.model.ids import DomainName


class Full:
    """A usage that knows who is full."""

    def __init__(self, *full: Account) -> None:
        self.full = full
        self.sizes: list[int] = []

    async def check(self, account: Account, size: int) -> None:
        self.sizes.append(size)
        if account in self.full:
            raise OverQuota


def make(directory: FakeDirectory, usage: object = None) -> Recipients:
    return Recipients(directory, usage, relay_text="no relay here")  # type: ignore[arg-type]


async def resolve(recipients: Recipients, address: str, size: int = 0):
    return await recipients.resolve(parse_address(address), size)


async def test_one_account() -> None:
    directory = FakeDirectory()
    alice = directory.add("alice@example.org", tenant="acme")
    (rcpt,) = await resolve(make(directory), "Alice+Lists@Example.org")
    assert rcpt.address == "Alice+Lists@example.org"
    assert rcpt.account == alice.account_id
    assert rcpt.target == "alice@example.org"
    assert rcpt.detail == "Lists"
    assert rcpt.tenant == "acme"
    assert rcpt.domain == "example.org"


async def test_an_alias_is_expanded_and_held_mail_goes_to_the_domain_of_each_target() -> None:
    directory = FakeDirectory()
    directory.alias("all@example.org", directory.add("a@example.org"), directory.add("b@example.net"))
    found = await resolve(make(directory), "all@example.org")
    assert [(r.address, r.target, r.domain) for r in found] == [
        ("all@example.org", "a@example.org", "example.org"),
        ("all@example.org", "b@example.net", "example.net"),
    ]


@pytest.mark.parametrize(("address", "error"), [("x@elsewhere.example", RelayDenied), ("x@example.org", NoSuchUser)])
async def test_refusals(address: str, error: type[MailError]) -> None:
    directory = FakeDirectory()
    directory.add("alice@example.org")
    with pytest.raises(error) as e:
        await resolve(make(directory), address)
    if error is RelayDenied:
        assert e.value.public == "no relay here"


async def test_disabled_accounts_receive_nothing() -> None:
    directory = FakeDirectory()
    off, on = directory.add("off@example.org", enabled=False), directory.add("on@example.org")
    directory.alias("both@example.org", off, on)
    with pytest.raises(Disabled):
        await resolve(make(directory), "off@example.org")
    assert [r.target for r in await resolve(make(directory), "both@example.org")] == ["on@example.org"]


async def test_over_quota() -> None:
    directory = FakeDirectory()
    full, free = directory.add("full@example.org"), directory.add("free@example.org")
    directory.alias("list@example.org", full, free)
    usage = Full(full)
    with pytest.raises(OverQuota):
        await resolve(make(directory, usage), "full@example.org", 77)
    assert usage.sizes == [77]
    # One full mailbox does not stop a list; its copy is held later.
    assert len(await resolve(make(directory, usage), "list@example.org")) == 2
    with pytest.raises(OverQuota):
        await resolve(make(directory, Full(full, free)), "list@example.org")


async def test_an_unreachable_directory_is_temporary() -> None:
    directory = FakeDirectory()
    directory.fail = Unavailable("down")
    with pytest.raises(Unavailable):
        await resolve(make(directory), "alice@example.org")


async def test_postmaster_of_no_domain_is_that_of_the_domain_that_was_here_first() -> None:
    """RFC 5321 §4.5.1: it is never refused, once there is a domain."""
    directory = FakeDirectory()
    recipients = make(directory)
    bare = Address("Postmaster", DomainName(""))
    with pytest.raises(NoSuchUser):
        await recipients.resolve(bare, 0)
    directory.add("postmaster@example.org")
    [rcpt] = await recipients.resolve(bare, 0)
    assert (rcpt.target, rcpt.domain) == ("postmaster@example.org", "example.org")
