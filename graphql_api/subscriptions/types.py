"""Subscriptions."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry
from strawberry import Info

from domain.billing.lifetime_usage import lifetimes_of
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions import queries
from domain.subscriptions.custom_sections import sections_of_subscriptions
from domain.subscriptions.facts import (
    current_period,
    downgrade_plan_date,
    next_starts_at,
    period_end_date,
    successor_of,
)
from domain.subscriptions.terms import Successor
from domain.subscriptions.thresholds import own_thresholds
from graphql_api.identity.custom_sections import InvoiceCustomSection, section_type
from graphql_api.insight.logged import Logged
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.payments.enums import PaymentMethodTypeEnum
from graphql_api.payments.method_reference import PaidByMethod
from graphql_api.scalars import BigInt, ISO8601Date, ISO8601DateTime
from graphql_api.subscriptions.activation_rules import CancellationReasonEnum, SubscriptionActivationRule, rule_type

if TYPE_CHECKING:
    from graphql_api.catalog.charges import FixedCharge
    from graphql_api.catalog.types import Charge, Plan, UsageThreshold
    from graphql_api.customers.types import Customer
    from graphql_api.invoicing.types import Fee

__all__ = [
    "BillingTimeEnum",
    "NextSubscriptionTypeEnum",
    "OnTerminationCreditNoteEnum",
    "OnTerminationInvoiceEnum",
    "StatusTypeEnum",
    "Subscription",
    "SubscriptionCollection",
    "SubscriptionLifetimeUsage",
    "fetch_subscriptions",
    "subscription_type",
]

LazyPlan = Annotated["Plan", strawberry.lazy("graphql_api.catalog.types")]
LazyCharge = Annotated["Charge", strawberry.lazy("graphql_api.catalog.types")]
LazyFixedCharge = Annotated["FixedCharge", strawberry.lazy("graphql_api.catalog.charges")]
LazyCustomer = Annotated["Customer", strawberry.lazy("graphql_api.customers.types")]
LazyThreshold = Annotated["UsageThreshold", strawberry.lazy("graphql_api.catalog.types")]
LazyFee = Annotated["Fee", strawberry.lazy("graphql_api.invoicing.types")]


@strawberry.enum
class BillingTimeEnum(Enum):
    anniversary = "anniversary"
    calendar = "calendar"


@strawberry.enum
class StatusTypeEnum(Enum):
    active = "active"
    canceled = "canceled"
    incomplete = "incomplete"
    pending = "pending"
    terminated = "terminated"


@strawberry.enum
class NextSubscriptionTypeEnum(Enum):
    downgrade = "downgrade"
    upgrade = "upgrade"


@strawberry.enum
class OnTerminationCreditNoteEnum(Enum):
    credit = "credit"
    offset = "offset"
    refund = "refund"
    skip = "skip"


@strawberry.enum
class OnTerminationInvoiceEnum(Enum):
    generate = "generate"
    skip = "skip"


@strawberry.type
class SubscriptionLifetimeUsage:
    total_usage_amount_cents: BigInt
    total_usage_from_datetime: ISO8601DateTime
    total_usage_to_datetime: ISO8601DateTime
    last_threshold_amount_cents: BigInt | None
    next_threshold_amount_cents: BigInt | None
    next_threshold_ratio: float | None


@strawberry.type
class Subscription(PaidByMethod, Logged):
    plan_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]
    previous_id: strawberry.Private[UUID | None]
    next_id: strawberry.Private[UUID | None]
    next_plan_id: strawberry.Private[UUID | None]

    id: strawberry.ID
    external_id: str
    name: str | None
    next_name: str | None
    status: StatusTypeEnum | None
    billing_time: BillingTimeEnum | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    activated_at: ISO8601DateTime | None
    canceled_at: ISO8601DateTime | None
    ending_at: ISO8601DateTime | None
    started_at: ISO8601DateTime | None
    subscription_at: ISO8601DateTime | None
    terminated_at: ISO8601DateTime | None
    current_billing_period_started_at: ISO8601DateTime | None
    current_billing_period_ending_at: ISO8601DateTime | None
    period_end_date: ISO8601Date | None
    downgrade_plan_date: ISO8601Date | None
    next_subscription_at: ISO8601DateTime | None
    next_subscription_type: NextSubscriptionTypeEnum | None
    on_termination_credit_note: OnTerminationCreditNoteEnum | None
    on_termination_invoice: OnTerminationInvoiceEnum
    consolidate_invoice: bool
    purchase_order_number: str | None
    activation_rules: list[SubscriptionActivationRule]
    cancellation_reason: CancellationReasonEnum | None
    progressive_billing_disabled: bool | None
    skip_invoice_custom_sections: bool | None
    billing_entity_id: strawberry.ID | None = None

    @strawberry.field
    async def plan(self, info: Info) -> LazyPlan:
        from graphql_api.catalog.types import fetch_plans

        return await load_one(info, "plans", fetch_plans, self.plan_id)

    @strawberry.field
    async def next_plan(self, info: Info) -> LazyPlan | None:
        from graphql_api.catalog.types import fetch_plans

        return await load(info, "plans", fetch_plans, self.next_plan_id) if self.next_plan_id else None

    @strawberry.field
    async def previous_plan(self, info: Info) -> LazyPlan | None:
        from graphql_api.catalog.types import fetch_plans

        previous = await _neighbour(info, self.previous_id)
        return await load(info, "plans", fetch_plans, previous.plan_id) if previous else None

    @strawberry.field
    async def customer(self, info: Info) -> LazyCustomer:
        from graphql_api.customers.types import fetch_customers

        return await load_one(info, "customers", fetch_customers, self.customer_id)

    @strawberry.field
    async def charges(self, info: Info) -> list[LazyCharge] | None:
        from graphql_api.catalog.types import fetch_charges_of_plans

        return await load(info, "charges_of_plans", fetch_charges_of_plans, self.plan_id) or []

    @strawberry.field
    async def fixed_charges(self, info: Info) -> list[LazyFixedCharge] | None:
        """With the units that this subscription has."""
        from graphql_api.catalog.charges import fetch_fixed_charges_of_subscriptions

        return (
            await load(info, "fixed_charges_of_subscriptions", fetch_fixed_charges_of_subscriptions, UUID(self.id))
            or []
        )

    @strawberry.field
    async def fees(self, info: Info) -> list[LazyFee] | None:
        from graphql_api.invoicing.types import fetch_fees_of_subscriptions

        return await load(info, "fees_of_subscriptions", fetch_fees_of_subscriptions, UUID(self.id)) or []

    @strawberry.field
    async def selected_invoice_custom_sections(self, info: Info) -> list[InvoiceCustomSection] | None:
        return await load(info, "sections_of_subscriptions", _fetch_sections, UUID(self.id)) or []

    @strawberry.field
    async def usage_thresholds(self, info: Info) -> list[LazyThreshold]:
        """Its own, which come before those of the plan."""
        return await load(info, "own_thresholds", _fetch_thresholds, UUID(self.id)) or []

    @strawberry.field
    async def lifetime_usage(self, info: Info) -> SubscriptionLifetimeUsage | None:
        """None for a subscription that has not started."""
        return await load(info, "lifetime_usages", _fetch_lifetime_usages, UUID(self.id))

    @strawberry.field
    async def next_subscription(self, info: Info) -> Subscription | None:
        return await _neighbour(info, self.next_id)

    @strawberry.field
    async def previous_subscription(self, info: Info) -> Subscription | None:
        return await _neighbour(info, self.previous_id)


@strawberry.type
class SubscriptionCollection:
    collection: list[Subscription]
    metadata: CollectionMetadata


async def _fetch_sections(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceCustomSection]]:
    found = await sections_of_subscriptions(work.session, ids)
    return {owner: [section_type(row) for row in rows] for owner, rows in found.items()}


async def _neighbour(info: Info, identifier: UUID | None) -> Subscription | None:
    return await load(info, "subscriptions", fetch_subscriptions, identifier) if identifier else None


async def fetch_subscriptions(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Subscription]:
    """Subscriptions by id, in one statement."""
    return {row.id: subscription_type(row) for row in await queries.rows_by_ids(work.session, ids)}


async def _fetch_thresholds(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[LazyThreshold]]:
    from graphql_api.catalog.types import threshold_type

    found = await own_thresholds(work.session, ids)
    return {key: [threshold_type(row) for row in rows] for key, rows in found.items()}


async def _fetch_lifetime_usages(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, SubscriptionLifetimeUsage]:
    now = clock.now()
    shown = {}
    for key, found in (await lifetimes_of(work, ids)).items():
        reached = [each for each in found.completions if each.ratio >= 1]
        following = next((each for each in found.completions if each.ratio < 1), None)
        shown[key] = SubscriptionLifetimeUsage(
            total_usage_amount_cents=BigInt(found.total_cents),
            total_usage_from_datetime=ISO8601DateTime(found.since),
            total_usage_to_datetime=ISO8601DateTime(now),
            last_threshold_amount_cents=BigInt(reached[-1].amount_cents) if reached else None,
            next_threshold_amount_cents=BigInt(following.amount_cents) if following else None,
            next_threshold_ratio=float(following.ratio) if following else None,
        )
    return shown


def _direction(row: sa.Row[Any]) -> NextSubscriptionTypeEnum | None:
    successor = successor_of(row)
    return None if successor == Successor.NONE else NextSubscriptionTypeEnum(successor.value)


def subscription_type(row: sa.Row[Any]) -> Subscription:
    """A subscription from a row of `domain.subscriptions.queries`."""
    period_start, period_end = current_period(row)
    credit_note = row.on_termination_credit_note
    return Subscription(
        plan_id=row.plan_id,
        customer_id=row.customer_id,
        previous_id=row.previous_subscription_id,
        next_id=row.next_subscription_id,
        next_plan_id=row.next_plan_id,
        id=strawberry.ID(str(row.id)),
        external_id=row.external_id,
        name=row.name,
        next_name=row.next_name,
        status=StatusTypeEnum(row.status),
        billing_time=BillingTimeEnum(row.billing_time),
        created_at=row.created_at,
        updated_at=row.updated_at,
        activated_at=row.activated_at,
        canceled_at=row.canceled_at,
        ending_at=row.ending_at,
        started_at=row.started_at,
        subscription_at=row.subscription_at,
        terminated_at=row.terminated_at,
        current_billing_period_started_at=ISO8601DateTime(period_start) if period_start else None,
        current_billing_period_ending_at=ISO8601DateTime(period_end) if period_end else None,
        period_end_date=ISO8601Date(period_end_date(row)),
        downgrade_plan_date=ISO8601Date(day) if (day := downgrade_plan_date(row)) else None,
        next_subscription_at=ISO8601DateTime(start) if (start := next_starts_at(row)) else None,
        next_subscription_type=_direction(row),
        on_termination_credit_note=OnTerminationCreditNoteEnum(credit_note) if credit_note else None,
        on_termination_invoice=OnTerminationInvoiceEnum(row.on_termination_invoice),
        consolidate_invoice=row.consolidate_invoice,
        purchase_order_number=row.purchase_order_number,
        payment_method_type=PaymentMethodTypeEnum(row.payment_method_type),
        payment_method_id=row.payment_method_id,
        activation_rules=[rule_type(each) for each in row.activation_rules or ()],
        cancellation_reason=CancellationReasonEnum(row.cancellation_reason) if row.cancellation_reason else None,
        progressive_billing_disabled=row.progressive_billing_disabled,
        skip_invoice_custom_sections=row.skip_invoice_custom_sections,
        billing_entity_id=strawberry.ID(str(row.billing_entity_id)) if row.billing_entity_id else None,
    )
