"""How a fee came to be. Not part of the common interface: Tarn's own."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.billing.explain import explain_fee
from domain.billing.explanation_payload import explanation_payload
from graphql_api.operations import operation, read
from graphql_api.pagination import page_request
from graphql_api.scalars import JSON, BigInt

__all__ = ["FeeExplanationQueries"]


@strawberry.type(description="What a fee covers and why it was billed then.")
class FeeExplanationPeriod:
    from_: str | None = strawberry.field(name="from")
    to: str | None
    timezone: str
    reason: str


@strawberry.type(description="An event behind the units; value is what the aggregation read of it.")
class FeeExplanationEvent:
    transaction_id: str
    timestamp: str
    received_at: str
    properties: JSON
    value: str | None


@strawberry.type(description="What was counted. Without `from`, all history up to `to` counts.")
class FeeExplanationUsage:
    billable_metric_code: str
    billable_metric_name: str
    aggregation_type: str
    field_name: str | None
    recurring: bool
    prorated: bool
    rounding_function: str | None
    rounding_precision: int | None
    from_: str | None = strawberry.field(name="from")
    to: str
    filters: JSON | None
    filter_name: str | None
    grouped_by: JSON
    units: str
    total_aggregated_units: str
    events_count: BigInt | None
    events: list[FeeExplanationEvent]
    events_total_count: BigInt


@strawberry.type(description="part / whole = factor.")
class FeeExplanationProration:
    part: str
    whole: str
    factor: str
    reason: str


@strawberry.type(description="One line of the reckoning; amounts in units of the currency.")
class FeeExplanationStep:
    label: str
    reckoning: str
    amount: str | None


@strawberry.type
class FeeExplanationRounding:
    what: str
    exact_cents: str
    rounded_cents: BigInt
    rule: str


@strawberry.type
class FeeExplanationTax:
    code: str
    name: str
    rate: float
    base_amount_cents: str
    amount_cents: BigInt


@strawberry.type(description="How a fee came to be: period, usage, price steps, roundings and taxes.")
class FeeExplanation:
    fee_id: strawberry.ID
    invoice_id: strawberry.ID | None
    invoice_number: str | None
    name: str
    fee_type: str
    units: str
    amount_cents: BigInt
    amount_currency: str
    taxes_amount_cents: BigInt
    total_amount_cents: BigInt
    precise_coupons_amount_cents: str
    period: FeeExplanationPeriod
    usage: FeeExplanationUsage | None
    proration: FeeExplanationProration | None
    steps: list[FeeExplanationStep]
    roundings: list[FeeExplanationRounding]
    taxes: list[FeeExplanationTax]


def _explanation_type(shown: dict[str, Any]) -> FeeExplanation:
    usage = shown.pop("usage")
    fee_id, invoice_id = shown.pop("lago_fee_id"), shown.pop("lago_invoice_id")
    proration = shown.pop("proration")
    return FeeExplanation(
        fee_id=strawberry.ID(str(fee_id)),
        invoice_id=strawberry.ID(str(invoice_id)) if invoice_id else None,
        period=FeeExplanationPeriod(from_=shown["period"].pop("from"), **shown.pop("period")),
        usage=FeeExplanationUsage(
            from_=usage.pop("from"),
            events=[FeeExplanationEvent(**event) for event in usage.pop("events")],
            **usage,
        )
        if usage
        else None,
        proration=FeeExplanationProration(**proration) if proration else None,
        steps=[FeeExplanationStep(**each) for each in shown.pop("steps")],
        roundings=[FeeExplanationRounding(**each) for each in shown.pop("roundings")],
        taxes=[FeeExplanationTax(**each) for each in shown.pop("taxes")],
        **shown,
    )


@strawberry.type
class FeeExplanationQueries:
    @strawberry.field
    @operation(permission="invoices:view")
    async def fee_explanation(
        self, info: Info, id: strawberry.ID, page: int | None = None, limit: int | None = None
    ) -> FeeExplanation:
        async with read(info) as work:
            return _explanation_type(explanation_payload(await explain_fee(work, id, page_request(page, limit))))
