"""Inputs of the catalog. Fields that the server does not act on are not offered."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from graphql_api.catalog.enums import AggregationTypeEnum, ChargeModelEnum, PlanInterval, RoundingFunctionEnum
from graphql_api.enums import CurrencyEnum
from graphql_api.scalars import BigInt

__all__ = [
    "ChargeCreateInput", "ChargeInput", "ChargeUpdateInput", "CreateBillableMetricInput", "CreatePlanInput",
    "DestroyBillableMetricInput", "DestroyChargeInput", "DestroyPlanInput", "DestroyTaxInput", "GraduatedRangeInput",
    "PropertiesInput", "TaxCreateInput", "TaxUpdateInput", "UpdateBillableMetricInput", "UpdatePlanInput",
]  # fmt: skip


@strawberry.input
class CreateBillableMetricInput:
    client_mutation_id: str | None = UNSET
    name: str
    code: str
    description: str
    aggregation_type: AggregationTypeEnum
    field_name: str | None = UNSET
    recurring: bool | None = UNSET
    rounding_function: RoundingFunctionEnum | None = UNSET
    rounding_precision: int | None = UNSET


@strawberry.input
class UpdateBillableMetricInput:
    client_mutation_id: str | None = UNSET
    id: str
    name: str
    code: str
    description: str
    aggregation_type: AggregationTypeEnum
    field_name: str | None = UNSET
    recurring: bool | None = UNSET
    rounding_function: RoundingFunctionEnum | None = UNSET
    rounding_precision: int | None = UNSET


@strawberry.input
class DestroyBillableMetricInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.input
class GraduatedRangeInput:
    from_value: float
    to_value: float | None = UNSET
    per_unit_amount: str
    flat_amount: str


@strawberry.input
class PropertiesInput:
    amount: str | None = UNSET
    free_units: BigInt | None = UNSET
    package_size: BigInt | None = UNSET
    graduated_ranges: list[GraduatedRangeInput] | None = UNSET


@strawberry.input
class ChargeInput:
    """A charge of a plan's full list; `id` names the one that is edited."""

    id: strawberry.ID | None = UNSET
    billable_metric_id: strawberry.ID
    charge_model: ChargeModelEnum
    invoice_display_name: str | None = UNSET
    properties: PropertiesInput | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    invoiceable: bool | None = UNSET
    min_amount_cents: BigInt | None = UNSET


@strawberry.input
class CreatePlanInput:
    client_mutation_id: str | None = UNSET
    name: str
    code: str
    interval: PlanInterval
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    pay_in_advance: bool
    charges: list[ChargeInput]
    invoice_display_name: str | None = UNSET
    description: str | None = UNSET
    trial_period: float | None = UNSET
    bill_charges_monthly: bool | None = UNSET


@strawberry.input
class UpdatePlanInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    name: str
    code: str
    interval: PlanInterval
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    pay_in_advance: bool
    charges: list[ChargeInput] | None = UNSET
    invoice_display_name: str | None = UNSET
    description: str | None = UNSET
    trial_period: float | None = UNSET
    bill_charges_monthly: bool | None = UNSET


@strawberry.input
class DestroyPlanInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.input
class TaxCreateInput:
    client_mutation_id: str | None = UNSET
    name: str
    code: str
    rate: float
    description: str | None = UNSET


@strawberry.input
class TaxUpdateInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    name: str | None = UNSET
    code: str | None = UNSET
    rate: float | None = UNSET
    description: str | None = UNSET
    applied_to_organization: bool | None = UNSET


@strawberry.input
class DestroyTaxInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.input
class ChargeCreateInput:
    client_mutation_id: str | None = UNSET
    plan_id: strawberry.ID
    billable_metric_id: strawberry.ID
    charge_model: ChargeModelEnum
    code: str | None = UNSET
    invoice_display_name: str | None = UNSET
    properties: PropertiesInput | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    invoiceable: bool | None = UNSET
    min_amount_cents: BigInt | None = UNSET


@strawberry.input
class ChargeUpdateInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    charge_model: ChargeModelEnum | None = UNSET
    code: str | None = UNSET
    invoice_display_name: str | None = UNSET
    properties: PropertiesInput | None = UNSET
    pay_in_advance: bool | None = UNSET
    prorated: bool | None = UNSET
    invoiceable: bool | None = UNSET
    min_amount_cents: BigInt | None = UNSET


@strawberry.input
class DestroyChargeInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID
