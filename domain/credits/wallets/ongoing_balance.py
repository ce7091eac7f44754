"""Ongoing balances: what wallets would hold if all usage were billed now. Source: handbook, credits 5.5.

    lock the wallets → usage, drafts, what was billed of the usage → nets (pure) → wallets charged (pure) → write

A number of statements that does not depend on the number of customers. The wallets are locked before the usage is read,
so that of two refreshes the later one writes what it saw later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.alerts import WalletFigures, evaluate_wallet_alerts
from domain.credits.wallets.allocation import Bucket, Purse
from domain.credits.wallets.amounts import credits_of
from domain.credits.wallets.events import WalletOngoingBalancesChanged, WalletsDepleted
from domain.credits.wallets.ledger import lock_wallets
from domain.credits.wallets.ongoing import Running, charge_usage
from domain.credits.wallets.threshold import top_up_low_wallets
from domain.kernel import clock
from domain.kernel.money import HUNDRED, ZERO, round_cents
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import TARGET_WALLET
from domain.metering.current_usage import CurrentUsage, usages_of
from domain.metering.usage_taxes import charge_tax_rates
from infrastructure import exact_json

__all__ = ["refresh_ongoing_balances", "refresh_wallets"]

Net = tuple[Bucket, Decimal]
Nets = Mapping[tuple[UUID, str], list[Net]]
"""By customer and currency."""

_SUBSCRIPTIONS: Final = sa.text(
    "SELECT id, customer_id FROM subscriptions WHERE customer_id = ANY(:customer_ids) AND status = 'active' ORDER BY id"
)
_RULES: Final = sa.text(
    """
    SELECT * FROM recurring_transaction_rules
    WHERE wallet_id = ANY(:wallet_ids) AND status = 'active' AND trigger = 'threshold'
      AND (expiration_at IS NULL OR expiration_at > :now)
    """
)
# What drafts, and invoices that wait for their taxes, will take from wallets: their fees less what coupons and earlier
# progressive invoices take off them. No wallet pays a one-off invoice.
_DRAFTS: Final = sa.text(
    f"""
    SELECT i.customer_id, i.currency, f.fee_type, c.billable_metric_id AS metric_id,
           f.grouped_by ->> '{TARGET_WALLET}' AS target,
           sum(f.amount_cents + f.taxes_amount_cents - f.precise_coupons_amount_cents) AS cents
    FROM invoices i
    JOIN fees f ON f.invoice_id = i.id
    LEFT JOIN charges c ON c.id = f.charge_id
    WHERE i.customer_id = ANY(:customer_ids)
      AND (i.status = 'draft' OR (i.status = 'pending' AND i.invoice_type <> 'one_off'))
    GROUP BY 1, 2, 3, 4, 5
    """  # noqa: S608
)
# What was billed of the usage of the running period before its end: by progressive invoices and in advance.
_BILLED: Final = sa.text(
    f"""
    SELECT s.customer_id, f.amount_currency AS currency, f.fee_type, c.billable_metric_id AS metric_id,
           f.grouped_by ->> '{TARGET_WALLET}' AS target,
           -sum(f.amount_cents + f.taxes_amount_cents - f.precise_coupons_amount_cents) AS cents
    FROM jsonb_to_recordset(CAST(:windows AS jsonb)) AS w(subscription_id uuid, start timestamptz, stop timestamptz)
    JOIN subscriptions s ON s.id = w.subscription_id
    JOIN fees f ON f.subscription_id = w.subscription_id AND f.fee_type = 'charge'
    JOIN charges c ON c.id = f.charge_id
    LEFT JOIN invoices i ON i.id = f.invoice_id
    WHERE (f.properties ->> 'charges_from_datetime')::timestamptz BETWEEN w.start AND w.stop
      AND (f.pay_in_advance AND (i.id IS NULL OR i.status NOT IN ('voided', 'deleted', 'closed', 'draft'))
           OR i.invoice_type = 'progressive_billing' AND i.status NOT IN ('voided', 'deleted', 'closed', 'draft'))
    GROUP BY 1, 2, 3, 4, 5
    """  # noqa: S608
)
_WRITE: Final = sa.text(
    """
    UPDATE wallets w SET
        ongoing_usage_balance_cents = d.usage_cents, credits_ongoing_usage_balance = d.usage_credits,
        ongoing_balance_cents = d.ongoing_cents, credits_ongoing_balance = d.ongoing_credits,
        depleted_ongoing_balance = d.depleted, last_ongoing_balance_sync_at = :now, updated_at = :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS d(
        id uuid, usage_cents bigint, usage_credits numeric, ongoing_cents bigint, ongoing_credits numeric,
        depleted boolean)
    WHERE w.id = d.id
    """
)
_OWNERS: Final = sa.text("SELECT DISTINCT customer_id FROM wallets WHERE id = ANY(:wallet_ids)")


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the refresh found for one wallet."""

    row: Any
    usage_cents: int

    @property
    def ongoing_cents(self) -> int:
        return int(self.row.balance_cents) - self.usage_cents

    @property
    def depleted(self) -> bool:
        return self.ongoing_cents <= 0

    @property
    def changed(self) -> bool:
        row = self.row
        return (row.ongoing_usage_balance_cents, row.ongoing_balance_cents, row.depleted_ongoing_balance) != (
            self.usage_cents, self.ongoing_cents, self.depleted
        )  # fmt: skip

    @property
    def watched(self) -> WalletFigures:
        """What alerts look at."""
        return WalletFigures(
            balance_cents=self.row.balance_cents,
            credits_balance=self.row.credits_balance,
            ongoing_balance_cents=self.ongoing_cents,
            credits_ongoing_balance=self.columns()["ongoing_credits"],
        )

    def columns(self) -> dict[str, Any]:
        rate, currency = self.row.rate_amount, self.row.currency
        usage = credits_of(self.usage_cents, rate, currency)
        return {
            "id": self.row.id,
            "usage_cents": self.usage_cents,
            "usage_credits": usage,
            "ongoing_cents": self.ongoing_cents,
            "ongoing_credits": self.row.credits_balance - usage,
            "depleted": self.depleted,
        }


async def refresh_wallets(work: UnitOfWork, wallet_ids: Sequence[UUID]) -> None:
    """As `refresh_ongoing_balances`, for the customers of these wallets."""
    owners = await work.session.scalars(_OWNERS, {"wallet_ids": list(wallet_ids)})
    await refresh_ongoing_balances(work, list(owners))


async def refresh_ongoing_balances(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Computes the ongoing balances of all active wallets of these customers, tells of their alerts and tops up those
    that ran low. It follows every change of a balance, so that alerts see each."""
    session = work.session
    wallets = await lock_wallets(session, customer_ids=customer_ids)
    wallets = [row for row in wallets if row.status == "active"]
    if not wallets:
        return
    found = await session.execute(_RULES, {"wallet_ids": [row.id for row in wallets], "now": clock.now()})
    rules = {rule.wallet_id: rule for rule in found}
    nets = await _nets(work, sorted({row.customer_id for row in wallets}))
    figures = _charged(wallets, rules, nets)
    rows = exact_json.dump_text([each.columns() for each in figures])
    await session.execute(_WRITE, {"rows": rows, "now": clock.now()})
    changed = tuple(each.row.id for each in figures if each.changed)
    if changed:
        work.record(WalletOngoingBalancesChanged(changed))
    depleted = tuple(each.row.id for each in figures if each.depleted and not each.row.depleted_ongoing_balance)
    if depleted:
        work.record(WalletsDepleted(depleted))
    await evaluate_wallet_alerts(work, {each.row.id: each.watched for each in figures})
    ongoing = {each.row.id: each.columns()["ongoing_credits"] for each in figures}
    await top_up_low_wallets(work, {row.id: row for row in wallets}, rules, ongoing)


def _charged(wallets: Sequence[Any], rules: Mapping[UUID, Any], nets: Nets) -> list[_Figures]:
    """Customer by customer and currency by currency, the wallets in the order in which they are spent."""
    by_owner: dict[tuple[UUID, str], list[Any]] = defaultdict(list)
    for row in sorted(wallets, key=lambda row: (row.priority, row.created_at, row.id)):
        by_owner[row.customer_id, row.currency].append(row)
    figures = []
    for owner, rows in by_owner.items():
        running = [
            Running(
                Purse(row.id, row.code, row.balance_cents, frozenset(row.allowed_fee_types), frozenset(row.metric_ids)),
                topped_up=row.id in rules,
            )
            for row in rows
        ]
        charged = charge_usage(nets.get(owner, ()), running)
        figures += [_Figures(row, cents) for row, cents in zip(rows, charged, strict=True)]
    return figures


async def _nets(work: UnitOfWork, customer_ids: Sequence[UUID]) -> Nets:
    """What is to be charged to the wallets, by customer and currency."""
    session = work.session
    nets: dict[tuple[UUID, str], list[Net]] = defaultdict(list)
    found = (await session.execute(_SUBSCRIPTIONS, {"customer_ids": customer_ids})).all()
    customers = {row.id: row.customer_id for row in found}
    usages = await usages_of(work, list(customers), apply_taxes=False) if customers else []
    pairs = [(customers[usage.subscription_id], each.charge.id) for usage in usages for each in usage.charges]
    rates = await charge_tax_rates(work, pairs)
    for usage in usages:
        customer = customers[usage.subscription_id]
        nets[customer, usage.currency] += _of_usage(customer, usage, rates)
    windows = [
        {"subscription_id": usage.subscription_id, "start": usage.from_datetime, "stop": usage.to_datetime}
        for usage in usages
    ]
    _add(nets, (await session.execute(_DRAFTS, {"customer_ids": customer_ids})).all())
    if windows:
        _add(nets, (await session.execute(_BILLED, {"windows": exact_json.dump_text(windows)})).all())
    return nets


def _of_usage(customer: UUID, usage: CurrentUsage, rates: Mapping[tuple[UUID, UUID], Decimal]) -> Iterable[Net]:
    """The fees that the usage would make, taxes included."""
    for each in usage.charges:
        rate = rates.get((customer, each.charge.id), ZERO)
        for fee in each.fees:
            if fee.amount_cents:
                bucket = Bucket("charge", each.charge.metric_id, fee.grouped_by.get(TARGET_WALLET))
                yield bucket, Decimal(fee.amount_cents + round_cents(fee.amount_cents * rate / HUNDRED))


def _add(nets: dict[tuple[UUID, str], list[Net]], rows: Iterable[Any]) -> None:
    for row in rows:
        nets[row.customer_id, row.currency].append((Bucket(row.fee_type, row.metric_id, row.target), row.cents))
