"""The administrator's own rules: what each level has, and what they would have done with kept mail.

A trial reads delivered mail back from the accounts, since the log forgets what was passed on. It knows the verdict of
then from X-Posthouse-Spam, and the envelope from the fields that delivery wrote; lists and sender authentication are
not asked again: what they decided stays decided. Mail that was held, refused or deleted is not seen.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from posthouse.admin.addresses import find_account
from posthouse.admin.context import AdminContext
from posthouse.admin.filter_policies import scope_of
from posthouse.model.directory import Account
from posthouse.model.envelope import Rcpt
from posthouse.model.errors import Invalid, NotFound
from posthouse.model.filter_policy import Claimant, EffectivePolicy, scopes
from posthouse.model.ids import DomainName
from posthouse.model.mailbox import Mailbox, StoredEmail, email_id_of
from posthouse.model.verdict import VerdictKind
from posthouse.protocol.mime.header import Headers, header_end
from posthouse.rules.compiled import CompiledRules, Hit, compile_rules
from posthouse.rules.message_view import MessageView, Sender
from posthouse.verdicts.judge import Evidence, judge
from posthouse.verdicts.policies import policy_for
from posthouse.verdicts.rulings import PREFIX, Ruling, ruling, with_ruling

MOST: Final = 20_000
"""Messages of one account that a trial reads."""
MOST_OCTETS: Final = 1024 * 1024
BATCH: Final = 50
_OWN_MAIL: Final = ("\\Drafts", "\\Sent")
_SPAM = re.compile(r"(?:yes|no) score=(-?[0-9.]+) verdict=([a-z]+)(?: reasons=(.*))?")
_SCORED = re.compile(r".+([+-][0-9]+\.[0-9])")
_RECEIVED = re.compile(rb"from (\S+) \(\[(?:IPv6:)?([^\]\s]+)\]\)")
_LOGIN = re.compile(rb"smtp\.auth=\"?([^\s;\"]+)")
_STRENGTH: Final = {kind: place for place, kind in enumerate(VerdictKind)}


@dataclass(frozen=True, slots=True)
class RulesShown:
    level: str
    of: str
    text: str
    """As it was set; empty where there are none."""


@dataclass(frozen=True, slots=True)
class TrialAccounts:
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A message that would have gone elsewhere."""

    account: str
    mailbox: str
    uid: int
    queue_id: str
    received: int
    """Seconds since the epoch."""
    was: str
    would_be: str
    score: float
    new_score: float
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    read: int
    more: bool
    """There is mail of that time that was not read, since `most` was reached."""
    symbols: dict[str, int]
    """Messages that each rule is true of."""
    changed: tuple[TrialRow, ...]


@dataclass(frozen=True, slots=True)
class _Then:
    """The verdict that a message was delivered with."""

    kind: VerdictKind
    score: float
    base: float | None
    """The score without rules; None = nothing else had scored it."""
    named: tuple[str, ...]
    """Reasons that are neither scores nor rules."""
    ruled: bool


async def show(context: AdminContext, *, who: str) -> RulesShown:
    level, of, scope = await _level(context, who)
    return RulesShown(level, of, await context.directory.rules(scope))


async def set_rules(context: AdminContext, *, who: str, rules: str) -> RulesShown:
    level, of, scope = await _level(context, who)
    compile_rules(rules)
    await context.directory.set_rules(scope, rules)
    return RulesShown(level, of, rules)


async def remove(context: AdminContext, *, who: str) -> RulesShown:
    level, of, scope = await _level(context, who)
    text = await context.directory.rules(scope)
    if not text:
        raise NotFound(f"no rules of {scope}", public=f"{who} has no rules")
    await context.directory.set_rules(scope, "")
    return RulesShown(level, of, text)


async def accounts(context: AdminContext, *, who: str) -> TrialAccounts:
    """Those that the rules of `who` are asked for."""
    level, of, _ = await _level(context, who)
    directory = context.directory
    if level == "domain":
        found = await directory.accounts(DomainName(of))
    else:
        found = [each for each in await directory.accounts() if level == "platform" or each.tenant == of]
    return TrialAccounts(tuple(sorted(account.address for account in found)))


async def trial(
    context: AdminContext,
    *,
    account: str,
    who: str,
    since_us: int,
    rules: str | None = None,
    threshold: float | None = None,
    most: int = MOST,
) -> Trial:
    """What would have changed for one account's mail since then, with `rules` in the place of those of `who`; without
    `rules`, with those that are set. `threshold`: from which score the model calls mail spam; the shipped model's
    if not given. Newest first."""
    person = await find_account(context.directory, account)
    rcpt = Rcpt(
        person.address,
        person.account_id,
        person.address,
        tenant=person.tenant,
        domain=DomainName(person.address.rpartition("@")[2]),
    )
    _, _, replaced = await _level(context, who)
    sets = []
    for _, scope in scopes(rcpt.tenant, rcpt.domain, None):
        text = rules if scope == replaced and rules is not None else await context.directory.rules(scope)
        if text.strip():
            sets.append(compile_rules(text))
    policy = replace(await policy_for(context.directory, rcpt), lists=())
    symbols: Counter[str] = Counter()
    changed: list[TrialRow] = []
    read = 0
    more = False
    async for mailbox, uid, email in _kept(context, person, since_us // 1_000_000):
        if read >= min(most, MOST):
            more = True
            break
        read += 1
        found = ruling(_hits(sets, await _view(context, person, email, sets)))
        symbols.update(found.symbols)
        then = _then(email)
        now, score = _now(then, found, policy, email, threshold)
        if now is not then.kind:
            changed.append(
                TrialRow(
                    person.address,
                    mailbox.name,
                    uid,
                    email.queue_id or "",
                    email.internaldate,
                    then.kind.value,
                    now.value,
                    then.score,
                    score,
                    found.symbols,
                )
            )
    return Trial(read, more, dict(sorted(symbols.items())), tuple(changed))


async def _level(context: AdminContext, who: str) -> tuple[str, str, str]:
    if "@" in who:
        raise Invalid(f"rules of {who}", public="Rules are for the platform, tenant:NAME or a domain, not an account")
    return await scope_of(context, who)


async def _kept(context: AdminContext, account: Account, since: int) -> AsyncIterator[tuple[Mailbox, int, StoredEmail]]:
    """Delivered mail, of each mailbox the newest first."""
    view = await context.mail_store.view(account.account_id)
    for mailbox in view.mailboxes:
        if mailbox.special_use in _OWN_MAIL or not mailbox.total:
            continue
        contents = await context.mail_store.contents(account.account_id, mailbox.number)
        places = [n for n in reversed(range(len(contents.uids))) if contents.internaldates[n] >= since]
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            ids = [email_id_of(contents.email_ids[n]) for n in batch]
            for place, email in zip(batch, await context.mail_store.emails(account.account_id, ids), strict=True):
                # What was appended by a client never met the filter.
                if email is not None and email.queue_id is not None:
                    yield mailbox, contents.uids[place], email
            await asyncio.sleep(0)  # others of this process have mail to carry


async def _view(
    context: AdminContext, account: Account, email: StoredEmail, sets: Sequence[CompiledRules]
) -> MessageView:
    octets = b""
    most = email.size if any(each.hashes for each in sets) else MOST_OCTETS
    cut = False
    if email.blob is None:
        octets = await context.mail_store.octets(account.account_id, email.email_id) or b""
    elif email.blob.size <= most:
        octets = await context.blobs.get(email.blob)
    else:
        octets, cut = await context.blobs.get_range(email.blob, 0, most), True
    ours = Headers(email.prefix)
    reverse_path = (ours.first(b"return-path") or b"").strip(b"<>").decode("utf-8", "replace")
    address = ours.first(b"x-original-to") or ours.first(b"delivered-to") or b""
    received = _RECEIVED.match(Headers(octets[: header_end(octets, 0, len(octets))]).first(b"received") or b"")
    helo, ip = (received[1].decode("latin-1"), received[2].decode("latin-1")) if received else ("", "")
    sender = Sender(reverse_path, ip, helo, _login(email))
    # Our own Received line stands on top of what the filter saw, as it does for the filter.
    return MessageView(octets, sender, [address.decode("utf-8", "replace")], cut=cut)


def _login(email: StoredEmail) -> str:
    found = _LOGIN.search(Headers(email.prefix).first(b"authentication-results") or b"")
    return found[1].decode("utf-8", "replace") if found else ""


def _hits(sets: Sequence[CompiledRules], view: MessageView) -> list[Hit]:
    return [hit for rules in sets for hit in rules.evaluate(view)]


def _then(email: StoredEmail) -> _Then:
    value = (Headers(email.prefix).first(b"x-posthouse-spam") or b"").decode("utf-8", "replace")
    said = _SPAM.fullmatch(value)
    if said is None:
        return _Then(VerdictKind.ACCEPT, 0.0, None, (), False)
    score = float(said[1])
    base, scored, ruled = score, False, False
    named = []
    for reason in (said[3] or "").split(","):
        number = _SCORED.fullmatch(reason)
        if reason.startswith(PREFIX):
            ruled = ruled or number is None
            base -= float(number[1]) if number else 0.0
        elif number is not None:
            scored = True
        elif reason and not reason.startswith("rules-left-out:"):
            named.append(reason)
    return _Then(VerdictKind(said[2]), score, base if scored else None, tuple(named), ruled)


def _now(
    then: _Then, found: Ruling, policy: EffectivePolicy, email: StoredEmail, threshold: float | None
) -> tuple[VerdictKind, float]:
    """(verdict, score) with these rules."""
    if any(reason.startswith("allowed-by-") for reason in then.named):
        return then.kind, then.score
    model = threshold
    if then.base is not None:
        model = _shipped_threshold() if model is None else model
        # What was decided then tells on which side of the model's threshold the score was.
        if then.kind is VerdictKind.ACCEPT:
            model = max(model, then.score + 0.05)
        elif then.kind is VerdictKind.JUNK and not then.named and not then.ruled:
            model = min(model, then.score)
    nobody = Claimant((), frozenset(), frozenset())
    evidence = Evidence(nobody, login=bool(_login(email)), score=then.base, threshold=model or 0.0)
    evidence = with_ruling(evidence, found)
    kind = judge(evidence, policy).verdict.kind
    if kind is VerdictKind.REJECT:
        kind = VerdictKind.QUARANTINE
    if then.named and _STRENGTH[then.kind] > _STRENGTH[kind]:
        kind = then.kind
    return kind, round(evidence.score or 0.0, 1)


def _shipped_threshold() -> float:
    from posthouse.spam.models.model_file import load
    from posthouse.spam.shipped import COLD_START

    return load(COLD_START.read_bytes()).threshold
