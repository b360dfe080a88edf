"""The Directory port's promises, on every adapter."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.directories import cached_sqlite_directory, sqlite_directory
from posthouse.model.address import parse_address
from posthouse.model.directory import DEFAULT_TENANT, Account, Alias, Domain, Process
from posthouse.model.errors import AlreadyExists, Disabled, Invalid, NoSuchDomain, NoSuchUser, NotFound
from posthouse.model.filter_policy import SILENT, FilterPolicy
from posthouse.model.ids import AccountId, DomainName, TenantName
from posthouse.ports.directory import Directory


@pytest.fixture(params=["sqlite", "cached sqlite", pytest.param("cassandra", marks=pytest.mark.servers("cassandra"))])
async def directory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Directory]:
    if request.param == "cassandra":
        from harness.cassandra_adapters import cassandra_directory

        async with cassandra_directory(request.getfixturevalue("cassandra")) as directory:
            yield directory
        return
    make = sqlite_directory if request.param == "sqlite" else cached_sqlite_directory
    async with make(tmp_path) as directory:
        yield directory


@pytest.fixture
def domain() -> DomainName:
    """Fresh for each test, since a server is shared by all of them."""
    return DomainName(f"d{uuid.uuid4().hex[:12]}.example")


def account(address: str) -> Account:
    return Account(AccountId(uuid.uuid4()), address, DEFAULT_TENANT, password_hash="$argon2id$x")


async def with_domain(directory: Directory, name: DomainName) -> Account:
    postmaster = account(f"postmaster@{name}")
    await directory.add_domain(Domain(name, DEFAULT_TENANT), postmaster)
    return postmaster


async def test_a_domain_comes_with_postmaster_and_abuse(directory: Directory, domain: DomainName) -> None:
    postmaster = await with_domain(directory, domain)
    for who in ("postmaster", "Abuse", "POSTMASTER+x"):
        [target] = await directory.resolve(parse_address(f"{who}@{domain}"))
        assert target.account.account_id == postmaster.account_id


async def test_postmaster_may_lead_to_an_existing_address(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    second = DomainName("sub." + domain)
    await directory.add_domain(Domain(second, DEFAULT_TENANT), f"postmaster@{domain}")
    [target] = await directory.resolve(parse_address(f"abuse@{second}"))
    assert target.account.address == f"postmaster@{domain}"
    with pytest.raises(NotFound):
        await directory.add_domain(Domain(DomainName("x." + domain), DEFAULT_TENANT), f"nobody@{domain}")


async def test_what_is_unknown_says_so(directory: Directory, domain: DomainName) -> None:
    with pytest.raises(NoSuchDomain):
        await directory.resolve(parse_address(f"a@{domain}"))
    await with_domain(directory, domain)
    with pytest.raises(NoSuchUser):
        await directory.resolve(parse_address(f"nobody@{domain}"))
    assert await directory.account_by_address(f"nobody@{domain}") is None
    assert await directory.account_by_address("not an address") is None


async def test_accounts_resolve_without_case_and_with_detail(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    alice = account(f"alice@{domain}")
    await directory.add_account(alice)
    [target] = await directory.resolve(parse_address(f"Alice+Lists@{domain.upper()}"))
    assert (target.account, target.detail) == (alice, "Lists")
    assert await directory.account(alice.account_id) == alice
    assert await directory.account_by_address(f"ALICE@{domain}") == alice


async def test_an_address_exists_once_whoever_asks_at_the_same_moment(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    contenders = [account(f"alice@{domain}") for _ in range(8)]
    results = await asyncio.gather(*(directory.add_account(a) for a in contenders), return_exceptions=True)
    winners = [a for a, r in zip(contenders, results, strict=True) if r is None]
    assert len(winners) == 1
    assert all(isinstance(r, AlreadyExists) for r in results if r is not None)
    [target] = await directory.resolve(parse_address(f"alice@{domain}"))
    assert target.account.account_id == winners[0].account_id
    with pytest.raises(AlreadyExists):
        await directory.add_alias(Alias(f"alice@{domain}", (f"postmaster@{domain}",), DEFAULT_TENANT))


async def test_a_domain_exists_once(directory: Directory, domain: DomainName) -> None:
    attempts = [directory.add_domain(Domain(domain, DEFAULT_TENANT), account(f"postmaster@{domain}")) for _ in range(5)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(r).__name__ for r in results) == ["AlreadyExists"] * 4 + ["NoneType"]
    assert [d.name for d in await directory.domains() if d.name == domain] == [domain]


async def test_aliases_expand_nest_and_merge(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    alice, bob = account(f"alice@{domain}"), account(f"bob@{domain}")
    await directory.add_account(alice)
    await directory.add_account(bob)
    await directory.add_alias(Alias(f"team@{domain}", (alice.address, f"bob+team@{domain}"), DEFAULT_TENANT))
    await directory.add_alias(Alias(f"all@{domain}", (f"team@{domain}", alice.address), DEFAULT_TENANT))
    targets = await directory.resolve(parse_address(f"all@{domain}"))
    assert [(t.account.address, t.detail) for t in targets] == [(alice.address, ""), (bob.address, "team")]
    assert [a.address for a in await directory.aliases(domain) if "all" in a.address] == [f"all@{domain}"]


async def test_alias_loops_and_dangling_targets_are_refused(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    with pytest.raises(Invalid):
        await directory.add_alias(Alias(f"me@{domain}", (f"me@{domain}",), DEFAULT_TENANT))
    with pytest.raises(NotFound):
        await directory.add_alias(Alias(f"a@{domain}", (f"nobody@{domain}",), DEFAULT_TENANT))
    with pytest.raises(NotFound):
        await directory.add_alias(Alias("a@elsewhere.invalid", (f"abuse@{domain}",), DEFAULT_TENANT))


async def test_disabled_accounts_are_told_apart(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    alice = account(f"alice@{domain}")
    await directory.add_account(alice)
    await directory.update_account(replace(alice, enabled=False, quota_bytes=5))
    with pytest.raises(Disabled):
        await directory.resolve(parse_address(alice.address))
    found = await directory.account(alice.account_id)
    assert found is not None
    assert (found.enabled, found.quota_bytes) == (False, 5)


async def test_whose_name_may_be_used(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    alice, bob = account(f"alice@{domain}"), account(f"bob@{domain}")
    await directory.add_account(alice)
    await directory.add_account(bob)
    await directory.add_alias(Alias(f"sales@{domain}", (alice.address,), DEFAULT_TENANT))
    assert await directory.owns(alice.account_id, parse_address(f"Alice+x@{domain}"))
    assert await directory.owns(alice.account_id, parse_address(f"sales@{domain}"))
    assert not await directory.owns(bob.account_id, parse_address(f"sales@{domain}"))
    assert not await directory.owns(bob.account_id, parse_address(f"nobody@{domain}"))
    assert await directory.account_by_address(f"sales@{domain}") == alice


async def test_removal_is_refused_while_something_points_there(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    alice = account(f"alice@{domain}")
    await directory.add_account(alice)
    await directory.add_alias(Alias(f"sales@{domain}", (alice.address,), DEFAULT_TENANT))
    with pytest.raises(Invalid):
        await directory.remove_account(alice.account_id)
    with pytest.raises(Invalid):
        await directory.remove_domain(domain)
    with pytest.raises(Invalid):
        await directory.remove_alias(f"abuse@{domain}")
    await directory.remove_alias(f"sales@{domain}")
    await directory.remove_account(alice.account_id)
    with pytest.raises(NoSuchUser):
        await directory.resolve(parse_address(alice.address))
    with pytest.raises(NotFound):
        await directory.remove_account(alice.account_id)
    await directory.remove_domain(domain)
    assert await directory.domain(domain) is None
    with pytest.raises(NoSuchDomain):
        await directory.resolve(parse_address(f"postmaster@{domain}"))


async def test_a_tenant_key_is_made_once(directory: Directory, domain: DomainName) -> None:
    tenant = TenantName(domain)
    keys = await asyncio.gather(*(directory.tenant_key(tenant) for _ in range(5)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert await directory.tenant_key(TenantName("other." + domain)) != keys[0]


async def test_a_filter_policy_is_kept_until_it_says_nothing(directory: Directory, domain: DomainName) -> None:
    scope = f"domain:{domain}"
    assert await directory.filter_policy(scope) == SILENT
    policy = FilterPolicy(junk=1.5, dmarc="follow", block=("Spam.Example",))
    await directory.set_filter_policy(scope, policy)
    kept = await directory.filter_policy(scope)
    assert kept == replace(policy, block=("spam.example",))
    assert (scope, kept) in await directory.filter_policies()
    await directory.set_filter_policy(scope, SILENT)
    assert await directory.filter_policy(scope) == SILENT
    assert scope not in dict(await directory.filter_policies())


async def test_a_filter_policy_that_makes_no_sense_is_refused(directory: Directory, domain: DomainName) -> None:
    scope = f"domain:{domain}"
    with pytest.raises(Invalid):
        await directory.set_filter_policy(scope, FilterPolicy(junk=5.0, reject=1.0))
    assert await directory.filter_policy(scope) == SILENT


async def test_filter_policies_go_with_their_owner(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    person = account(f"ann@{domain}")
    await directory.add_account(person)
    for scope in (f"domain:{domain}", f"account:{person.account_id}"):
        await directory.set_filter_policy(scope, FilterPolicy(junk=1.0))
    await directory.remove_account(person.account_id)
    assert await directory.filter_policy(f"account:{person.account_id}") == SILENT
    assert await directory.filter_policy(f"domain:{domain}") != SILENT
    await directory.remove_domain(domain)
    assert await directory.filter_policy(f"domain:{domain}") == SILENT


RULES = """[[rule]]
name = "LOTTERY"
description = "Mail that promises a prize"
where = "header:Subject"
matches = "(?i)you have won"
score = 3.0
"""


async def test_rules_are_kept_as_written_until_they_are_removed(directory: Directory, domain: DomainName) -> None:
    scope = f"domain:{domain}"
    assert await directory.rules(scope) == ""
    await directory.set_rules(scope, RULES)
    assert await directory.rules(scope) == RULES
    assert await directory.rules(f"tenant:{domain}") == ""
    await directory.set_rules(scope, " ")
    assert await directory.rules(scope) == ""


async def test_rules_that_cannot_be_read_are_refused(directory: Directory, domain: DomainName) -> None:
    scope = f"domain:{domain}"
    await directory.set_rules(scope, RULES)
    with pytest.raises(Invalid):
        await directory.set_rules(scope, "[[rule]]\nname = 'NO_END")
    with pytest.raises(Invalid):
        await directory.set_rules(f"account:{uuid.uuid4()}", RULES)
    assert await directory.rules(scope) == RULES


async def test_rules_of_a_domain_go_with_it(directory: Directory, domain: DomainName) -> None:
    await with_domain(directory, domain)
    await directory.set_rules(f"domain:{domain}", RULES)
    await directory.remove_domain(domain)
    assert await directory.rules(f"domain:{domain}") == ""


async def test_processes_are_listed_while_they_live(directory: Directory) -> None:
    mine = Process(uuid.uuid4().hex, "mailstore", "127.0.0.1:1", "127.0.0.1:2")
    await directory.announce(mine, ttl=60)
    assert mine in await directory.processes("mailstore")
    assert mine not in await directory.processes("imap")
    await directory.announce(mine, ttl=0)
    assert mine not in await directory.processes()
