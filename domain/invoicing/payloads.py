"""Invoices and fees as REST and webhooks show them (interface InvoiceObject, InvoiceObjectExtended, FeeObject)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.customers.payloads import customer_payloads
from domain.invoicing.applied_thresholds import applied_threshold_payload, thresholds_of_invoices
from domain.invoicing.credit_payloads import credit_payload, credits_of_invoices
from domain.invoicing.fee_names import display_name, fee_window, filter_name, item_of
from domain.invoicing.fee_queries import fees_of_invoices, taxes_of_fees
from domain.invoicing.links import download_url
from domain.invoicing.metadata import metadata_of_invoices
from domain.invoicing.queries import (
    invoice_rows,
    organization_slug,
    periods_of_invoices,
    sections_of_invoices,
    taxes_of_invoices,
)
from domain.invoicing.settle import state_of
from domain.kernel.format import decimal_text, instant, instant_or_none, rate
from domain.kernel.money import from_cents, round_cents
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.payloads import payloads as subscription_payloads
from infrastructure.settings import settings

__all__ = ["fee_payload", "fee_payloads", "invoice_details", "invoice_payloads"]

Payload = dict[str, Any]

_SAME = (
    "billing_entity_code", "sequential_id", "number", "purchase_order_number", "net_payment_term", "invoice_type",
    "status", "payment_status", "payment_overdue", "currency", "fees_amount_cents", "taxes_amount_cents",
    "progressive_billing_credit_amount_cents", "coupons_amount_cents", "credit_notes_amount_cents",
    "sub_total_excluding_taxes_amount_cents", "sub_total_including_taxes_amount_cents", "total_amount_cents",
    "total_paid_amount_cents", "prepaid_credit_amount_cents", "version_number", "self_billed",
)  # fmt: skip


async def invoice_payloads(
    work: UnitOfWork, invoice_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None
) -> dict[UUID, Payload]:
    """Invoices as lists show them: with customer, metadata and tax lines. A fixed number of statements."""
    session = work.session
    invoices = rows if rows is not None else await invoice_rows(session, invoice_ids)
    if not invoices:
        return {}
    customers = await customer_payloads(session, {row.customer_id for row in invoices.values()})
    taxes = await taxes_of_invoices(session, invoices)
    metadata = await metadata_of_invoices(session, invoices)
    sections = await sections_of_invoices(session, invoices)
    dashboard = settings().front_url.rstrip("/")
    if dashboard:
        dashboard += "/" + await organization_slug(session, work.organization_id)
    return {
        invoice_id: {
            **_invoice(row, dashboard),
            "customer": customers[row.customer_id],
            "metadata": [_metadata(each) for each in metadata.get(invoice_id, ())],
            "applied_taxes": [_invoice_tax(tax) for tax in taxes.get(invoice_id, ())],
            "applied_invoice_custom_sections": [_section(each) for each in sections.get(invoice_id, ())],
        }
        for invoice_id, row in invoices.items()
    }


async def invoice_details(work: UnitOfWork, invoice_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Invoices with all that stands on them: subscriptions, periods and fees as well. A fixed number of statements."""
    session = work.session
    details = await invoice_payloads(work, invoice_ids)
    periods = await periods_of_invoices(session, details)
    fees = await fees_of_invoices(session, details)
    taxes = await taxes_of_fees(session, [fee.id for rows in fees.values() for fee in rows])
    lowered = await credits_of_invoices(session, details)
    billed = list(dict.fromkeys(period.subscription_id for rows in periods.values() for period in rows))
    subscriptions = {each["lago_id"]: each for each in await subscription_payloads(session, billed)}
    thresholds = await thresholds_of_invoices(session, details)
    for invoice_id, detail in details.items():
        of_invoice = periods.get(invoice_id, ())
        detail["subscriptions"] = [subscriptions[period.subscription_id] for period in of_invoice]
        detail["billing_periods"] = [_period(period) for period in of_invoice]
        detail["fees"] = [fee_payload(fee, taxes.get(fee.id, ())) for fee in fees.get(invoice_id, ())]
        detail["credits"] = [credit_payload(credit) for credit in lowered.get(invoice_id, ())]
        detail["error_details"] = []
        detail["applied_usage_thresholds"] = [applied_threshold_payload(row) for row in thresholds.get(invoice_id, ())]
    return details


async def fee_payloads(work: UnitOfWork, rows: Sequence[Any]) -> list[Payload]:
    """Rows of `fee_queries` with their taxes."""
    taxes = await taxes_of_fees(work.session, [row.id for row in rows])
    return [fee_payload(row, taxes.get(row.id, ())) for row in rows]


def fee_payload(row: Any, taxes: Sequence[Any]) -> Payload:
    """One fee from a row of `fee_queries` and its tax rows. Amounts in units of the currency are texts."""

    def units(cents: Decimal) -> str:
        return decimal_text(from_cents(cents, row.amount_currency))

    start, end = _window(row)
    aggregated = row.total_aggregated_units if row.total_aggregated_units is not None else row.units
    return {
        "lago_id": row.id,
        "lago_charge_id": row.charge_id,
        "lago_charge_filter_id": row.charge_filter_id,
        "lago_fixed_charge_id": row.fixed_charge_id,
        "lago_invoice_id": row.invoice_id,
        "lago_true_up_fee_id": row.true_up_fee_id,
        "lago_true_up_parent_fee_id": row.true_up_parent_fee_id,
        "lago_original_fee_id": row.original_fee_id,
        "lago_subscription_id": row.subscription_id,
        "external_subscription_id": row.external_subscription_id,
        "lago_customer_id": row.customer_id,
        "external_customer_id": row.external_customer_id,
        "item": _item(row),
        "pay_in_advance": row.pay_in_advance,
        "invoiceable": row.invoiceable,
        "amount_cents": row.amount_cents,
        "amount_currency": row.amount_currency,
        "precise_amount": units(row.precise_amount_cents),
        "precise_total_amount": units(row.precise_amount_cents + row.taxes_precise_amount_cents),
        "taxes_amount_cents": row.taxes_amount_cents,
        "taxes_precise_amount": units(row.taxes_precise_amount_cents),
        "taxes_rate": rate(row.taxes_rate),
        "total_aggregated_units": decimal_text(aggregated),
        "total_amount_cents": row.amount_cents + row.taxes_amount_cents,
        "total_amount_currency": row.amount_currency,
        "units": decimal_text(row.units),
        "description": row.description,
        "precise_unit_amount": decimal_text(row.precise_unit_amount),
        "precise_coupons_amount_cents": decimal_text(row.precise_coupons_amount_cents),
        "sub_total_excluding_taxes_amount_cents": round_cents(row.amount_cents - row.precise_coupons_amount_cents),
        "sub_total_excluding_taxes_precise_amount_cents": decimal_text(
            row.precise_amount_cents - row.precise_coupons_amount_cents
        ),
        "events_count": row.events_count,
        "payment_status": row.payment_status,
        "created_at": instant(row.created_at),
        "succeeded_at": instant_or_none(row.succeeded_at),
        "failed_at": instant_or_none(row.failed_at),
        "refunded_at": instant_or_none(row.refunded_at),
        "amount_details": row.amount_details,
        "self_billed": bool(row.self_billed),
        "pricing_unit_details": _pricing_unit(row),
        "presentation_breakdowns": row.presentation_breakdowns or [],
        "event_transaction_id": row.pay_in_advance_event_transaction_id,
        "from_date": start,
        "to_date": end,
        "applied_taxes": [
            {**_tax(tax), "lago_fee_id": row.id} for tax in taxes
        ],
    }  # fmt: skip


def _invoice(row: Any, dashboard: str) -> Payload:
    file_url = download_url(row.organization_id, row.id) if row.document_key else None
    path = f"/customer/{row.customer_id}/invoice/{row.id}/overview"
    return {
        "lago_id": row.id,
        **{name: getattr(row, name) for name in _SAME},
        "issuing_date": row.issuing_date.isoformat(),
        "payment_due_date": row.payment_due_date.isoformat(),
        "expected_finalization_date": row.expected_finalization_date.isoformat(),
        "payment_dispute_lost_at": instant_or_none(row.payment_dispute_lost_at),
        "prepaid_granted_credit_amount_cents": row.prepaid_granted_credit_amount_cents,
        "prepaid_purchased_credit_amount_cents": row.prepaid_purchased_credit_amount_cents,
        "total_offsetted_credit_note_amount_cents": row.offset_amount_cents,
        "total_due_amount_cents": total_due(row),
        "file_url": file_url,
        "xml_url": download_url(row.organization_id, row.id, "invoice_xml") if row.xml_key else None,
        "web_url": dashboard + path if dashboard else None,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "voided_at": instant_or_none(row.voided_at),
    }


def total_due(row: Any) -> int:
    """What is still to pay, in cents; nothing on a voided invoice."""
    return 0 if row.status == "voided" else state_of(row).due


def _metadata(row: Any) -> Payload:
    return {"lago_id": row.id, "key": row.key, "value": row.value, "created_at": instant(row.created_at)}


def _tax(tax: Any) -> Payload:
    return {
        "lago_id": tax.id,
        "lago_tax_id": tax.tax_id,
        "tax_name": tax.tax_name,
        "tax_code": tax.tax_code,
        "tax_rate": rate(tax.tax_rate),
        "tax_description": tax.tax_description,
        "amount_cents": tax.amount_cents,
        "amount_currency": tax.amount_currency,
        "created_at": instant(tax.created_at),
    }


def _invoice_tax(tax: Any) -> Payload:
    return {
        **_tax(tax),
        "lago_invoice_id": tax.invoice_id,
        "fees_amount_cents": tax.fees_amount_cents,
        "taxable_base_amount_cents": tax.taxable_base_amount_cents,
    }


def _period(period: Any) -> Payload:
    return {
        "lago_subscription_id": period.subscription_id,
        "external_subscription_id": period.external_subscription_id,
        "lago_plan_id": period.plan_id,
        "subscription_from_datetime": instant_or_none(period.from_datetime),
        "subscription_to_datetime": instant_or_none(period.to_datetime),
        "charges_from_datetime": instant_or_none(period.charges_from_datetime),
        "charges_to_datetime": instant_or_none(period.charges_to_datetime),
        "fixed_charges_from_datetime": instant_or_none(period.fixed_charges_from_datetime),
        "fixed_charges_to_datetime": instant_or_none(period.fixed_charges_to_datetime),
        "invoicing_reason": period.invoicing_reason,
    }


def _item(row: Any) -> Payload:
    item = item_of(row)
    return {
        "type": row.fee_type,
        "code": item.code,
        "name": item.name,
        "description": item.description,
        "invoice_display_name": display_name(row),
        "filters": row.filter_values,
        "filter_invoice_display_name": filter_name(row),
        "lago_item_id": item.id,
        "item_type": item.type,
        "grouped_by": row.grouped_by,
    }


def _pricing_unit(row: Any) -> Payload | None:
    if row.pricing_unit_id is None:
        return None
    return {
        "lago_pricing_unit_id": row.pricing_unit_id,
        "pricing_unit_code": row.pricing_unit_code,
        "short_name": row.pricing_unit_short_name,
        "amount_cents": row.pricing_unit_amount_cents,
        "precise_amount_cents": decimal_text(row.pricing_unit_precise_amount_cents),
        "unit_amount_cents": row.pricing_unit_unit_amount_cents,
        "precise_unit_amount": decimal_text(row.pricing_unit_precise_unit_amount),
        "conversion_rate": decimal_text(row.conversion_rate),
    }


def _window(row: Any) -> tuple[str | None, str | None]:
    """What the fee covers, to the second."""
    texts = fee_window(row)
    return (f"{texts[0][:19]}Z" if texts[0] else None, f"{texts[1][:19]}Z" if texts[1] else None)


def _section(row: Any) -> Payload:
    return {
        "lago_id": row.id,
        "lago_invoice_id": row.invoice_id,
        "code": row.code,
        "details": row.details,
        "display_name": row.display_name,
        "created_at": instant(row.created_at),
    }
