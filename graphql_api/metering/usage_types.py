"""Current and projected usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

import strawberry
from strawberry import Info

from domain.kernel.format import decimal_text
from domain.metering.charges import PlanCharge, PlanFilter
from domain.metering.current_usage import CurrentUsage
from domain.metering.priced_usage import Breakdown, UsageFee, by_filter, figures, merged
from domain.metering.priced_usage import ChargeUsage as Used
from graphql_api.catalog.types import BillableMetric, Charge, fetch_charges, fetch_metrics
from graphql_api.enums import CurrencyEnum
from graphql_api.loaders import load_one
from graphql_api.scalars import JSON, BigInt, ChargeFilterValues, ISO8601Date, ISO8601DateTime
from infrastructure import exact_json

__all__ = ["CustomerProjectedUsage", "CustomerUsage", "customer_projected_usage_type", "customer_usage_type"]


@strawberry.type
class PresentationBreakdownUsage:
    presentation_by: JSON
    units: str


@strawberry.type
class ChargeFilterUsage:
    id: strawberry.ID | None
    invoice_display_name: str | None
    values: ChargeFilterValues
    units: float
    events_count: int
    amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    presentation_breakdowns: list[PresentationBreakdownUsage] | None


@strawberry.type
class GroupedChargeUsage:
    id: strawberry.ID
    grouped_by: JSON | None
    units: float
    events_count: int
    amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    filters: list[ChargeFilterUsage] | None
    presentation_breakdowns: list[PresentationBreakdownUsage] | None


@strawberry.type
class ChargeUsage:
    charge_id: strawberry.Private[UUID]
    metric_id: strawberry.Private[UUID]

    id: strawberry.ID
    units: float
    events_count: int
    amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    filters: list[ChargeFilterUsage] | None
    grouped_usage: list[GroupedChargeUsage]
    presentation_breakdowns: list[PresentationBreakdownUsage] | None

    @strawberry.field
    async def charge(self, info: Info) -> Charge:
        return await load_one(info, "charges", fetch_charges, self.charge_id)

    @strawberry.field
    async def billable_metric(self, info: Info) -> BillableMetric:
        return await load_one(info, "billable_metrics", fetch_metrics, self.metric_id)


@strawberry.type
class CustomerUsage:
    from_datetime: ISO8601DateTime
    to_datetime: ISO8601DateTime
    issuing_date: ISO8601Date
    currency: CurrencyEnum
    amount_cents: BigInt
    taxes_amount_cents: BigInt
    total_amount_cents: BigInt
    charges_usage: list[ChargeUsage]


@strawberry.type
class ProjectedChargeFilterUsage:
    id: strawberry.ID | None
    invoice_display_name: str | None
    values: ChargeFilterValues
    units: float
    projected_units: float
    events_count: int
    amount_cents: BigInt
    projected_amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    pricing_unit_projected_amount_cents: BigInt | None
    presentation_breakdowns: list[PresentationBreakdownUsage] | None
    projected_presentation_breakdowns: list[PresentationBreakdownUsage] | None


@strawberry.type
class ProjectedGroupedChargeUsage:
    id: strawberry.ID
    grouped_by: JSON | None
    units: float
    projected_units: float
    events_count: int
    amount_cents: BigInt
    projected_amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    pricing_unit_projected_amount_cents: BigInt | None
    filters: list[ProjectedChargeFilterUsage] | None
    presentation_breakdowns: list[PresentationBreakdownUsage] | None
    projected_presentation_breakdowns: list[PresentationBreakdownUsage] | None


@strawberry.type
class ProjectedChargeUsage:
    charge_id: strawberry.Private[UUID]
    metric_id: strawberry.Private[UUID]

    id: strawberry.ID
    units: float
    projected_units: float
    events_count: int
    amount_cents: BigInt
    projected_amount_cents: BigInt
    pricing_unit_amount_cents: BigInt | None
    pricing_unit_projected_amount_cents: BigInt | None
    filters: list[ProjectedChargeFilterUsage] | None
    grouped_usage: list[ProjectedGroupedChargeUsage]
    presentation_breakdowns: list[PresentationBreakdownUsage] | None
    projected_presentation_breakdowns: list[PresentationBreakdownUsage] | None

    @strawberry.field
    async def charge(self, info: Info) -> Charge:
        return await load_one(info, "charges", fetch_charges, self.charge_id)

    @strawberry.field
    async def billable_metric(self, info: Info) -> BillableMetric:
        return await load_one(info, "billable_metrics", fetch_metrics, self.metric_id)


@strawberry.type
class CustomerProjectedUsage:
    from_datetime: ISO8601DateTime
    to_datetime: ISO8601DateTime
    issuing_date: ISO8601Date
    currency: CurrencyEnum
    amount_cents: BigInt
    projected_amount_cents: BigInt
    taxes_amount_cents: BigInt
    total_amount_cents: BigInt
    charges_usage: list[ProjectedChargeUsage]


def customer_usage_type(usage: CurrentUsage) -> CustomerUsage:
    return CustomerUsage(
        **_window(usage),
        charges_usage=[
            ChargeUsage(
                **_charge(each, projected=False),
                filters=_filters(each.charge, each.fees),
                grouped_usage=[
                    GroupedChargeUsage(
                        **_group(each, group, fees, projected=False), filters=_filters(each.charge, fees)
                    )
                    for group, fees in each.groups
                ],
            )
            for each in usage.charges
        ],
    )


def customer_projected_usage_type(usage: CurrentUsage) -> CustomerProjectedUsage:
    """`usage` as domain.metering.projection left it."""
    return CustomerProjectedUsage(
        **_window(usage),
        projected_amount_cents=BigInt(usage.projected_amount_cents),
        charges_usage=[
            ProjectedChargeUsage(
                **_charge(each, projected=True),
                filters=_projected_filters(each.charge, each.fees),
                grouped_usage=[
                    ProjectedGroupedChargeUsage(
                        **_group(each, group, fees, projected=True), filters=_projected_filters(each.charge, fees)
                    )
                    for group, fees in each.groups
                ],
            )
            for each in usage.charges
        ],
    )


def _window(usage: CurrentUsage) -> dict[str, Any]:
    return {
        "from_datetime": usage.from_datetime,
        "to_datetime": usage.to_datetime,
        "issuing_date": usage.issuing_date,
        "currency": usage.currency,
        "amount_cents": usage.amount_cents,
        "taxes_amount_cents": usage.taxes_amount_cents,
        "total_amount_cents": usage.total_amount_cents,
    }


def _charge(used: Used, *, projected: bool) -> dict[str, Any]:
    bare = [fee for fee in used.fees if not fee.is_grouped and fee.filter is None]
    return {
        "charge_id": used.charge.id,
        "metric_id": used.charge.metric_id,
        "id": used.charge.id,
        **_figures(used.fees, projected=projected),
        **_breakdowns(bare, projected=projected),
    }


def _group(used: Used, group: Any, fees: Sequence[UsageFee], *, projected: bool) -> dict[str, Any]:
    grouped_by = dict(group)
    return {
        # A group has no row of its own; the same one has the same id every time.
        "id": uuid5(used.charge.id, exact_json.dump_text(grouped_by)),
        "grouped_by": grouped_by,
        **_figures(fees, projected=projected),
        **_breakdowns([fee for fee in fees if fee.filter is None], projected=projected),
    }


def _filters(charge: PlanCharge, fees: Sequence[UsageFee]) -> list[ChargeFilterUsage]:
    return [
        ChargeFilterUsage(**_filter(taken, of_filter, projected=False)) for taken, of_filter in by_filter(charge, fees)
    ]


def _projected_filters(charge: PlanCharge, fees: Sequence[UsageFee]) -> list[ProjectedChargeFilterUsage]:
    return [
        ProjectedChargeFilterUsage(**_filter(taken, of_filter, projected=True))
        for taken, of_filter in by_filter(charge, fees)
    ]


def _filter(taken: PlanFilter | None, fees: Sequence[UsageFee], *, projected: bool) -> dict[str, Any]:
    return {
        "id": taken.rule.id if taken else None,
        "invoice_display_name": taken.invoice_display_name if taken else None,
        "values": {key: list(values) for key, values in taken.values.items()} if taken else {},
        **_figures(fees, projected=projected),
        **_breakdowns(fees, projected=projected),
    }


def _figures(fees: Sequence[UsageFee], *, projected: bool) -> dict[str, Any]:
    total = figures(fees)
    shown = {
        "units": float(total.units),
        "events_count": total.events_count,
        "amount_cents": total.amount_cents,
        "pricing_unit_amount_cents": total.pricing_unit_amount_cents,
    }
    if projected:
        shown["projected_units"] = float(total.projected_units)
        shown["projected_amount_cents"] = total.projected_amount_cents
        shown["pricing_unit_projected_amount_cents"] = total.projected_pricing_unit_amount_cents
    return shown


def _breakdowns(fees: Sequence[UsageFee], *, projected: bool) -> dict[str, Any]:
    shown = {"presentation_breakdowns": [_breakdown(each) for each in merged(fee.breakdowns for fee in fees)]}
    if projected:
        later = merged(fee.projected_breakdowns for fee in fees)
        shown["projected_presentation_breakdowns"] = [_breakdown(each) for each in later]
    return shown


def _breakdown(each: Breakdown) -> PresentationBreakdownUsage:
    return PresentationBreakdownUsage(presentation_by=JSON(dict(each.presentation_by)), units=decimal_text(each.units))
