"""Mutations of prices that one subscription has of its own."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.billing.override_charges import (
    create_own_filter,
    delete_own_filter,
    override_charge,
    override_fixed_charge,
    shown_filter_id,
    update_own_filter,
)
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.fixed_units import own_units
from domain.subscriptions.models import Subscription
from graphql_api.catalog.charge_mutations import shown_filter
from graphql_api.catalog.charges import Charge, ChargeFilter, FixedCharge, charge_type, fixed_charge_type
from graphql_api.operations import command, operation, to_params
from graphql_api.subscriptions.override_inputs import (
    CreateSubscriptionChargeFilterInput,
    DestroySubscriptionChargeFilterInput,
    UpdateSubscriptionChargeFilterInput,
    UpdateSubscriptionChargeInput,
    UpdateSubscriptionFixedChargeInput,
)

__all__ = ["SubscriptionChargeMutations"]


async def _locked(work: UnitOfWork, identifier: object) -> Subscription:
    parsed = parse_id(identifier)
    row = await work.session.get(Subscription, parsed, with_for_update=True) if parsed else None
    if row is None or row.status in ("terminated", "canceled"):
        raise NotFound("subscription")
    return row


def _params(input: object) -> tuple[dict[str, Any], object, str]:
    """What is changed, the id of the subscription, and the code of the charge or fixed charge."""
    params = to_params(input)
    identifier = params.pop("subscription_id")
    code = params.pop("charge_code", None) or params.pop("fixed_charge_code", "")
    return params, identifier, code


@strawberry.type
class SubscriptionChargeMutations:
    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def update_subscription_charge(self, info: Info, input: UpdateSubscriptionChargeInput) -> Charge | None:
        params, identifier, code = _params(input)
        async with command(info) as work:
            return charge_type(await override_charge(work, await _locked(work, identifier), params, code=code))

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def create_subscription_charge_filter(
        self, info: Info, input: CreateSubscriptionChargeFilterInput
    ) -> ChargeFilter | None:
        params, identifier, code = _params(input)
        async with command(info) as work:
            row = await create_own_filter(work, await _locked(work, identifier), params, code=code)
            return await shown_filter(work, row)

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def update_subscription_charge_filter(
        self, info: Info, input: UpdateSubscriptionChargeFilterInput
    ) -> ChargeFilter | None:
        params, identifier, code = _params(input)
        async with command(info) as work:
            subscription = await _locked(work, identifier)
            filter_id = await shown_filter_id(work, subscription, params.pop("values"), code=code)
            return await shown_filter(work, await update_own_filter(work, subscription, params, filter_id, code=code))

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def destroy_subscription_charge_filter(
        self, info: Info, input: DestroySubscriptionChargeFilterInput
    ) -> ChargeFilter | None:
        params, identifier, code = _params(input)
        async with command(info) as work:
            subscription = await _locked(work, identifier)
            filter_id = await shown_filter_id(work, subscription, params["values"], code=code)
            return await shown_filter(work, await delete_own_filter(work, subscription, filter_id, code=code))

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def update_subscription_fixed_charge(
        self, info: Info, input: UpdateSubscriptionFixedChargeInput
    ) -> FixedCharge | None:
        params, identifier, code = _params(input)
        async with command(info) as work:
            subscription = await _locked(work, identifier)
            row = await override_fixed_charge(work, subscription, params, code=code)
            return fixed_charge_type(row, (await own_units(work, subscription.id)).get(row.id))
