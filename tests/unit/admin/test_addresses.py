"""What people type where addresses and queue ids are meant."""

from pathlib import Path

import pytest

from harness.admin import do, embedded_admin
from posthouse.admin import addresses
from posthouse.model.errors import Invalid, NotFound


def test_an_address_is_put_as_the_directory_knows_it() -> None:
    assert addresses.plain_address(" Alice@Example.ORG ") == "alice@example.org"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alice", "looks like user@example.org"),
        ("alice@exa mple", "not a domain name"),
        ("alice+list@example.org", "leave out +list"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(text: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        addresses.plain_address(text)
    assert says in caught.value.public


def test_a_domain_has_a_dot_but_for_localhost() -> None:
    assert addresses.domain("Example.Org.") == "example.org"
    assert addresses.domain("localhost") == "localhost"
    assert addresses.domain("bücher.example") == "xn--bcher-kva.example"
    with pytest.raises(Invalid) as caught:
        addresses.domain("example")
    assert "example.org" in caught.value.public


def test_a_queue_id_in_any_case() -> None:
    assert addresses.queue_id(" 01K7JZQ2V8XT4M3N5P6R7S8T9V\n") == "01k7jzq2v8xt4m3n5p6r7s8t9v"
    with pytest.raises(Invalid) as caught:
        addresses.queue_id("01k7")
    assert "26 characters" in caught.value.public


async def test_an_account_is_found_and_an_alias_is_named_as_one(tmp_path: Path) -> None:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password="postmaster password")
        await do(context, "account.add", address="alice@example.org", login=False)
        await do(context, "alias.add", address="info@example.org", targets=["alice@example.org"])
        found = await addresses.find_account(context.directory, "ALICE@example.org")
        assert found.address == "alice@example.org"
        with pytest.raises(NotFound) as alias:
            await addresses.find_account(context.directory, "info@example.org")
        assert "is an alias of alice@example.org" in alias.value.public
        with pytest.raises(NotFound) as nobody:
            await addresses.find_account(context.directory, "bob@example.org")
        assert "There is no account bob@example.org" in nobody.value.public
        with pytest.raises(NotFound) as nowhere:
            await addresses.find_domain(context.directory, "example.net")
        assert "posthouse domain add example.net" in nowhere.value.public
