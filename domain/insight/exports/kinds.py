"""What can be exported, and the columns of each kind in order. Source: handbook, platform 16."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["BILLING_ENTITY", "COLUMNS", "FORMATS", "KINDS", "columns_of"]

FORMATS: Final = ("csv",)
BILLING_ENTITY: Final = "billing_entity_code"
_CUSTOMER: Final = (
    "customer_lago_id", "customer_external_id", "customer_name", "customer_email", "customer_country",
    "customer_tax_identification_number",
)  # fmt: skip

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "invoices": (
        "lago_id", "sequential_id", "partner_billing", "issuing_date", *_CUSTOMER, "invoice_number",
        "purchase_order_number", "invoice_type", "payment_status", "status", "file_url", "currency",
        "fees_amount_cents", "coupons_amount_cents", "taxes_amount_cents", "credit_notes_amount_cents",
        "prepaid_credit_amount_cents", "total_amount_cents", "payment_due_date", "payment_dispute_lost_at",
        "payment_overdue", "total_due_amount_cents", "total_paid_amount_cents",
        "total_offsetted_credit_note_amount_cents", "progressive_billing_credit_amount_cents", BILLING_ENTITY,
    ),
    "invoice_fees": (
        "invoice_lago_id", "invoice_number", "invoice_issuing_date", "fee_lago_id", "fee_item_type", "fee_item_code",
        "fee_item_name", "fee_item_description", "fee_item_invoice_display_name",
        "fee_item_filter_invoice_display_name", "fee_item_grouped_by", "subscription_external_id",
        "subscription_plan_code", "fee_from_date", "fee_to_date", "fee_amount_currency", "fee_units",
        "fee_precise_unit_amount", "fee_taxes_amount_cents", "fee_total_amount_cents",
    ),
    "credit_notes": (
        "lago_id", "sequential_id", "partner_billing", "issuing_date", *_CUSTOMER, "number", "invoice_number",
        "purchase_order_number", "credit_status", "refund_status", "reason", "description", "currency",
        "total_amount_cents", "taxes_amount_cents", "sub_total_excluding_taxes_amount_cents",
        "coupons_adjustment_amount_cents", "offset_amount_cents", "credit_amount_cents", "balance_amount_cents",
        "refund_amount_cents", "file_url", BILLING_ENTITY,
    ),
    "credit_note_items": (
        "credit_note_lago_id", "credit_note_number", "credit_note_invoice_number", "credit_note_issuing_date",
        "credit_note_item_lago_id", "credit_note_item_fee_lago_id", "credit_note_item_currency",
        "credit_note_item_amount_cents",
    ),
}  # fmt: skip
KINDS: Final = tuple(COLUMNS)


def columns_of(kind: str, billing_entities: int) -> list[str]:
    """The columns for an organization with so many billing entities: with one only, its code is left out."""
    return [name for name in COLUMNS[kind] if name != BILLING_ENTITY or billing_entities > 1]
