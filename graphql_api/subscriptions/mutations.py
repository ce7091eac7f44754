"""Mutations of the subscriptions context."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import strawberry
from sqlmodel import col, select
from strawberry import Info

from domain.billing.subscribe import subscribe
from domain.billing.terminate import terminate
from domain.billing.update_subscription import update_subscription
from domain.catalog.models import Plan
from domain.customers.models import Customer
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions import models, queries
from graphql_api.catalog.inputs import UsageThresholdInput
from graphql_api.identity.custom_sections import InvoiceCustomSectionsReferenceInput
from graphql_api.operations import command, operation, to_params
from graphql_api.payments.method_reference import PaymentMethodReferenceInput
from graphql_api.scalars import ISO8601DateTime
from graphql_api.subscriptions.activation_rules import SubscriptionActivationRuleInput
from graphql_api.subscriptions.override_inputs import PlanOverridesInput
from graphql_api.subscriptions.types import (
    BillingTimeEnum,
    OnTerminationCreditNoteEnum,
    OnTerminationInvoiceEnum,
    Subscription,
    subscription_type,
)

__all__ = ["SubscriptionsMutations"]


@strawberry.input
class CreateSubscriptionInput:
    client_mutation_id: str | None = strawberry.UNSET
    customer_id: strawberry.ID
    plan_id: strawberry.ID
    billing_time: BillingTimeEnum
    subscription_id: strawberry.ID | None = strawberry.UNSET
    external_id: str | None = strawberry.UNSET
    name: str | None = strawberry.UNSET
    subscription_at: ISO8601DateTime | None = strawberry.UNSET
    ending_at: ISO8601DateTime | None = strawberry.UNSET
    billing_entity_id: strawberry.ID | None = strawberry.UNSET
    consolidate_invoice: bool | None = strawberry.UNSET
    purchase_order_number: str | None = strawberry.UNSET
    payment_method: PaymentMethodReferenceInput | None = strawberry.UNSET
    plan_overrides: PlanOverridesInput | None = strawberry.UNSET
    progressive_billing_disabled: bool | None = strawberry.UNSET
    activation_rules: list[SubscriptionActivationRuleInput] | None = strawberry.UNSET
    usage_thresholds: list[UsageThresholdInput] | None = strawberry.UNSET
    invoice_custom_section: InvoiceCustomSectionsReferenceInput | None = strawberry.UNSET


@strawberry.input
class UpdateSubscriptionInput:
    client_mutation_id: str | None = strawberry.UNSET
    id: strawberry.ID
    name: str | None = strawberry.UNSET
    subscription_at: ISO8601DateTime | None = strawberry.UNSET
    ending_at: ISO8601DateTime | None = strawberry.UNSET
    billing_entity_id: strawberry.ID | None = strawberry.UNSET
    consolidate_invoice: bool | None = strawberry.UNSET
    purchase_order_number: str | None = strawberry.UNSET
    payment_method: PaymentMethodReferenceInput | None = strawberry.UNSET
    plan_overrides: PlanOverridesInput | None = strawberry.UNSET
    progressive_billing_disabled: bool | None = strawberry.UNSET
    activation_rules: list[SubscriptionActivationRuleInput] | None = strawberry.UNSET
    usage_thresholds: list[UsageThresholdInput] | None = strawberry.UNSET
    invoice_custom_section: InvoiceCustomSectionsReferenceInput | None = strawberry.UNSET


@strawberry.input
class TerminateSubscriptionInput:
    client_mutation_id: str | None = strawberry.UNSET
    id: strawberry.ID
    on_termination_credit_note: OnTerminationCreditNoteEnum | None = strawberry.UNSET
    on_termination_invoice: OnTerminationInvoiceEnum | None = strawberry.UNSET


def _params(input: object) -> dict[str, Any]:
    params = to_params(input)
    for name in ("id", "customer_id", "plan_id", "subscription_id"):
        params.pop(name, None)
    return params


async def _locked(work: UnitOfWork, identifier: object) -> models.Subscription:
    parsed = parse_id(identifier)
    row = await work.session.get(models.Subscription, parsed, with_for_update=True) if parsed else None
    if row is None:
        raise NotFound("subscription")
    return row


async def _answer(work: UnitOfWork, row: models.Subscription) -> Subscription:
    return subscription_type((await queries.rows_by_ids(work.session, [row.id]))[0])


@strawberry.type
class SubscriptionsMutations:
    @strawberry.mutation
    @operation(permission="subscriptions:create")
    async def create_subscription(self, info: Info, input: CreateSubscriptionInput) -> Subscription | None:
        async with command(info) as work:
            customer_id, plan_id = parse_id(input.customer_id), parse_id(input.plan_id)
            customer = await work.session.get(Customer, customer_id) if customer_id else None
            if customer is None or customer.deleted_at is not None:
                raise NotFound("customer")
            found = select(Plan).where(col(Plan.id) == plan_id, col(Plan.deleted_at).is_(None))
            plan = (await work.session.execute(found)).scalars().first()
            if plan is None:
                raise NotFound("plan")
            params = _params(input)
            external_id = str(params.get("external_id") or "").strip()
            if input.subscription_id:
                external_id = (await _locked(work, input.subscription_id)).external_id
            row = await subscribe(work, customer, plan, external_id or str(uuid4()), params)
            return await _answer(work, row)

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def update_subscription(self, info: Info, input: UpdateSubscriptionInput) -> Subscription | None:
        async with command(info) as work:
            row = await update_subscription(work, await _locked(work, input.id), _params(input))
            return await _answer(work, row)

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def terminate_subscription(self, info: Info, input: TerminateSubscriptionInput) -> Subscription | None:
        async with command(info) as work:
            row = await _locked(work, input.id)
            if row.status not in ("active", "pending", "incomplete"):
                raise NotFound("subscription")
            return await _answer(work, await terminate(work, row, _params(input)))
