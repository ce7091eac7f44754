"""Who uses plans, metrics and taxes: counts by id, one statement for any number of ids.

Subscriptions on an override count for the plan it was made from as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["MetricUse", "PlanUse", "TaxUse", "metric_uses", "plan_uses", "tax_uses"]


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


@dataclass(frozen=True, slots=True)
class TaxUse:
    """How many kept objects a tax is on; customers: those it applies to, by themselves or through their entity."""

    customers: int = 0
    plans: int = 0
    charges: int = 0
    add_ons: int = 0


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

# A customer without a tax of its own has those of its billing entity.
_TAXES = sa.text(
    """
    SELECT asked.id,
           (SELECT count(*) FROM customer_taxes AS own JOIN customers AS c ON c.id = own.customer_id
            WHERE own.tax_id = asked.id AND c.deleted_at IS NULL)
           + (SELECT count(*) FROM billing_entity_taxes AS link
              JOIN customers AS c ON c.billing_entity_id = link.billing_entity_id AND c.deleted_at IS NULL
              WHERE link.tax_id = asked.id
                AND NOT EXISTS (SELECT FROM customer_taxes AS own WHERE own.customer_id = c.id)) AS customers,
           (SELECT count(*) FROM plan_taxes AS link JOIN plans AS p ON p.id = link.plan_id
            WHERE link.tax_id = asked.id AND p.deleted_at IS NULL) AS plans,
           (SELECT count(*) FROM charge_taxes AS link JOIN charges AS c ON c.id = link.charge_id
            WHERE link.tax_id = asked.id AND c.deleted_at IS NULL) AS charges,
           (SELECT count(*) FROM add_on_taxes AS link JOIN add_ons AS a ON a.id = link.add_on_id
            WHERE link.tax_id = asked.id AND a.deleted_at IS NULL) AS add_ons
    FROM unnest(CAST(:ids AS uuid[])) AS asked(id)
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


async def tax_uses(session: AsyncSession, tax_ids: Collection[UUID]) -> Mapping[UUID, TaxUse]:
    """The use of each tax."""
    rows = await session.execute(_TAXES, {"ids": list(tax_ids)})
    return {row.id: TaxUse(row.customers, row.plans, row.charges, row.add_ons) for row in rows}
