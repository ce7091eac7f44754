"""Drafts follow what they were built from: plans, taxes, terms. Source: subscriptions handbook, sections 5.4 and 6."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.facts import zone_of
from domain.billing.finalize import FINALIZE_CHUNK
from domain.invoicing.dates import DateSettings, invoice_dates
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = [
    "FINALIZE", "finalize_drafts_of_customers", "finalize_drafts_of_plans", "hand_over", "move_draft_dates",
    "refresh_drafts",
]  # fmt: skip

FINALIZE: Final = "billing.finalize_chunk"

# A draft none of whose subscriptions is active is left as it is.
_REFRESHED: Final = sa.text(
    """
    SELECT DISTINCT i.id, i.customer_id
    FROM invoices i
    JOIN invoice_subscriptions x ON x.invoice_id = i.id
    JOIN subscriptions s ON s.id = x.subscription_id AND s.status = 'active'
    JOIN plans p ON p.id = s.plan_id
    WHERE i.status = 'draft' AND i.invoice_type = 'subscription'
      AND (CAST(:plans AS uuid[]) IS NULL OR p.id = ANY(:plans) OR p.parent_id = ANY(:plans)
           OR i.customer_id = ANY(:customers))
    ORDER BY i.customer_id, i.id
    """
)
_OF_PLANS: Final = sa.text(
    """
    SELECT DISTINCT i.id, i.customer_id
    FROM invoices i
    JOIN invoice_subscriptions x ON x.invoice_id = i.id
    JOIN subscriptions s ON s.id = x.subscription_id AND s.plan_id = ANY(:plans)
    WHERE i.status = 'draft' ORDER BY i.customer_id, i.id
    """
)
_OF_CUSTOMERS: Final = sa.text(
    "SELECT id FROM invoices WHERE customer_id = ANY(:customers) AND status = 'draft' ORDER BY customer_id, id"
)
_DATED: Final = sa.text(
    """
    SELECT i.id, line.at, line.periodic, coalesce(c.timezone, e.timezone, 'UTC') AS timezone,
           coalesce(c.net_payment_term, e.net_payment_term) AS net_payment_term,
           coalesce(c.invoice_grace_period, e.invoice_grace_period) AS grace_period,
           coalesce(c.subscription_invoice_issuing_date_anchor, e.subscription_invoice_issuing_date_anchor) AS anchor,
           coalesce(c.subscription_invoice_issuing_date_adjustment,
                    e.subscription_invoice_issuing_date_adjustment) AS adjustment
    FROM invoices i
    JOIN customers c ON c.id = i.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    CROSS JOIN LATERAL (
        SELECT min(x.timestamp) AS at, bool_or(x.recurring) AS periodic
        FROM invoice_subscriptions x WHERE x.invoice_id = i.id
    ) line
    WHERE i.status = 'draft' AND line.at IS NOT NULL AND (c.id = ANY(:customers) OR e.id = ANY(:entities))
    ORDER BY i.id FOR NO KEY UPDATE OF i
    """
)
_MOVE: Final = sa.text(
    """
    UPDATE invoices SET issuing_date = row.issuing_date, expected_finalization_date = row.expected,
        payment_due_date = row.due, net_payment_term = row.term, updated_at = CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json))
         AS row(id uuid, issuing_date date, expected date, due date, term integer)
    WHERE invoices.id = row.id
    """
)


async def refresh_drafts(work: UnitOfWork, plan_ids: Sequence[UUID] | None, customer_ids: Sequence[UUID] = ()) -> int:
    """Hands the drafts of these plans and their overrides (None: of all), and those of these customers, to jobs
    "billing.refresh_chunk"; how many."""
    plans = None if plan_ids is None else list(plan_ids)
    wanted = {"plans": plans, "customers": list(customer_ids)}
    found = (await work.session.execute(_REFRESHED, wanted)).scalars().all()
    hand_over(work, "billing.refresh_chunk", found)
    return len(found)


async def finalize_drafts_of_plans(work: UnitOfWork, plan_ids: Sequence[UUID]) -> int:
    """Hands the drafts of these plans to jobs "billing.finalize_chunk"; how many."""
    found = (await work.session.execute(_OF_PLANS, {"plans": list(plan_ids)})).scalars().all()
    hand_over(work, FINALIZE, found)
    return len(found)


async def finalize_drafts_of_customers(work: UnitOfWork, customer_ids: Sequence[UUID]) -> int:
    """Hands the drafts of these customers to jobs "billing.finalize_chunk"; how many."""
    found = (await work.session.execute(_OF_CUSTOMERS, {"customers": list(customer_ids)})).scalars().all()
    hand_over(work, FINALIZE, found)
    return len(found)


async def move_draft_dates(
    work: UnitOfWork, *, customer_ids: Sequence[UUID] = (), billing_entity_ids: Sequence[UUID] = ()
) -> int:
    """Dates drafts anew by the terms of today; how many. What is due by then of the customers named is finalized."""
    rows = await work.session.execute(_DATED, {"customers": list(customer_ids), "entities": list(billing_entity_ids)})
    moved, due = [], []
    today = clock.now().astimezone(UTC).date()
    for row in rows:
        settings = DateSettings(
            zone_of(row.timezone), row.grace_period, row.net_payment_term, row.anchor, row.adjustment
        )
        dates = invoice_dates(settings, row.at, periodic=row.periodic)
        moved.append(
            {
                "id": row.id,
                "issuing_date": dates.issuing_date,
                "expected": dates.expected_finalization_date,
                "due": dates.payment_due_date,
                "term": row.net_payment_term,
            }
        )
        if dates.expected_finalization_date <= today:
            due.append(row.id)
    if moved:
        await work.session.execute(_MOVE, {"rows": exact_json.dump_text(moved), "now": clock.now()})
    if customer_ids:
        hand_over(work, FINALIZE, due)
    return len(moved)


def hand_over(work: UnitOfWork, actor: str, invoice_ids: Sequence[UUID]) -> None:
    """Asks for jobs of that name for the invoices, in chunks."""
    for start in range(0, len(invoice_ids), FINALIZE_CHUNK):
        part = list(invoice_ids[start : start + FINALIZE_CHUNK])
        work.enqueue(JobRequest(actor, {"invoice_ids": part}))
