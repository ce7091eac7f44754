"""The recurring rules of a wallet as they are sent: read, replaced, ended. Source: handbook, credits 4.3."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.models import RecurringRuleCustomSection, RecurringTransactionRule, Wallet
from domain.credits.wallets.sections import read_sections
from domain.credits.wallets.terms import (
    MOST_OF_WALLET,
    Worth,
    decimal_of,
    read_name,
    read_payment_terms,
    read_transaction_metadata,
    terms_of,
)
from domain.identity.custom_sections import NOTHING_ASKED, Selection, choose_sections
from domain.kernel import clock
from domain.kernel.ids import parse_id
from domain.kernel.money import ZERO, truncate
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["SentRule", "read_rules", "write_rules"]

INTERVALS: Final = ("weekly", "monthly", "quarterly", "yearly", "semiannual")
FIELD: Final = "recurring_transaction_rules"


@dataclass(frozen=True, slots=True)
class SentRule:
    """The id of the rule that is changed, if any, its columns, and the custom sections that were asked for."""

    id: UUID | None
    columns: dict[str, Any]
    sections: Selection = NOTHING_ASKED


_rules = table(RecurringTransactionRule)


async def read_rules(
    work: UnitOfWork,
    read: Reader,
    worth: Worth | None,
    methods: Collection[UUID],
    *,
    defaults: Mapping[str, Decimal] | None = None,
    requires_payment: bool = False,
    known: Mapping[UUID, Any] | None = None,
) -> list[SentRule] | None:
    """The rules that were sent, None when absent. worth: of the wallet, None where that is wrong itself.
    methods: of payment, the customer's.

    defaults: paid_credits and granted_credits for a rule that gives neither. known: the wallet's active rules, whose
    values stand for what is not sent of them. Raises NotFound for a custom section that nobody knows.
    """
    sent = read.params.get(FIELD)
    if sent is None:
        return None
    if not isinstance(sent, list) or not all(isinstance(each, Mapping) for each in sent):
        read.add(FIELD, "invalid_recurring_rule")
        return None
    if len(sent) > 1:
        read.add(FIELD, "invalid_number_of_recurring_rules")
        return None
    found: list[SentRule] = []
    for each in sent:
        before = (known or {}).get(parse_id(each.get("lago_id")) or UUID(int=0))
        columns = _columns(each, before, worth, methods, defaults or {}, requires_payment)
        rule = Reader(each)
        sections = await read_sections(work, rule)
        if columns is None or rule.errors:
            read.add(FIELD, "invalid_recurring_rule")
            return None
        if columns["method"] == "target" and columns["target_ongoing_balance"] < columns["threshold_credits"]:
            read.add("target_ongoing_balance", "must_be_greater_than_or_equal_threshold")
        found.append(SentRule(before.id if before else None, columns, sections))
    return found


def _columns(
    sent: Params,
    before: Any | None,
    worth: Worth | None,
    methods: Collection[UUID],
    defaults: Mapping[str, Decimal],
    requires_payment: bool,
) -> dict[str, Any] | None:
    read = Reader(sent)
    wrong = False

    def kept(name: str, default: Any = None) -> Any:
        return default if before is None else getattr(before, name)

    def amount(name: str, default: Any) -> Any:
        nonlocal wrong
        if sent.get(name) is None:
            return default
        number = decimal_of(sent[name])
        wrong |= number is None
        return number if number is None else truncate(number, 5)

    trigger = read.choice("trigger", ("interval", "threshold"), default=kept("trigger"))
    interval = read.choice("interval", INTERVALS, default=kept("interval"))
    method = read.choice("method", ("fixed", "target"), default=kept("method", "fixed"))
    neither = sent.get("paid_credits") is None and sent.get("granted_credits") is None
    paid = amount("paid_credits", kept("paid_credits", defaults.get("paid_credits", ZERO) if neither else ZERO))
    granted = amount(
        "granted_credits", kept("granted_credits", defaults.get("granted_credits", ZERO) if neither else ZERO)
    )
    threshold = amount("threshold_credits", kept("threshold_credits"))
    target = amount("target_ongoing_balance", kept("target_ongoing_balance"))
    grants = read.boolean("grants_target_top_up", default=kept("grants_target_top_up"))
    ignores = read.boolean("ignore_paid_top_up_limits", default=kept("ignore_paid_top_up_limits", False))
    requires = read.boolean(
        "invoice_requires_successful_payment", default=kept("invoice_requires_successful_payment", requires_payment)
    )
    started_at = read.anchor("started_at", default=kept("started_at"))
    expiration_at = read.instant("expiration_at", default=None if "expiration_at" in read else kept("expiration_at"))
    name = read_name(read, "transaction_name") if "transaction_name" in read else kept("transaction_name")
    metadata = kept("transaction_metadata", [])
    if "transaction_metadata" in read:
        metadata = read_transaction_metadata(read, "transaction_metadata", MOST_OF_WALLET)
    terms = read_payment_terms(read, methods, None if before is None else terms_of(before))
    if method == "fixed":
        target, grants = None, None if before is not None else grants
    wrong |= bool(read.errors) or trigger is None
    wrong |= trigger == "interval" and interval is None
    wrong |= trigger == "threshold" and threshold is None
    wrong |= method == "target" and target is None
    wrong |= method == "fixed" and grants is not None
    if expiration_at is not None and ("expiration_at" in read) and expiration_at <= clock.now():
        wrong = True
    if wrong:
        return None
    if worth is not None and method == "fixed":
        check = Reader({})
        worth.check(check, "paid_credits", paid, limited=not ignores)
        worth.check(check, "granted_credits", granted, limited=False)
        if check.errors:
            return None
    return {
        "trigger": trigger,
        "interval": interval if trigger == "interval" else None,
        "method": method,
        "paid_credits": paid,
        "granted_credits": granted,
        "threshold_credits": ZERO if threshold is None else threshold,
        "target_ongoing_balance": target,
        "grants_target_top_up": grants,
        "started_at": started_at,
        "expiration_at": expiration_at,
        "invoice_requires_successful_payment": bool(requires),
        "ignore_paid_top_up_limits": bool(ignores),
        "transaction_name": name,
        "transaction_metadata": metadata,
        **terms.columns(),
    }


async def write_rules(work: UnitOfWork, wallet: Wallet, sent: Sequence[SentRule]) -> None:
    """Afterwards the wallet's active rules are exactly these: others end, those without an id are new."""
    now = clock.now()
    kept = [each.id for each in sent if each.id is not None]
    await end_rules(work, _rules.c.wallet_id == wallet.id, _rules.c.id.not_in(kept), at=now)
    for each in sent:
        if each.id is not None:
            rule = await work.session.get_one(RecurringTransactionRule, each.id)
            for name, value in each.columns.items():
                setattr(rule, name, value)
        else:
            rule = RecurringTransactionRule(organization_id=wallet.organization_id, wallet_id=wallet.id, **each.columns)
            work.session.add(rule)
        await work.session.flush()
        await choose_sections(work, RecurringRuleCustomSection, "rule_id", rule, each.sections)


async def end_rules(work: UnitOfWork, *which: sa.ColumnElement[bool], at: datetime) -> int:
    """Ends the active rules that are meant; how many. One statement."""
    statement = (
        sa.update(_rules)
        .where(_rules.c.status == "active", *which)
        .values(status="terminated", terminated_at=at, updated_at=at)
        .returning(_rules.c.id)
    )
    return len((await work.session.execute(statement)).all())
