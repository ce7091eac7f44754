"""What stands in each column: one function a column, of the rows that a line is about. Pure but for signing links.

Source: handbook, platform 16. The names of the columns stand in `kinds.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.credits.note_payloads import note_url
from domain.customers.display_name import display_name as customer_name
from domain.insight.exports.kinds import BILLING_ENTITY
from domain.invoicing.fee_names import display_name, fee_window, filter_name, item_of
from domain.invoicing.links import download_url
from domain.invoicing.payloads import total_due

__all__ = ["VALUES"]

Value = Callable[[Any, Any], Any]


def _same(name: str) -> Value:
    """The column of the object itself."""
    return lambda row, _: getattr(row, name)


def _names(*names: str) -> dict[str, Value]:
    return {name: _same(name) for name in names}


def _called(_: Any, customer: Any) -> str:
    """The name as REST shows it; of a customer without one what documents call it."""
    return customer.name or customer_name(None, customer.legal_name, customer.firstname, customer.lastname)


_OF_CUSTOMER: Final[Mapping[str, Value]] = {
    "customer_lago_id": lambda _, customer: customer.id,
    "customer_external_id": lambda _, customer: customer.external_id,
    "customer_name": _called,
    "customer_email": lambda _, customer: customer.email,
    "customer_country": lambda _, customer: customer.country,
    "customer_tax_identification_number": lambda _, customer: customer.tax_identification_number,
}
_COMMON: Final[Mapping[str, Value]] = {
    "lago_id": _same("id"),
    "partner_billing": _same("self_billed"),
    **_names("sequential_id", "issuing_date", "purchase_order_number", "currency", "taxes_amount_cents",
             "total_amount_cents", BILLING_ENTITY),
    **_OF_CUSTOMER,
}  # fmt: skip


def _edge(place: int) -> Value:
    """The first or last date that a fee covers, in the invoice's time zone; of an add-on in UTC."""

    def value(fee: Any, invoice: Any) -> date | None:
        text = fee_window(fee)[place]
        if text is None:
            return None
        zone = UTC if fee.fee_type == "add_on" else ZoneInfo(invoice.timezone)
        return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone).date()

    return value


# By kind. A line of an invoice or note comes with its customer, a line of a fee with its invoice, of an item with its
# note.
VALUES: Final[Mapping[str, Mapping[str, Value]]] = {
    "invoices": {
        **_COMMON,
        "invoice_number": _same("number"),
        "file_url": lambda row, _: download_url(row.organization_id, row.id) if row.document_key else None,
        "total_due_amount_cents": lambda row, _: total_due(row),
        "total_offsetted_credit_note_amount_cents": _same("offset_amount_cents"),
        **_names("invoice_type", "payment_status", "status", "fees_amount_cents", "coupons_amount_cents",
                 "credit_notes_amount_cents", "prepaid_credit_amount_cents", "payment_due_date",
                 "payment_dispute_lost_at", "payment_overdue", "total_paid_amount_cents",
                 "progressive_billing_credit_amount_cents"),
    },
    "invoice_fees": {
        "invoice_lago_id": lambda _, invoice: invoice.id,
        "invoice_number": lambda _, invoice: invoice.number,
        "invoice_issuing_date": lambda _, invoice: invoice.issuing_date,
        "fee_lago_id": _same("id"),
        "fee_item_type": _same("fee_type"),
        "fee_item_code": lambda fee, _: item_of(fee).code,
        "fee_item_name": lambda fee, _: item_of(fee).name,
        "fee_item_description": lambda fee, _: item_of(fee).description,
        "fee_item_invoice_display_name": lambda fee, _: display_name(fee),
        "fee_item_filter_invoice_display_name": lambda fee, _: filter_name(fee),
        "fee_item_grouped_by": _same("grouped_by"),
        "subscription_external_id": _same("external_subscription_id"),
        "subscription_plan_code": _same("plan_code"),
        "fee_from_date": _edge(0),
        "fee_to_date": _edge(1),
        "fee_amount_currency": _same("amount_currency"),
        "fee_units": _same("units"),
        "fee_precise_unit_amount": _same("precise_unit_amount"),
        "fee_taxes_amount_cents": _same("taxes_amount_cents"),
        "fee_total_amount_cents": lambda fee, _: fee.amount_cents + fee.taxes_amount_cents,
    },
    "credit_notes": {
        **_COMMON,
        "file_url": lambda row, _: note_url(row),
        **_names("number", "invoice_number", "credit_status", "refund_status", "reason", "description",
                 "sub_total_excluding_taxes_amount_cents", "coupons_adjustment_amount_cents", "offset_amount_cents",
                 "credit_amount_cents", "balance_amount_cents", "refund_amount_cents"),
    },
    "credit_note_items": {
        "credit_note_lago_id": lambda _, note: note.id,
        "credit_note_number": lambda _, note: note.number,
        "credit_note_invoice_number": lambda _, note: note.invoice_number,
        "credit_note_issuing_date": lambda _, note: note.issuing_date,
        "credit_note_item_lago_id": _same("id"),
        "credit_note_item_fee_lago_id": _same("fee_id"),
        "credit_note_item_currency": _same("amount_currency"),
        "credit_note_item_amount_cents": _same("amount_cents"),
    },
}  # fmt: skip
