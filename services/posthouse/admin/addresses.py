"""What people type where an address, a domain or a message is meant."""

from __future__ import annotations

from posthouse.model.address import domain_name, parse_address
from posthouse.model.directory import Account, Domain
from posthouse.model.errors import Invalid, MailError, NotFound
from posthouse.model.ids import DomainName, QueueId, queue_id_octets
from posthouse.ports.directory import Directory


def plain_address(text: str) -> str:
    """An address as the directory knows it: lower case, without +detail. Invalid, saying what is wrong."""
    try:
        address = parse_address(text.strip())
    except Invalid as error:
        raise Invalid(error.reason, public=error.reason) from error
    if address.detail:
        raise Invalid(
            f"{text} has a +detail",
            public=f"{text}: leave out +{address.detail}; mail to user+anything reaches user by itself",
        )
    return f"{address.mailbox}@{address.domain}"


def domain(text: str) -> DomainName:
    try:
        name = domain_name(text)
    except Invalid as error:
        raise Invalid(error.reason, public=error.reason) from error
    if "." not in name and name != "localhost":
        raise Invalid(f"{name} has no dot", public=f"{name} is no full domain name; it looks like example.org")
    return name


def queue_id(text: str) -> QueueId:
    """As in the 250 reply, in any case."""
    found = QueueId(text.strip().lower())
    try:
        queue_id_octets(found)
    except ValueError as error:
        raise Invalid(
            str(error),
            public=f"{text!r} is no queue id; it is the 26 characters after 'queued as' in the 250 reply, "
            "and stands in the topmost Received field",
        ) from error
    return found


async def find_domain(directory: Directory, text: str) -> Domain:
    """NotFound, saying how to see those that are."""
    name = domain(text)
    found = await directory.domain(name)
    if found is None:
        raise NotFound(
            f"domain {name}",
            public=f"There is no domain {name}; `posthouse domain list` shows those that are, "
            f"`posthouse domain add {name}` makes it",
        )
    return found


async def find_account(directory: Directory, text: str) -> Account:
    """The account of that very address. NotFound; an alias is named as such."""
    address = plain_address(text)
    name = domain_name(address.rpartition("@")[2])
    try:
        found = await directory.account_by_address(address)
    except MailError as error:
        if error.temporary:
            raise
        found = None
    if found is not None and found.address == address:
        return found
    for alias in await directory.aliases(name):
        if alias.address == address:
            raise NotFound(
                f"{address} is an alias",
                public=f"{address} is an alias of {', '.join(alias.targets)}: name the account, "
                f"or use `posthouse alias show {address}`",
            )
    raise NotFound(
        f"no account {address}",
        public=f"There is no account {address}; `posthouse account list {name}` shows those that are",
    )
