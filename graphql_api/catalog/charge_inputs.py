"""Inputs of charges, charge filters and fixed charges."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from graphql_api.catalog.enums import ChargeModelEnum, FixedChargeChargeModelEnum, RegroupPaidFeesEnum
from graphql_api.catalog.properties import FixedChargePropertiesInput, PropertiesInput
from graphql_api.scalars import BigInt, ChargeFilterValues

__all__ = [
    "AppliedPricingUnitInput", "ChargeCreateInput", "ChargeFilterCreateInput", "ChargeFilterInput",
    "ChargeFilterUpdateInput", "ChargeInput", "ChargeUpdateInput", "DestroyChargeFilterInput", "DestroyChargeInput",
    "DestroyFixedChargeInput", "FixedChargeCreateInput", "FixedChargeInput", "FixedChargeUpdateInput",
]  # fmt: skip


@strawberry.input
class AppliedPricingUnitInput:
    code: str
    conversion_rate: float


@strawberry.input
class ChargeFilterInput:
    values: ChargeFilterValues
    properties: PropertiesInput
    invoice_display_name: str | None = UNSET


@strawberry.input
class ChargeInput:
    """A charge of a plan's full list; `id` names the one that is edited."""

    id: strawberry.ID | None = UNSET
    billable_metric_id: strawberry.ID
    charge_model: ChargeModelEnum
    invoice_display_name: str | None = UNSET
    properties: PropertiesInput | None = UNSET
    filters: list[ChargeFilterInput] | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    invoiceable: bool | None = UNSET
    regroup_paid_fees: RegroupPaidFeesEnum | None = UNSET
    min_amount_cents: BigInt | None = UNSET
    applied_pricing_unit: AppliedPricingUnitInput | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class ChargeCreateInput:
    client_mutation_id: str | None = UNSET
    plan_id: strawberry.ID
    billable_metric_id: strawberry.ID
    charge_model: ChargeModelEnum
    code: str | None = UNSET
    invoice_display_name: str | None = UNSET
    properties: PropertiesInput | None = UNSET
    filters: list[ChargeFilterInput] | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    invoiceable: bool | None = UNSET
    regroup_paid_fees: RegroupPaidFeesEnum | None = UNSET
    min_amount_cents: BigInt | None = UNSET
    applied_pricing_unit: AppliedPricingUnitInput | None = UNSET
    tax_codes: list[str] | None = UNSET
    cascade_updates: bool | None = UNSET


@strawberry.input
class ChargeUpdateInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    charge_model: ChargeModelEnum | None = UNSET
    code: str | None = UNSET
    invoice_display_name: str | None = UNSET
    properties: PropertiesInput | None = UNSET
    filters: list[ChargeFilterInput] | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    invoiceable: bool | None = UNSET
    regroup_paid_fees: RegroupPaidFeesEnum | None = UNSET
    min_amount_cents: BigInt | None = UNSET
    applied_pricing_unit: AppliedPricingUnitInput | None = UNSET
    tax_codes: list[str] | None = UNSET
    cascade_updates: bool | None = UNSET


@strawberry.input
class DestroyChargeInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    cascade_updates: bool | None = UNSET


@strawberry.input
class ChargeFilterCreateInput:
    client_mutation_id: str | None = UNSET
    charge_id: strawberry.ID
    values: ChargeFilterValues
    properties: PropertiesInput
    invoice_display_name: str | None = UNSET
    cascade_updates: bool | None = UNSET


@strawberry.input
class ChargeFilterUpdateInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    properties: PropertiesInput | None = UNSET
    invoice_display_name: str | None = UNSET
    cascade_updates: bool | None = UNSET


@strawberry.input
class DestroyChargeFilterInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    cascade_updates: bool | None = UNSET


@strawberry.input
class FixedChargeInput:
    """A fixed charge of a plan's full list; `id` names the one that is edited."""

    id: strawberry.ID | None = UNSET
    add_on_id: strawberry.ID
    charge_model: FixedChargeChargeModelEnum
    invoice_display_name: str | None = UNSET
    properties: FixedChargePropertiesInput | None = UNSET
    units: str | None = UNSET
    apply_units_immediately: bool | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class FixedChargeCreateInput:
    client_mutation_id: str | None = UNSET
    plan_id: strawberry.ID
    add_on_id: strawberry.ID
    charge_model: FixedChargeChargeModelEnum
    code: str | None = UNSET
    invoice_display_name: str | None = UNSET
    properties: FixedChargePropertiesInput | None = UNSET
    units: str | None = UNSET
    apply_units_immediately: bool | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    tax_codes: list[str] | None = UNSET
    cascade_updates: bool | None = UNSET


@strawberry.input
class FixedChargeUpdateInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    charge_model: FixedChargeChargeModelEnum | None = UNSET
    code: str | None = UNSET
    invoice_display_name: str | None = UNSET
    properties: FixedChargePropertiesInput | None = UNSET
    units: str | None = UNSET
    apply_units_immediately: bool | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    tax_codes: list[str] | None = UNSET
    cascade_updates: bool | None = UNSET


@strawberry.input
class DestroyFixedChargeInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    cascade_updates: bool | None = UNSET
