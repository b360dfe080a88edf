"""An administration over embedded stores, and what operators do not make themselves: held mail and dead letters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from posthouse.admin.context import AdminContext
from posthouse.admin.dispatch import dispatch
from posthouse.composition.embedded import open_embedded
from posthouse.held.mail import HeldMail
from posthouse.log.codec import encode_accepted, encode_deliver
from posthouse.log.consumer.letters import History, moved
from posthouse.log.topics import MAIL_ACCEPTED, MAIL_DELIVER, dlq_topic
from posthouse.model.directory import DEFAULT_TENANT, Account
from posthouse.model.envelope import Accepted, Body, Deliver, Envelope, Peer, Rcpt
from posthouse.model.ids import DomainName, QueueId, delivery_id
from posthouse.model.verdict import ACCEPT, Verdict
from posthouse.ports.log import ConsumedRecord, Record

MESSAGE = b"From: <sender@example.net>\r\nSubject: hello\r\n\r\nbody\r\n"
PASSWORD = "correct horse battery"


@asynccontextmanager
async def embedded_admin(data: Path) -> AsyncIterator[AdminContext]:
    """Opened for one command, as the CLI does it."""
    async with open_embedded(data) as embedded:
        yield AdminContext.of(embedded.adapters)


async def do(context: AdminContext, command: str, **arguments: object) -> Any:
    """As a program sees the answer: through JSON."""
    return orjson.loads(orjson.dumps(await dispatch(context, command, arguments), option=orjson.OPT_NON_STR_KEYS))


async def account_of(context: AdminContext, address: str) -> Account:
    account = await context.directory.account_by_address(address)
    assert account is not None
    return account


async def delivery_to(context: AdminContext, address: str) -> Deliver:
    """A delivery on its way to an account."""
    account = await account_of(context, address)
    domain = DomainName(address.rpartition("@")[2])
    queue_id = context.ids.queue_id()
    return Deliver(
        delivery_id(queue_id, account.account_id, ""),
        queue_id,
        account.account_id,
        Rcpt(address, account.account_id, address, "", DEFAULT_TENANT, domain),
        "sender@example.net",
        "",
        Body(len(MESSAGE), octets=MESSAGE),
        received_us=context.clock.now_us(),
    )


async def hold(
    context: AdminContext, address: str, reason: str = "mailbox is over its quota", *, verdict: Verdict = ACCEPT
) -> Deliver:
    """Something held for an account."""
    deliver = replace(await delivery_to(context, address), verdict=verdict)
    mail = HeldMail(context.mail_store, context.blobs, context.log, context.clock, context.ids)
    await mail.hold(deliver, b"", b"", reason)
    return deliver


async def dead_letter(context: AdminContext, address: str, *, value: bytes | None = None) -> Deliver:
    """A delivery among the dead letters; `value` puts other octets in its place."""
    deliver = await delivery_to(context, address)
    octets = encode_deliver(deliver) if value is None else value
    now = context.clock.now_us()
    record = ConsumedRecord(MAIL_DELIVER.name, 0, 0, deliver.account.bytes, octets, (("queue_id", b"x"),), now)
    letter = moved(record, dlq_topic("delivery"), History(MAIL_DELIVER.name, 6, 2, now, "NoSuchAccount 5.1.1"))
    await context.log.publish([letter])
    return deliver


async def accept(context: AdminContext, address: str) -> QueueId:
    """A message that was answered 250 and that no stage has touched yet."""
    account = await account_of(context, address)
    domain = DomainName(address.rpartition("@")[2])
    queue_id = context.ids.queue_id()
    message = Accepted(
        queue_id,
        Envelope("sender@example.net", (Rcpt(address, account.account_id, address, "", DEFAULT_TENANT, domain),)),
        Peer("192.0.2.1", "mail.example.net"),
        ((DEFAULT_TENANT, Body(len(MESSAGE), octets=MESSAGE)),),
        context.clock.now_us(),
        1,
    )
    await context.log.publish([Record(MAIL_ACCEPTED.name, queue_id.encode(), encode_accepted(message))])
    return queue_id
