"""What a run needs to know, read for a whole chunk with one statement per question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing.plan_facts import ChargeFacts, CommitmentFacts, FixedChargeFacts, PlanFacts, load_plans
from domain.billing.requests import Target
from domain.billing.tax_facts import TaxFacts, load_taxes, nearest
from domain.invoicing.custom_sections import Chosen, Inherited, Section, applied
from domain.invoicing.dates import DateSettings
from domain.invoicing.selected_sections import Sections, load_sections
from domain.subscriptions.calendar import BillingTime, Interval
from domain.subscriptions.plan_change import is_upgrade
from domain.subscriptions.terms import SubscriptionTerms, Successor
from infrastructure import exact_json

__all__ = ["CustomerFacts", "Facts", "Past", "SubscriptionFacts", "load_facts", "zone_of"]


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """A customer with what its billing entity says where it says nothing itself. taxes_open: its VAT number is being
    checked, and its taxes are known when that is done."""

    id: UUID
    billing_entity_id: UUID
    timezone: str
    self_billed: bool
    dates: DateSettings
    skips_sections: bool = False
    taxes_open: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """A subscription on its plan. Amounts in cents. next_plan_id: of the successor, None without one.

    first_started_at: the start of the trial of the external id; only set for plans with a trial.
    billing_entity_id: of its invoices, which gives numbers, documents and the rule for invoices of nothing
    (finalizes_zero); zone, terms and taxes come from the customer's.
    """

    id: UUID
    external_id: str
    customer: CustomerFacts
    plan_id: UUID
    plan_ids: frozenset[UUID]
    plan_amount_cents: int
    currency: str
    status: str
    created_at: datetime
    terms: SubscriptionTerms
    trial_period: Decimal | None
    trial_ended_at: datetime | None
    first_started_at: datetime | None
    purchase_order_number: str | None
    billing_entity_id: UUID
    finalizes_zero: bool
    predecessor_id: UUID | None
    predecessor_upgraded: bool
    next_plan_id: UUID | None
    skips_sections: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What other invoices say about a subscription, as of the invoice being built.

    last_base_fee_at: creation of its latest other base fee. invoices: how many others it has for its periods, counted
    up to two. last_*: of the invoice before.
    """

    last_base_fee_at: datetime | None = None
    invoices: int = 0
    last_timezone: str | None = None
    last_charges_to: datetime | None = None
    last_fixed_charges_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """subscriptions by id; taxes and sections by what they are put on; past by (invoice, subscription)."""

    subscriptions: Mapping[UUID, SubscriptionFacts]
    plans: PlanFacts = field(default_factory=PlanFacts)
    taxes: Mapping[UUID, Sequence[TaxFacts]] = field(default_factory=dict)
    past: Mapping[tuple[UUID, UUID], Past] = field(default_factory=dict)
    sections: Sections = field(default_factory=dict)

    def charges_of(self, subscription: SubscriptionFacts) -> Sequence[ChargeFacts]:
        return self.plans.charges.get(subscription.plan_id, ())

    def fixed_charges_of(self, subscription: SubscriptionFacts) -> Sequence[FixedChargeFacts]:
        return self.plans.fixed_charges.get(subscription.plan_id, ())

    def commitment_of(self, subscription: SubscriptionFacts) -> CommitmentFacts | None:
        return self.plans.commitments.get(subscription.plan_id)

    def taxes_of(
        self, subscription: SubscriptionFacts, owner: UUID | None = None, *, certain: bool = False
    ) -> Sequence[TaxFacts]:
        """The taxes of a fee; owner: the charge, fixed charge or commitment it is for, None for the base fee.

        certain: only those that do not depend on who the customer is.
        """
        customer = subscription.customer
        levels = (owner, subscription.plan_id)
        return nearest(self.taxes, *levels, *(() if certain else (customer.id, customer.billing_entity_id)))

    def sections_of(self, subscriptions: Sequence[SubscriptionFacts]) -> list[Section]:
        """The custom sections of an invoice of these subscriptions, all of one customer."""
        customer = subscriptions[0].customer
        inherited = Inherited(
            customer.skips_sections,
            self.sections.get(customer.id, ()),
            self.sections.get(customer.billing_entity_id, ()),
        )
        return applied(
            (Chosen(each.skips_sections, self.sections.get(each.id, ())) for each in subscriptions), inherited
        )


# Rows are locked in the order of their ids: two runs over the same subscriptions go one after the other, and the
# second finds what the first has billed.
_LOCK = sa.text("SELECT id FROM subscriptions WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")

_SUBSCRIPTIONS = sa.text(
    """
    SELECT s.id, s.external_id, s.customer_id, s.plan_id, s.status, s.billing_time, s.subscription_at, s.started_at,
           s.terminated_at, s.trial_ended_at, s.created_at, s.purchase_order_number, s.previous_subscription_id,
           p.parent_id, p.interval, p.amount_cents, p.amount_currency, p.pay_in_advance, p.trial_period,
           p.bill_charges_monthly, p.bill_fixed_charges_monthly,
           c.billing_entity_id, coalesce(c.timezone, e.timezone, 'UTC') AS timezone, c.account_type,
           coalesce(c.net_payment_term, e.net_payment_term) AS net_payment_term,
           coalesce(c.invoice_grace_period, e.invoice_grace_period) AS grace_period,
           coalesce(c.subscription_invoice_issuing_date_anchor, e.subscription_invoice_issuing_date_anchor) AS anchor,
           coalesce(c.subscription_invoice_issuing_date_adjustment,
                    e.subscription_invoice_issuing_date_adjustment) AS adjustment,
           issuer.id AS issuer_id,
           CASE c.finalize_zero_amount_invoice WHEN 'finalize' THEN true WHEN 'skip' THEN false
                ELSE issuer.finalize_zero_amount_invoice END AS finalizes_zero,
           s.skip_invoice_custom_sections AS skips, c.skip_invoice_custom_sections AS customer_skips,
           EXISTS (SELECT FROM pending_vies_checks v WHERE v.customer_id = c.id) AS taxes_open,
           pp.amount_cents AS previous_amount_cents, pp.interval AS previous_interval,
           n.plan_id AS next_plan_id, np.amount_cents AS next_amount_cents, np.interval AS next_interval,
           CASE WHEN p.trial_period > 0 THEN (
               SELECT min(chain.started_at) FROM subscriptions chain
               WHERE chain.customer_id = s.customer_id AND chain.external_id = s.external_id
                 AND chain.status <> 'canceled'
           ) END AS first_started_at
    FROM subscriptions s
    JOIN plans p ON p.id = s.plan_id
    JOIN customers c ON c.id = s.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    JOIN billing_entities issuer ON issuer.id = coalesce(s.billing_entity_id, c.billing_entity_id)
    LEFT JOIN subscriptions previous ON previous.id = s.previous_subscription_id
    LEFT JOIN plans pp ON pp.id = previous.plan_id
    LEFT JOIN LATERAL (
        SELECT after.plan_id FROM subscriptions after
        WHERE after.previous_subscription_id = s.id AND after.status <> 'canceled'
        ORDER BY after.created_at DESC, after.id DESC LIMIT 1
    ) n ON true
    LEFT JOIN plans np ON np.id = n.plan_id
    WHERE s.id = ANY(:ids)
    """
)

_PAST = sa.text(
    """
    SELECT line.invoice_id, line.subscription_id, base.last_base_fee_at, other.invoices, last.timezone,
           last.charges_to_datetime, last.fixed_charges_to_datetime
    FROM json_to_recordset(CAST(:lines AS json))
         AS line(invoice_id uuid, subscription_id uuid, created_at timestamptz, at timestamptz)
    CROSS JOIN LATERAL (
        SELECT max(f.created_at) AS last_base_fee_at
        FROM fees f JOIN invoices i ON i.id = f.invoice_id
        WHERE f.subscription_id = line.subscription_id AND f.fee_type = 'subscription'
          AND f.created_at <= line.created_at AND i.id <> line.invoice_id AND i.status <> 'deleted'
    ) base
    CROSS JOIN LATERAL (
        SELECT count(*) AS invoices FROM (
            SELECT FROM invoice_subscriptions x JOIN invoices i ON i.id = x.invoice_id
            WHERE x.subscription_id = line.subscription_id AND i.id <> line.invoice_id AND i.status <> 'deleted'
              AND x.invoicing_reason LIKE 'subscription_%'
            LIMIT 2
        ) found
    ) other
    LEFT JOIN LATERAL (
        SELECT i.timezone, x.charges_to_datetime, x.fixed_charges_to_datetime
        FROM invoice_subscriptions x JOIN invoices i ON i.id = x.invoice_id
        WHERE x.subscription_id = line.subscription_id AND x.timestamp < line.at AND i.id <> line.invoice_id
          AND x.regenerated_invoice_id IS NULL AND i.status <> 'deleted'
          AND x.invoicing_reason LIKE 'subscription_%'
        ORDER BY x.timestamp DESC LIMIT 1
    ) last ON true
    """
)


async def load_facts(session: AsyncSession, targets: Sequence[Target]) -> Facts:
    """The facts for all lines of all targets, in eight statements; the subscriptions stay locked until the commit."""
    ids = sorted({line.subscription_id for target in targets for line in target.lines})
    await session.execute(_LOCK, {"ids": ids})
    subscriptions = _subscriptions((await session.execute(_SUBSCRIPTIONS, {"ids": ids})).all())
    plans = {row.plan_id for row in subscriptions.values()}
    plans |= {row.next_plan_id for row in subscriptions.values() if row.next_plan_id}
    lines = [
        {
            "invoice_id": target.invoice_id,
            "subscription_id": line.subscription_id,
            "created_at": target.created_at,
            "at": line.at,
        }
        for target in targets
        for line in target.lines
    ]
    entities = sorted({row.customer.billing_entity_id for row in subscriptions.values()})
    customers = sorted({row.customer.id for row in subscriptions.values()})
    return Facts(
        subscriptions,
        await load_plans(session, sorted(plans)),
        await load_taxes(session, entities=entities, customers=customers, plans=sorted(plans)),
        {
            (invoice, subscription): Past(*values)
            for invoice, subscription, *values in await session.execute(_PAST, {"lines": exact_json.dump_text(lines)})
        },
        await load_sections(session, entities=entities, customers=customers, subscriptions=ids),
    )


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ZoneInfoNotFoundError."""
    return ZoneInfo(name)


def _subscriptions(rows: Sequence[sa.Row[Any]]) -> dict[UUID, SubscriptionFacts]:
    customers: dict[UUID, CustomerFacts] = {}
    found = {}
    for row in rows:
        customer = customers.get(row.customer_id)
        if customer is None:
            customer = customers[row.customer_id] = _customer(row)
        old, successor = (row.amount_cents, row.interval), Successor.NONE
        if row.next_plan_id is not None:
            upgrade = is_upgrade(old, (row.next_amount_cents, row.next_interval))
            successor = Successor.UPGRADE if upgrade else Successor.DOWNGRADE
        found[row.id] = SubscriptionFacts(
            id=row.id,
            external_id=row.external_id,
            customer=customer,
            plan_id=row.plan_id,
            plan_ids=frozenset(filter(None, (row.plan_id, row.parent_id))),
            plan_amount_cents=row.amount_cents,
            currency=row.amount_currency,
            status=row.status,
            created_at=row.created_at,
            terms=SubscriptionTerms(
                interval=Interval(row.interval),
                billing_time=BillingTime(row.billing_time),
                pay_in_advance=row.pay_in_advance,
                zone=zone_of(row.timezone),
                subscription_at=row.subscription_at,
                started_at=row.started_at or row.subscription_at,
                terminated_at=row.terminated_at if row.status == "terminated" else None,
                successor=successor,
                bill_charges_monthly=bool(row.bill_charges_monthly),
                bill_fixed_charges_monthly=bool(row.bill_fixed_charges_monthly),
            ),
            trial_period=row.trial_period,
            trial_ended_at=row.trial_ended_at,
            first_started_at=row.first_started_at,
            purchase_order_number=row.purchase_order_number,
            billing_entity_id=row.issuer_id,
            finalizes_zero=row.finalizes_zero,
            predecessor_id=row.previous_subscription_id,
            predecessor_upgraded=row.previous_interval is not None
            and is_upgrade((row.previous_amount_cents, row.previous_interval), old),
            next_plan_id=row.next_plan_id,
            skips_sections=row.skips,
        )
    return found


def _customer(row: sa.Row[Any]) -> CustomerFacts:
    return CustomerFacts(
        id=row.customer_id,
        billing_entity_id=row.billing_entity_id,
        timezone=row.timezone,
        self_billed=row.account_type == "partner",
        dates=DateSettings(
            zone=zone_of(row.timezone),
            grace_period=row.grace_period,
            net_payment_term=row.net_payment_term,
            anchor=row.anchor,
            adjustment=row.adjustment,
        ),
        skips_sections=row.customer_skips,
        taxes_open=row.taxes_open,
    )
