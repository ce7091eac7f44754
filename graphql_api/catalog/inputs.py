"""Inputs of the catalog. Fields that the server does not act on are not offered."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from graphql_api.catalog.charge_inputs import ChargeInput, FixedChargeInput
from graphql_api.catalog.entitlement_types import EntitlementInput
from graphql_api.catalog.enums import CommitmentTypeEnum, PlanInterval
from graphql_api.enums import CurrencyEnum
from graphql_api.scalars import BigInt

__all__ = [
    "CommitmentInput", "CreatePlanInput", "DestroyPlanInput", "DestroyTaxInput", "MetadataInput", "TaxCreateInput",
    "TaxUpdateInput", "UpdatePlanInput", "UsageThresholdInput",
]  # fmt: skip


@strawberry.input
class MetadataInput:
    key: str
    value: str | None = UNSET


@strawberry.input
class CommitmentInput:
    """`{}` takes the commitment away. There is one kind, and one commitment for a plan."""

    id: strawberry.ID | None = UNSET
    amount_cents: BigInt | None = UNSET
    commitment_type: CommitmentTypeEnum | None = UNSET
    invoice_display_name: str | None = UNSET
    tax_codes: list[str] | None = UNSET


@strawberry.input
class UsageThresholdInput:
    amount_cents: BigInt
    recurring: bool | None = UNSET
    threshold_display_name: str | None = UNSET


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
    bill_fixed_charges_monthly: bool | None = UNSET
    fixed_charges: list[FixedChargeInput] | None = UNSET
    minimum_commitment: CommitmentInput | None = UNSET
    usage_thresholds: list[UsageThresholdInput] | None = UNSET
    tax_codes: list[str] | None = UNSET
    metadata: list[MetadataInput] | None = UNSET
    entitlements: list[EntitlementInput] | None = UNSET


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
    bill_fixed_charges_monthly: bool | None = UNSET
    fixed_charges: list[FixedChargeInput] | None = UNSET
    minimum_commitment: CommitmentInput | None = UNSET
    usage_thresholds: list[UsageThresholdInput] | None = UNSET
    tax_codes: list[str] | None = UNSET
    metadata: list[MetadataInput] | None = UNSET
    entitlements: list[EntitlementInput] | None = UNSET
    cascade_updates: bool | None = UNSET


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
