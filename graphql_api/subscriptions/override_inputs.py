"""Inputs of prices that one subscription has of its own."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from graphql_api.catalog.charge_inputs import ChargeFilterInput
from graphql_api.catalog.inputs import CommitmentInput
from graphql_api.catalog.properties import FixedChargePropertiesInput, PropertiesInput
from graphql_api.enums import CurrencyEnum
from graphql_api.scalars import BigInt, ChargeFilterValues

__all__ = [
    "ChargeOverridesInput", "CreateSubscriptionChargeFilterInput", "DestroySubscriptionChargeFilterInput",
    "FixedChargeOverridesInput", "PlanOverridesInput", "UpdateSubscriptionChargeFilterInput",
    "UpdateSubscriptionChargeInput", "UpdateSubscriptionFixedChargeInput",
]  # fmt: skip


@strawberry.input
class AppliedPricingUnitOverrideInput:
    conversion_rate: float


@strawberry.input
class ChargeOverridesInput:
    id: strawberry.ID | None = UNSET
    billable_metric_id: strawberry.ID
    properties: PropertiesInput | None = UNSET
    filters: list[ChargeFilterInput] | None = UNSET
    min_amount_cents: BigInt | None = UNSET
    invoice_display_name: str | None = UNSET
    applied_pricing_unit: AppliedPricingUnitOverrideInput | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class FixedChargeOverridesInput:
    id: strawberry.ID | None = UNSET
    add_on_id: strawberry.ID | None = UNSET
    units: str | None = UNSET
    apply_units_immediately: bool | None = UNSET
    properties: FixedChargePropertiesInput | None = UNSET
    invoice_display_name: str | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class PlanOverridesInput:
    name: str | None = UNSET
    description: str | None = UNSET
    invoice_display_name: str | None = UNSET
    amount_cents: BigInt | None = UNSET
    amount_currency: CurrencyEnum | None = UNSET
    trial_period: float | None = UNSET
    charges: list[ChargeOverridesInput] | None = UNSET
    fixed_charges: list[FixedChargeOverridesInput] | None = UNSET
    minimum_commitment: CommitmentInput | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class UpdateSubscriptionChargeInput:
    client_mutation_id: str | None = UNSET
    subscription_id: strawberry.ID
    charge_code: str
    properties: PropertiesInput | None = UNSET
    filters: list[ChargeFilterInput] | None = UNSET
    min_amount_cents: BigInt | None = UNSET
    invoice_display_name: str | None = UNSET
    applied_pricing_unit: AppliedPricingUnitOverrideInput | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class CreateSubscriptionChargeFilterInput:
    client_mutation_id: str | None = UNSET
    subscription_id: strawberry.ID
    charge_code: str
    values: ChargeFilterValues
    properties: PropertiesInput
    invoice_display_name: str | None = UNSET


@strawberry.input
class UpdateSubscriptionChargeFilterInput:
    """`values` name the filter."""

    client_mutation_id: str | None = UNSET
    subscription_id: strawberry.ID
    charge_code: str
    values: ChargeFilterValues
    properties: PropertiesInput | None = UNSET
    invoice_display_name: str | None = UNSET


@strawberry.input
class DestroySubscriptionChargeFilterInput:
    """`values` name the filter."""

    client_mutation_id: str | None = UNSET
    subscription_id: strawberry.ID
    charge_code: str
    values: ChargeFilterValues


@strawberry.input
class UpdateSubscriptionFixedChargeInput:
    client_mutation_id: str | None = UNSET
    subscription_id: strawberry.ID
    fixed_charge_code: str
    units: str | None = UNSET
    apply_units_immediately: bool | None = UNSET
    properties: FixedChargePropertiesInput | None = UNSET
    invoice_display_name: str | None = UNSET
    tax_codes: list[str] | None = UNSET
