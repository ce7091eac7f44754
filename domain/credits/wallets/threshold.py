"""Top-ups by rule: when a balance runs low, and on the days of an interval. Source: handbook, credits 5.6 and 5.7.

Whether a rule fires is found out under the lock on its wallet, in the transaction that writes the movement: what is on
its way already is seen, so a rule buys once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.credits.wallets.amounts import credits_of
from domain.credits.wallets.ledger import Movement, lock_wallets
from domain.credits.wallets.sections import kept_by_rules
from domain.credits.wallets.terms import method_of
from domain.credits.wallets.top_up_rules import Rule, TopUp, fires_on, interval_top_up, threshold_top_up
from domain.credits.wallets.transactions import added, write
from domain.customers.payment_reference import CUSTOMERS_WAY
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["RULE_TOP_UP", "THRESHOLD", "top_up_by_threshold", "top_up_intervals", "top_up_low_wallets",
           "top_up_on_interval"]  # fmt: skip

THRESHOLD: Final = "wallets.top_up_by_threshold"
RULE_TOP_UP: Final = "wallets.top_up_on_interval"
DELAY: Final = timedelta(seconds=2)
WAIT_AFTER_FAILURE: Final = timedelta(hours=1)
WALLETS_AT_A_TIME: Final = 200

_PENDING: Final = sa.text(
    """
    SELECT wallet_id, sum(credit_amount) AS credits FROM wallet_transactions
    WHERE wallet_id = ANY(:wallet_ids) AND status = 'pending' GROUP BY wallet_id
    """
)
# The newest purchase of a rule that failed, unless a purchase was settled since.
_FAILED: Final = sa.text(
    """
    SELECT t.wallet_id, max(t.failed_at) AS failed_at FROM wallet_transactions t
    WHERE t.wallet_id = ANY(:wallet_ids) AND t.status = 'failed' AND t.transaction_status = 'purchased'
      AND t.source <> 'manual' AND NOT EXISTS (
          SELECT FROM wallet_transactions paid WHERE paid.wallet_id = t.wallet_id AND paid.status = 'settled'
            AND paid.transaction_status = 'purchased' AND paid.settled_at > t.failed_at)
    GROUP BY t.wallet_id
    """
)
_RULES: Final = sa.text(
    """
    SELECT r.*, w.currency, w.rate_amount, w.created_at AS wallet_created_at,
           coalesce(c.timezone, e.timezone, 'UTC') AS timezone
    FROM recurring_transaction_rules r
    JOIN wallets w ON w.id = r.wallet_id AND w.status = 'active'
    JOIN customers c ON c.id = w.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    WHERE r.status = 'active' AND r.trigger = :trigger AND (r.expiration_at IS NULL OR r.expiration_at > :now)
      AND (r.started_at IS NULL OR r.started_at <= :now OR r.trigger = 'threshold')
      AND (w.expiration_at IS NULL OR w.expiration_at > :now)
      AND (CAST(:wallet_ids AS uuid[]) IS NULL OR r.wallet_id = ANY(:wallet_ids))
    ORDER BY r.wallet_id
    """
)
_TODAY: Final = sa.text(
    """
    SELECT wallet_id, interval_on FROM wallet_transactions
    WHERE wallet_id = ANY(:wallet_ids) AND interval_on IS NOT NULL AND interval_on >= :since
    """
)


@dataclass(frozen=True, slots=True)
class _Due:
    """What a rule adds now. day: the local day of a rule of an interval."""

    wallet: Any
    rule: Any
    wanted: TopUp
    day: date | None = None


async def top_up_low_wallets(
    work: UnitOfWork, wallets: Mapping[UUID, Any], rules: Mapping[UUID, Any], ongoing: Mapping[UUID, Decimal]
) -> None:
    """Asks for the top-ups of wallets whose threshold rule fires now. One statement where a balance is low.

    rules: threshold rules by wallet; ongoing: ongoing balances in credits.
    """
    low = [wallet_id for wallet_id, rule in rules.items() if ongoing[wallet_id] <= rule.threshold_credits]
    if not low:
        return
    pending = await _pending(work, low)
    for wallet_id in low:
        rule = _rule(rules[wallet_id], wallets[wallet_id])
        if threshold_top_up(rule, ongoing[wallet_id], pending.get(wallet_id, ZERO)):
            arguments = {"wallet_ids": [wallet_id]}
            work.enqueue(JobRequest(THRESHOLD, arguments, unique_key=str(wallet_id), delay=DELAY))


async def top_up_by_threshold(work: UnitOfWork, wallet_ids: Sequence[UUID]) -> list[UUID]:
    """Tops up those of these wallets whose threshold rule still fires; the movements."""
    wallets = {row.id: row for row in await lock_wallets(work.session, wallet_ids=wallet_ids)}
    now = clock.now()
    rules = await work.session.execute(_RULES, {"trigger": "threshold", "now": now, "wallet_ids": list(wallet_ids)})
    pending = await _pending(work, wallet_ids)
    failed = {
        row.wallet_id: row.failed_at for row in await work.session.execute(_FAILED, {"wallet_ids": list(wallet_ids)})
    }
    due = []
    for row in rules.all():
        wallet = wallets[row.wallet_id]
        wanted = threshold_top_up(_rule(row, wallet), wallet.credits_ongoing_balance, pending.get(row.wallet_id, ZERO))
        waits = row.wallet_id in failed and now - failed[row.wallet_id] < WAIT_AFTER_FAILURE
        if wanted and not (waits and wanted.paid > 0):
            due.append(_Due(wallet, row, wanted))
    return await _top_up(work, due, source="threshold")


async def top_up_intervals(work: UnitOfWork) -> int:
    """Hands wallets whose interval rule has its day to jobs "wallets.top_up_on_interval" {"wallet_ids"}; how many."""
    now = clock.now()
    rules = (await work.session.execute(_RULES, {"trigger": "interval", "now": now, "wallet_ids": None})).all()
    due = [row.wallet_id for row in rules if _is_due(row, now)]
    done = await _topped_up(work, due, now)
    ids = [row.wallet_id for row in rules if row.wallet_id in due and (row.wallet_id, _day(row, now)) not in done]
    for start in range(0, len(ids), WALLETS_AT_A_TIME):
        part = ids[start : start + WALLETS_AT_A_TIME]
        work.enqueue(JobRequest(RULE_TOP_UP, {"wallet_ids": part}, unique_key=f"{part[0]}:{len(part)}"))
    return len(ids)


async def top_up_on_interval(work: UnitOfWork, wallet_ids: Sequence[UUID]) -> list[UUID]:
    """Tops up those of these wallets whose interval rule has its day today and has not been served; the movements."""
    wallets = {row.id: row for row in await lock_wallets(work.session, wallet_ids=wallet_ids)}
    now = clock.now()
    rules = (
        await work.session.execute(_RULES, {"trigger": "interval", "now": now, "wallet_ids": list(wallet_ids)})
    ).all()
    done = await _topped_up(work, wallet_ids, now)
    due = []
    for row in rules:
        day, wallet = _day(row, now), wallets[row.wallet_id]
        if not _is_due(row, now) or (row.wallet_id, day) in done:
            continue
        wanted = interval_top_up(_rule(row, wallet), wallet.credits_ongoing_balance)
        if wanted:
            due.append(_Due(wallet, row, wanted, day))
    return await _top_up(work, due, source="interval")


def _day(row: Any, now: datetime) -> Any:
    return now.astimezone(ZoneInfo(row.timezone)).date()


def _is_due(row: Any, now: datetime) -> bool:
    """The rule's day, and not the day on which the wallet was made."""
    zone, today = ZoneInfo(row.timezone), _day(row, now)
    anchor = (row.started_at or row.wallet_created_at).astimezone(zone).date()
    made: bool = row.wallet_created_at.astimezone(zone).date() == today
    return not made and fires_on(row.interval, anchor, today)


async def _topped_up(work: UnitOfWork, wallet_ids: Sequence[UUID], now: datetime) -> set[tuple[UUID, Any]]:
    if not wallet_ids:
        return set()
    since = (now - timedelta(days=2)).astimezone(UTC).date()
    rows = await work.session.execute(_TODAY, {"wallet_ids": list(wallet_ids), "since": since})
    return {(row.wallet_id, row.interval_on) for row in rows}


async def _pending(work: UnitOfWork, wallet_ids: Sequence[UUID]) -> dict[UUID, Decimal]:
    """The credits that are on their way to each wallet."""
    rows = await work.session.execute(_PENDING, {"wallet_ids": list(wallet_ids)})
    return {row.wallet_id: row.credits for row in rows}


def _rule(row: Any, wallet: Any) -> Rule:
    def bound(cents: int | None) -> Decimal | None:
        if cents is None or row.ignore_paid_top_up_limits:
            return None
        return credits_of(cents, wallet.rate_amount, wallet.currency)

    return Rule(
        method=row.method,
        paid=row.paid_credits,
        granted=row.granted_credits,
        threshold=row.threshold_credits,
        target=row.target_ongoing_balance or ZERO,
        grants_target=bool(row.grants_target_top_up),
        least=bound(wallet.paid_top_up_min_amount_cents),
        most=bound(wallet.paid_top_up_max_amount_cents),
    )


async def _top_up(work: UnitOfWork, due: Sequence[_Due], *, source: str) -> list[UUID]:
    """Writes the top-ups of rules; the movements. A fixed number of statements."""
    if not due:
        return []
    sections = await kept_by_rules(work, [(each.rule, each.wallet) for each in due])
    movements: list[Movement] = []
    for each, kept in zip(due, sections, strict=True):
        rule, own = each.rule, method_of(each.rule)
        common = {
            "source": source,
            "name": rule.transaction_name,
            "metadata": rule.transaction_metadata,
            "requires_payment": rule.invoice_requires_successful_payment,
            **(method_of(each.wallet) if own == CUSTOMERS_WAY else own).columns(),
            "purchase_order_number": rule.purchase_order_number,
            "sections": kept,
            "interval_on": each.day,
        }
        movements += added(each.wallet, each.wanted.paid, each.wanted.granted, common)
    return await write(work, movements)
