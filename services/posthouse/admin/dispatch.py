"""The one table of operations: used by the CLI on stores it opened, and by a running process for its control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from posthouse.admin import (
    accounts,
    aliases,
    checks,
    dead_letters,
    domains,
    filter_policies,
    filter_rules,
    held_mail,
    live,
    mailboxes,
    road,
    spam_models,
)
from posthouse.admin.arguments import bind
from posthouse.admin.context import AdminContext
from posthouse.model.errors import Invalid

Operation = Callable[..., Awaitable[object]]

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        "account.add": accounts.add,
        "account.check": checks.check,
        "account.disable": accounts.disable,
        "account.enable": accounts.enable,
        "account.list": accounts.list_accounts,
        "account.passwd": accounts.passwd,
        "account.remove": accounts.remove,
        "account.show": accounts.show,
        "account.update": accounts.update,
        "alias.add": aliases.add,
        "alias.list": aliases.list_aliases,
        "alias.remove": aliases.remove,
        "alias.show": aliases.show,
        "directory.check": checks.directory,
        "dlq.list": dead_letters.list_dead,
        "dlq.replay": dead_letters.replay_letters,
        "dlq.show": dead_letters.show,
        "domain.add": domains.add,
        "domain.list": domains.list_domains,
        "domain.remove": domains.remove,
        "domain.show": domains.show,
        "filter.model.challenge": spam_models.challenge,
        "filter.model.chunk": spam_models.chunk,
        "filter.model.keep": spam_models.keep,
        "filter.model.list": spam_models.list_models,
        "filter.model.octets": spam_models.octets,
        "filter.model.promote": spam_models.promote,
        "filter.model.remove": spam_models.remove,
        "filter.model.rollback": spam_models.rollback,
        "filter.model.uses": spam_models.list_uses,
        "filter.policy.allow": filter_policies.allow,
        "filter.policy.block": filter_policies.block,
        "filter.policy.list": filter_policies.list_policies,
        "filter.policy.set": filter_policies.set_policy,
        "filter.policy.show": filter_policies.show,
        "filter.policy.trust": filter_policies.trust,
        "filter.rules.accounts": filter_rules.accounts,
        "filter.rules.remove": filter_rules.remove,
        "filter.rules.set": filter_rules.set_rules,
        "filter.rules.show": filter_rules.show,
        "filter.rules.trial": filter_rules.trial,
        "held.chosen": held_mail.chosen,
        "held.digest": held_mail.digest,
        "held.drop": held_mail.drop,
        "held.list": held_mail.list_held,
        "held.release": held_mail.release,
        "held.show": held_mail.show,
        "kick": live.kick,
        "ledger.audit": road.audit,
        "mailbox.status": mailboxes.status,
        "status": live.status,
        "trace": road.trace,
        "who": live.who,
    }
)


async def dispatch(context: AdminContext, command: str, arguments: Mapping[str, object]) -> object:
    """Runs the operation of that name. Invalid for an unknown one or for arguments that it does not take; what it
    raises itself."""
    operation = OPERATIONS.get(command)
    if operation is None:
        raise Invalid(
            f"unknown operation {command!r}",
            public=f"the running Posthouse does not know {command!r}; is it an older version than this command?",
        )
    bound: dict[str, Any] = bind(operation, arguments)
    return await operation(context, **bound)
