"""Applied coupons on their way through a billing run: what customers have, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.coupon_life import AppliedTerms
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["active_coupons", "give_back_coupons", "keep_coupons"]

# Locked in one order, so that two runs over one customer go one after the other; who waited sees what was left.
_ACTIVE: Final = sa.text(
    """
    SELECT a.id, a.customer_id, a.frequency, a.frequency_duration_remaining, a.amount_cents, a.amount_currency,
           a.percentage_rate, c.coupon_type, c.limited_plans, c.limited_billable_metrics,
           ARRAY(SELECT coalesce(t.plan_id, t.billable_metric_id) FROM coupon_targets t
                 WHERE t.coupon_id = a.coupon_id) AS targets
    FROM applied_coupons a
    JOIN coupons c ON c.id = a.coupon_id
    WHERE a.customer_id = ANY(:customers) AND a.status = 'active'
    ORDER BY a.created_at, a.id
    """
)
_LOCKED: Final = sa.text(f"{_ACTIVE.text} FOR NO KEY UPDATE OF a")
# Asked after the lock, so that what another run spent before is seen.
_SPENT: Final = sa.text(
    """
    SELECT r.applied_coupon_id, sum(r.amount_cents) AS amount_cents
    FROM credits r JOIN invoices i ON i.id = r.invoice_id
    WHERE r.applied_coupon_id = ANY(:ids) AND i.status NOT IN ('voided', 'closed', 'deleted')
    GROUP BY r.applied_coupon_id
    """
)
_KEEP: Final = sa.text(
    """
    UPDATE applied_coupons SET
        frequency_duration_remaining = coalesce(row.invoices_left, frequency_duration_remaining),
        status = CASE WHEN row.ended THEN 'terminated' ELSE status END,
        terminated_at = CASE WHEN row.ended THEN CAST(:now AS timestamptz) ELSE terminated_at END,
        updated_at = CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, invoices_left integer, ended boolean)
    WHERE applied_coupons.id = row.id
    """
)
# Two invoices may give back the same coupon at once.
_GIVE_BACK: Final = sa.text(
    """
    UPDATE applied_coupons a SET
        frequency_duration_remaining = a.frequency_duration_remaining + r.uses,
        status = CASE WHEN r.revived THEN 'active' ELSE a.status END,
        terminated_at = CASE WHEN r.revived THEN NULL ELSE a.terminated_at END,
        updated_at = CAST(:now AS timestamptz)
    FROM (
        SELECT own.id, count(*) AS uses,
               bool_and(own.frequency <> 'forever' AND c.status = 'active' AND c.deleted_at IS NULL) AS revived
        FROM credits r
        JOIN applied_coupons own ON own.id = r.applied_coupon_id
        JOIN coupons c ON c.id = own.coupon_id
        WHERE r.invoice_id = ANY(:invoices)
        GROUP BY own.id
    ) r
    WHERE a.id = r.id
    """
)


async def active_coupons(
    work: UnitOfWork, customer_ids: Collection[UUID], *, locked: bool = True
) -> dict[UUID, list[AppliedTerms]]:
    """The active applied coupons by customer, the first applied first, locked until the commit.

    One statement, two where one of them is of a fixed amount and used once.
    """
    rows = (await work.session.execute(_LOCKED if locked else _ACTIVE, {"customers": sorted(customer_ids)})).all()
    once = [row.id for row in rows if row.coupon_type == "fixed_amount" and row.frequency == "once"]
    spent: dict[UUID, int] = {}
    if once:
        found = await work.session.execute(_SPENT, {"ids": once})
        spent = {row.applied_coupon_id: int(row.amount_cents) for row in found}
    coupons: dict[UUID, list[AppliedTerms]] = {}
    for row in rows:
        coupons.setdefault(row.customer_id, []).append(_terms(row, spent.get(row.id, 0)))
    return coupons


async def keep_coupons(work: UnitOfWork, coupons: Sequence[AppliedTerms]) -> None:
    """Writes what became of coupons that were used. One statement."""
    rows = [{"id": each.id, "invoices_left": each.invoices_left, "ended": each.ended} for each in coupons if each.uses]
    if rows:
        await work.session.execute(_KEEP, {"rows": exact_json.dump_text(rows), "now": clock.now()})


async def give_back_coupons(work: UnitOfWork, invoice_ids: Collection[UUID]) -> None:
    """Gives the coupons of invoices back that no longer count: voided, or closed by a payment that failed.

    A recurring one has an invoice more, one that had ended is active again unless it never ends by itself or its
    coupon was terminated or deleted. What a fixed amount has left follows from the status of the invoices by itself.
    Call it once for an invoice, in the transaction that changes its status. Source: handbook, credits 1.4.
    """
    await work.session.execute(_GIVE_BACK, {"invoices": sorted(invoice_ids), "now": clock.now()})


def _terms(row: Any, spent: int) -> AppliedTerms:
    fixed = row.coupon_type == "fixed_amount"
    return AppliedTerms(
        id=row.id,
        frequency=row.frequency,
        amount_cents=max((row.amount_cents or 0) - spent, 0) if fixed else None,
        currency=row.amount_currency if fixed else None,
        rate=None if fixed else row.percentage_rate,
        invoices_left=row.frequency_duration_remaining if row.frequency == "recurring" else None,
        limited_to_metrics=row.limited_billable_metrics,
        limited_to_plans=row.limited_plans,
        target_ids=frozenset(row.targets),
    )
