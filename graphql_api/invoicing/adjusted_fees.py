"""Setting lines of a draft by hand."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.billing.adjusted_fees import adjust_fee, reset_fee
from domain.billing.preview_fee import preview_fee
from domain.invoicing.fee_queries import fee_row
from graphql_api.invoicing.fees import Fee, fee_type
from graphql_api.operations import command, operation, to_params

__all__ = ["AdjustedFeeMutations"]


@strawberry.input
class CreateAdjustedFeeInput:
    charge_filter_id: strawberry.ID | None = strawberry.UNSET
    charge_id: strawberry.ID | None = strawberry.UNSET
    fee_id: strawberry.ID | None = strawberry.UNSET
    fixed_charge_id: strawberry.ID | None = strawberry.UNSET
    invoice_display_name: str | None = strawberry.UNSET
    invoice_id: strawberry.ID
    invoice_subscription_id: strawberry.ID | None = strawberry.UNSET
    subscription_id: strawberry.ID | None = strawberry.UNSET
    unit_precise_amount: str | None = strawberry.UNSET
    units: float | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class PreviewAdjustedFeeInput(CreateAdjustedFeeInput):
    pass


@strawberry.input
class DestroyAdjustedFeeInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class DestroyAdjustedFeePayload:
    id: strawberry.ID | None
    client_mutation_id: str | None = None


@strawberry.type
class AdjustedFeeMutations:
    @strawberry.mutation
    @operation(permission="invoices:update")
    async def create_adjusted_fee(self, info: Info, input: CreateAdjustedFeeInput) -> Fee | None:
        """The fee as it is once the draft has been computed anew."""
        async with command(info) as work:
            return fee_type(await fee_row(work.session, await adjust_fee(work, to_params(input))))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def preview_adjusted_fee(self, info: Info, input: PreviewAdjustedFeeInput) -> Fee | None:
        """The same without storing anything; also for the invoice in the place of a voided one."""
        async with command(info) as work:
            return fee_type(await preview_fee(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="invoices:update")
    async def destroy_adjusted_fee(
        self, info: Info, input: DestroyAdjustedFeeInput
    ) -> DestroyAdjustedFeePayload | None:
        """Takes back what was set for the fee `id`."""
        async with command(info) as work:
            await reset_fee(work, input.id)
        return DestroyAdjustedFeePayload(id=input.id, client_mutation_id=input.client_mutation_id or None)
