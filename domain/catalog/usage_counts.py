"""Who uses plans, metrics and taxes: counts by id, one statement for any number of ids.

Subscriptions on an override count for the plan it was made from as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["MetricUse", "PlanUse", "metric_uses", "plan_uses", "tax_customers"]


@dataclass(frozen=True, slots=True)
class PlanUse:
    """customers: those with an active subscription."""

    subscriptions: int = 0
    active_subscriptions: int = 0
    customers: int = 0
    draft_invoices: int = 0
    overrides: int = 0


@dataclass(frozen=True, slots=True)
class MetricUse:
    """What a metric is used by, through kept charges of kept plans."""

    plans: bool = False
    subscriptions: bool = False
    active_subscriptions: bool = False
    draft_invoices: bool = False


_PLANS = sa.text(
    """
    SELECT asked.id, s.subscriptions, s.active, s.customers, d.drafts,
           (SELECT count(*) FROM plans AS c WHERE c.parent_id = asked.id AND c.deleted_at IS NULL) AS overrides
    FROM unnest(CAST(:ids AS uuid[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT count(*) AS subscriptions,
               count(*) FILTER (WHERE sub.status = 'active') AS active,
               count(DISTINCT sub.customer_id) FILTER (WHERE sub.status = 'active') AS customers
        FROM plans AS p JOIN subscriptions AS sub ON sub.plan_id = p.id
        WHERE p.id = asked.id OR p.parent_id = asked.id
    ) AS s
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT i.id) AS drafts
        FROM plans AS p
        JOIN subscriptions AS sub ON sub.plan_id = p.id
        JOIN invoice_subscriptions AS link ON link.subscription_id = sub.id
        JOIN invoices AS i ON i.id = link.invoice_id AND i.status = 'draft'
        WHERE p.id = asked.id OR p.parent_id = asked.id
    ) AS d
    """
)

_METRICS = sa.text(
    """
    SELECT asked.id, p.ids IS NOT NULL AS plans,
           EXISTS (SELECT FROM subscriptions AS s WHERE s.plan_id = ANY(p.ids)) AS subscriptions,
           EXISTS (SELECT FROM subscriptions AS s WHERE s.plan_id = ANY(p.ids) AND s.status = 'active') AS active,
           EXISTS (
               SELECT FROM subscriptions AS s
               JOIN invoice_subscriptions AS link ON link.subscription_id = s.id
               JOIN invoices AS i ON i.id = link.invoice_id AND i.status = 'draft'
               WHERE s.plan_id = ANY(p.ids)
           ) AS drafts
    FROM unnest(CAST(:ids AS uuid[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT plans.id) AS ids
        FROM charges JOIN plans ON plans.id = charges.plan_id AND plans.deleted_at IS NULL
        WHERE charges.billable_metric_id = asked.id AND charges.deleted_at IS NULL
    ) AS p
    """
)

_TAXES = sa.text(
    """
    SELECT link.tax_id, count(*) AS customers
    FROM billing_entity_taxes AS link
    JOIN customers ON customers.billing_entity_id = link.billing_entity_id AND customers.deleted_at IS NULL
    WHERE link.tax_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY link.tax_id
    """
)


async def plan_uses(session: AsyncSession, plan_ids: Collection[UUID]) -> Mapping[UUID, PlanUse]:
    """The use of each plan."""
    rows = await session.execute(_PLANS, {"ids": list(plan_ids)})
    return {row.id: PlanUse(row.subscriptions, row.active, row.customers, row.drafts, row.overrides) for row in rows}


async def metric_uses(session: AsyncSession, metric_ids: Collection[UUID]) -> Mapping[UUID, MetricUse]:
    """The use of each metric."""
    rows = await session.execute(_METRICS, {"ids": list(metric_ids)})
    return {row.id: MetricUse(row.plans, row.subscriptions, row.active, row.drafts) for row in rows}


async def tax_customers(session: AsyncSession, tax_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """How many customers each tax applies to through their billing entity; taxes without any are left out."""
    rows = await session.execute(_TAXES, {"ids": list(tax_ids)})
    return {row.tax_id: row.customers for row in rows}
