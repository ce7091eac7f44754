"""Fees, with the taxes on them and what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.invoicing import fee_queries
from domain.invoicing.fee_names import display_name, fee_window, item_of
from domain.kernel.money import round_cents
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.enums import CurrencyEnum
from graphql_api.invoicing.applied_tax import AppliedTax, number, tax_fields
from graphql_api.invoicing.enums import AdjustedFeeTypeEnum, FeeTypesEnum
from graphql_api.invoicing.fee_amount_details import FeeAmountDetails, amount_details
from graphql_api.invoicing.pricing_unit_usage import PricingUnitUsage, pricing_unit_usage
from graphql_api.loaders import load, load_one
from graphql_api.scalars import JSON, BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.catalog.add_ons import AddOn
    from graphql_api.catalog.charges import ChargeFilter, FixedCharge
    from graphql_api.catalog.types import Charge
    from graphql_api.credits.wallet_transaction_types import WalletTransaction
    from graphql_api.metering.usage_types import PresentationBreakdownUsage
    from graphql_api.subscriptions.types import Subscription

__all__ = [
    "Fee", "FeeAppliedTax", "FeeProperties", "InvoiceItem", "fee_type", "fetch_fees", "fetch_fees_of_invoices",
    "fetch_fees_of_subscriptions",
]  # fmt: skip

LazyAddOn = Annotated["AddOn", strawberry.lazy("graphql_api.catalog.add_ons")]
LazyChargeFilter = Annotated["ChargeFilter", strawberry.lazy("graphql_api.catalog.charges")]
LazyFixedCharge = Annotated["FixedCharge", strawberry.lazy("graphql_api.catalog.charges")]
LazyBreakdown = Annotated["PresentationBreakdownUsage", strawberry.lazy("graphql_api.metering.usage_types")]
LazyWalletTransaction = Annotated["WalletTransaction", strawberry.lazy("graphql_api.credits.wallet_transaction_types")]
LazyCharge = Annotated["Charge", strawberry.lazy("graphql_api.catalog.types")]
LazySubscription = Annotated["Subscription", strawberry.lazy("graphql_api.subscriptions.types")]


@strawberry.interface
class InvoiceItem:
    """What stands on an invoice as a line."""

    id: strawberry.ID
    amount_cents: BigInt
    amount_currency: CurrencyEnum
    item_code: str
    item_name: str
    item_type: str


@strawberry.type
class FeeAppliedTax(AppliedTax):
    fee_id: strawberry.Private[UUID]

    @strawberry.field
    async def fee(self, info: Info) -> Fee:
        return await load_one(info, "fees", fetch_fees, self.fee_id)


@strawberry.type
class FeeProperties:
    from_datetime: ISO8601DateTime | None
    to_datetime: ISO8601DateTime | None


@strawberry.type
class Fee(InvoiceItem):
    subscription_id: strawberry.Private[UUID | None]
    charge_id: strawberry.Private[UUID | None]
    charge_filter_id: strawberry.Private[UUID | None]
    fixed_charge_id: strawberry.Private[UUID | None]
    add_on_id: strawberry.Private[UUID | None]
    true_up_fee_id: strawberry.Private[UUID | None]
    true_up_parent_fee_id: strawberry.Private[UUID | None]
    breakdowns: strawberry.Private[list[Mapping[str, Any]] | None]
    renewed: strawberry.Private[tuple[ISO8601DateTime | None, ISO8601DateTime | None]]

    adjusted_fee: bool
    adjusted_fee_type: AdjustedFeeTypeEnum | None
    currency: CurrencyEnum
    fee_type: FeeTypesEnum
    invoice_id: strawberry.ID | None
    invoice_name: str | None
    invoice_display_name: str | None
    description: str | None
    grouped_by: JSON
    units: float
    events_count: BigInt | None
    pay_in_advance: bool
    precise_amount_cents: float
    precise_coupons_amount_cents: float
    precise_total_amount_cents: float
    precise_unit_amount: float
    pricing_unit_usage: PricingUnitUsage | None
    properties: FeeProperties | None
    amount_details: FeeAmountDetails | None
    sub_total_excluding_taxes_amount_cents: BigInt
    sub_total_excluding_taxes_precise_amount_cents: float
    taxes_amount_cents: BigInt
    taxes_precise_amount_cents: float
    taxes_rate: float | None
    total_amount_cents: BigInt
    succeeded_at: ISO8601DateTime | None

    @strawberry.field
    async def creditable_amount_cents(self, info: Info) -> BigInt:
        """What credit notes may still take back of it."""
        return await self._left(info)

    @strawberry.field
    async def offsettable_amount_cents(self, info: Info) -> BigInt:
        """What credit notes may still take off what is due of it."""
        return await self._left(info)

    @strawberry.field
    async def applied_taxes(self, info: Info) -> list[FeeAppliedTax] | None:
        return await load(info, "taxes_of_fees", _fetch_taxes_of_fees, UUID(self.id)) or []

    async def _left(self, info: Info) -> BigInt:
        from graphql_api.credits.note_types import credited_on

        return BigInt(max(self.amount_cents - await credited_on(info, UUID(self.id)), 0))

    @strawberry.field
    async def wallet_transaction(self, info: Info) -> LazyWalletTransaction | None:
        """The purchase of credits that it is for."""
        from graphql_api.credits.wallet_transaction_types import fetch_purchases

        if self.fee_type is not FeeTypesEnum.credit or self.invoice_id is None:
            return None
        return await load(info, "purchases", fetch_purchases, UUID(self.invoice_id))

    @strawberry.field
    async def charge(self, info: Info) -> LazyCharge | None:
        from graphql_api.catalog.types import fetch_charges

        return await load(info, "charges", fetch_charges, self.charge_id) if self.charge_id else None

    @strawberry.field
    async def charge_filter(self, info: Info) -> LazyChargeFilter | None:
        from graphql_api.catalog.charges import fetch_charge_filters

        if self.charge_filter_id is None:
            return None
        return await load(info, "charge_filters", fetch_charge_filters, self.charge_filter_id)

    @strawberry.field
    async def fixed_charge(self, info: Info) -> LazyFixedCharge | None:
        from graphql_api.catalog.charges import fetch_fixed_charges

        if self.fixed_charge_id is None:
            return None
        return await load(info, "fixed_charges", fetch_fixed_charges, self.fixed_charge_id)

    @strawberry.field
    async def add_on(self, info: Info) -> LazyAddOn | None:
        from graphql_api.catalog.add_ons import fetch_add_ons

        return await load(info, "add_ons", fetch_add_ons, self.add_on_id) if self.add_on_id else None

    @strawberry.field
    async def true_up_fee(self, info: Info) -> Fee | None:
        return await load(info, "fees", fetch_fees, self.true_up_fee_id) if self.true_up_fee_id else None

    @strawberry.field
    async def true_up_parent_fee(self, info: Info) -> Fee | None:
        parent_id = self.true_up_parent_fee_id
        return await load(info, "fees", fetch_fees, parent_id) if parent_id else None

    @strawberry.field
    def presentation_breakdowns(self) -> list[LazyBreakdown] | None:
        from graphql_api.metering.usage_types import PresentationBreakdownUsage

        if self.breakdowns is None:
            return None
        return [
            PresentationBreakdownUsage(presentation_by=JSON(each["presentation_by"]), units=each["units"])
            for each in self.breakdowns
        ]

    @strawberry.field
    async def subscription(self, info: Info) -> LazySubscription | None:
        from graphql_api.subscriptions.types import fetch_subscriptions

        if self.subscription_id is None:
            return None
        return await load(info, "subscriptions", fetch_subscriptions, self.subscription_id)


def fee_type(row: Any) -> Fee:
    """A fee from a row of `domain.invoicing.fee_queries`."""
    item = item_of(row)
    coupons = row.precise_coupons_amount_cents
    return Fee(
        subscription_id=row.subscription_id,
        charge_id=row.charge_id,
        charge_filter_id=row.charge_filter_id,
        fixed_charge_id=row.fixed_charge_id,
        add_on_id=row.add_on_id,
        true_up_fee_id=row.true_up_fee_id,
        true_up_parent_fee_id=row.true_up_parent_fee_id,
        breakdowns=row.presentation_breakdowns,
        renewed=(
            _instant(row.properties.get("renewed_from_datetime")),
            _instant(row.properties.get("renewed_to_datetime")),
        ),
        adjusted_fee=row.adjusted_fee_id is not None,
        adjusted_fee_type=_adjusted_type(row),
        id=strawberry.ID(str(row.id)),
        amount_cents=row.amount_cents,
        amount_currency=row.amount_currency,
        currency=row.amount_currency,
        item_code=item.code,
        item_name=item.name,
        item_type=item.type,
        fee_type=FeeTypesEnum(row.fee_type),
        invoice_id=strawberry.ID(str(row.invoice_id)) if row.invoice_id else None,
        invoice_name=display_name(row),
        invoice_display_name=row.invoice_display_name,
        description=row.description,
        grouped_by=JSON(row.grouped_by),
        units=number(row.units),
        events_count=row.events_count,
        pay_in_advance=row.pay_in_advance,
        precise_amount_cents=number(row.precise_amount_cents),
        precise_coupons_amount_cents=number(coupons),
        precise_total_amount_cents=number(row.precise_amount_cents + row.taxes_precise_amount_cents),
        precise_unit_amount=number(row.precise_unit_amount),
        pricing_unit_usage=pricing_unit_usage(row),
        properties=_properties(row),
        amount_details=amount_details(row.amount_details, row.charge_model),
        sub_total_excluding_taxes_amount_cents=BigInt(round_cents(row.amount_cents - coupons)),
        sub_total_excluding_taxes_precise_amount_cents=number(row.precise_amount_cents - coupons),
        taxes_amount_cents=row.taxes_amount_cents,
        taxes_precise_amount_cents=number(row.taxes_precise_amount_cents),
        taxes_rate=number(row.taxes_rate),
        total_amount_cents=BigInt(row.amount_cents + row.taxes_amount_cents),
        succeeded_at=row.succeeded_at,
    )


def _adjusted_type(row: Any) -> AdjustedFeeTypeEnum | None:
    if row.adjusted_unit_amount is not None:
        return AdjustedFeeTypeEnum.adjusted_amount
    return AdjustedFeeTypeEnum.adjusted_units if row.adjusted_units is not None else None


def _properties(row: Any) -> FeeProperties:
    start, end = fee_window(row)
    return FeeProperties(from_datetime=_instant(start), to_datetime=_instant(end))


def _instant(text: str | None) -> ISO8601DateTime | None:
    return ISO8601DateTime(datetime.fromisoformat(text)) if text else None


async def fetch_fees(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Fee]:
    """Fees by id."""
    return {row.id: fee_type(row) for row in (await fee_queries.fee_rows(work.session, ids)).values()}


async def fetch_fees_of_invoices(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Fee]]:
    """The fees of each invoice."""
    found = await fee_queries.fees_of_invoices(work.session, ids)
    return {invoice_id: [fee_type(row) for row in rows] for invoice_id, rows in found.items()}


async def fetch_fees_of_subscriptions(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Fee]]:
    """The visible fees of each subscription."""
    found = await fee_queries.fees_of_subscriptions(work.session, ids)
    return {subscription_id: [fee_type(row) for row in rows] for subscription_id, rows in found.items()}


async def _fetch_taxes_of_fees(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[FeeAppliedTax]]:
    found = await fee_queries.taxes_of_fees(work.session, ids)
    return {
        fee_id: [FeeAppliedTax(fee_id=row.fee_id, **tax_fields(row)) for row in rows] for fee_id, rows in found.items()
    }
