"""What must happen before a subscription becomes active: the rules a client may send, and what becomes of them.

Source: handbook, subscriptions-and-invoices 1.3 and 1.8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.subscriptions.models import ActivationRule

__all__ = [
    "ACTIVATION_RULE_STATUSES", "ACTIVATION_RULE_TYPES", "RuleTerms", "evaluate_rules", "read_activation_rules",
    "resolve_rules", "rules_of", "set_rules", "waiting_for_payment",
]  # fmt: skip

ACTIVATION_RULE_TYPES: Final = ("payment",)
ACTIVATION_RULE_STATUSES: Final = (
    "inactive", "pending", "satisfied", "declined", "failed", "expired", "not_applicable",
)  # fmt: skip
FIELD: Final = "activation_rules"
# A century keeps every expiry inside the calendar.
MOST_HOURS: Final = 876_000

_rules = table(ActivationRule)


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """A rule as it is asked for. timeout_hours: how long to wait, 0 for ever."""

    type: str
    timeout_hours: int = 0


def read_activation_rules(read: Reader, *, pending: bool = True) -> Sequence[RuleTerms] | None:
    """The field, None where it is absent; notes what is wrong with it. pending: whether the subscription has not
    started. Whether the customer can pay is another question."""
    value = read.params.get(FIELD)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        read.add(FIELD, "invalid_format")
        return None
    if value and not pending:
        read.add(FIELD, "subscription_not_pending")
    types = [each.get("type") for each in value]
    wrong = any(each not in ACTIVATION_RULE_TYPES for each in types)
    if wrong:
        read.add(FIELD, "invalid_type")
    elif len(set(types)) < len(types):
        read.add(FIELD, "duplicated_type")
    hours = [each.get("timeout_hours") for each in value]
    if not all(_is_duration(each) for each in hours):
        read.add("timeout_hours", "value_must_be_positive_or_zero")
        return None
    if wrong or not pending:
        return ()
    return [RuleTerms(each, most or 0) for each, most in zip(types, hours, strict=True)]


async def rules_of(work: UnitOfWork, subscription_id: UUID) -> Sequence[RuleTerms]:
    """The rules that a subscription starts by."""
    found = await work.session.execute(
        sa.select(_rules.c.rule_type, _rules.c.timeout_hours)
        .where(_rules.c.subscription_id == subscription_id)
        .order_by(_rules.c.id)
    )
    return [RuleTerms(*row) for row in found]


async def set_rules(work: UnitOfWork, subscription_id: UUID, rules: Sequence[RuleTerms] | None) -> None:
    """Writes the rules of a subscription that has not started, instead of those it had; None leaves them."""
    if rules is None:
        return
    kept = {each.type for each in rules}
    await work.session.execute(
        sa.delete(_rules).where(_rules.c.subscription_id == subscription_id, _rules.c.rule_type.not_in(kept))
    )
    known = {
        row.rule_type: row
        for row in await work.session.execute(sa.select(*_rules.c).where(_rules.c.subscription_id == subscription_id))
    }
    for each in rules:
        if each.type in known:
            await work.session.execute(
                sa.update(_rules)
                .where(_rules.c.id == known[each.type].id)
                .values(timeout_hours=each.timeout_hours, updated_at=clock.now())
            )
        else:
            work.session.add(
                ActivationRule(
                    organization_id=work.organization_id,
                    subscription_id=subscription_id,
                    rule_type=each.type,
                    timeout_hours=each.timeout_hours,
                )
            )
    await work.session.flush()


async def waiting_for_payment(work: UnitOfWork, subscription_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these subscriptions, which have not started, are to be paid first. One statement."""
    rules = sa.select(_rules.c.subscription_id).where(
        _rules.c.subscription_id.in_(subscription_ids), _rules.c.status == "inactive"
    )
    return set(await work.session.scalars(rules))


async def evaluate_rules(work: UnitOfWork, subscription_id: UUID, at: datetime, *, applicable: bool) -> bool:
    """What the rules come to when their subscription starts; whether it has to wait.

    applicable: whether something is due at the start that can be paid. One statement.
    """
    r = _rules.c
    expires = sa.case(
        (r.timeout_hours > 0, sa.literal(at, r.expires_at.type) + r.timeout_hours * sa.literal(timedelta(hours=1))),
        else_=None,
    )
    values = {"status": "pending", "expires_at": expires} if applicable else {"status": "not_applicable"}
    changed = await work.session.execute(
        sa.update(_rules)
        .where(r.subscription_id == subscription_id, r.status == "inactive")
        .values(**values, updated_at=clock.now())
        .returning(r.id)
    )
    return bool(changed.all()) and applicable


async def resolve_rules(work: UnitOfWork, subscription_id: UUID, status: str) -> None:
    """The rules that a subscription waits for become satisfied, failed, declined or expired. One statement."""
    assert status in ACTIVATION_RULE_STATUSES, status
    r = _rules.c
    await work.session.execute(
        sa.update(_rules)
        .where(r.subscription_id == subscription_id, r.status == "pending")
        .values(status=status, updated_at=clock.now())
    )


def _is_duration(value: Any) -> bool:
    """Hours, 0 for ever; absent is 0."""
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_HOURS)
