"""Credit notes as REST and webhooks show them (interface CreditNoteExtendedObject, CreditNoteEstimated)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from domain.credits.estimate_note import Estimate
from domain.credits.note_amounts import ITEM_DECIMALS
from domain.credits.note_queries import items_of_notes, note_rows, taxes_of_notes
from domain.customers.payloads import customer_payloads
from domain.invoicing.fee_queries import fee_rows
from domain.invoicing.links import download_url
from domain.invoicing.payloads import fee_payloads
from domain.kernel.format import instant, rate
from domain.kernel.money import round_half_up
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["estimate_payload", "note_payloads", "note_url", "note_xml_url"]

Payload = dict[str, Any]

_SAME = (
    "billing_entity_code", "sequential_id", "number", "invoice_number", "purchase_order_number", "credit_status",
    "refund_status", "reason", "description", "currency", "total_amount_cents", "taxes_amount_cents",
    "sub_total_excluding_taxes_amount_cents", "balance_amount_cents", "credit_amount_cents", "refund_amount_cents",
    "offset_amount_cents", "coupons_adjustment_amount_cents", "self_billed",
)  # fmt: skip


async def note_payloads(
    work: UnitOfWork, note_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None
) -> dict[UUID, Payload]:
    """Notes with customer, items and taxes, each item with its fee. A fixed number of statements."""
    session = work.session
    notes = rows if rows is not None else await note_rows(session, note_ids)
    if not notes:
        return {}
    customers = await customer_payloads(session, {row.customer_id for row in notes.values()})
    items = await items_of_notes(session, notes)
    taxes = await taxes_of_notes(session, notes)
    found = await fee_rows(session, {item.fee_id for rows in items.values() for item in rows})
    fees = {fee["lago_id"]: fee for fee in await fee_payloads(work, list(found.values()))}
    return {
        note_id: {
            "lago_id": row.id,
            "lago_invoice_id": row.invoice_id,
            **{name: getattr(row, name) for name in _SAME},
            "issuing_date": row.issuing_date.isoformat(),
            "taxes_rate": rate(row.taxes_rate),
            "created_at": instant(row.created_at),
            "updated_at": instant(row.updated_at),
            "file_url": note_url(row),
            "xml_url": note_xml_url(row),
            "metadata": row.note_metadata,
            "customer": customers[row.customer_id],
            "items": [
                {
                    "lago_id": item.id,
                    "amount_cents": item.amount_cents,
                    "precise_amount_cents": item.precise_amount_cents,
                    "amount_currency": item.amount_currency,
                    "fee": fees[item.fee_id],
                }
                for item in items.get(note_id, ())
            ],
            "applied_taxes": [{**_tax(tax), "lago_credit_note_id": note_id} for tax in taxes.get(note_id, ())],
            "error_details": [],
        }
        for note_id, row in notes.items()
    }


def note_url(row: Any) -> str | None:
    """The signed link to a note's PDF; None while there is none."""
    return download_url(row.organization_id, row.id, "credit_note") if row.document_key else None


def note_xml_url(row: Any) -> str | None:
    """The signed link to a note's electronic file; None where there is none."""
    return download_url(row.organization_id, row.id, "credit_note_xml") if row.xml_key else None


def _tax(tax: Any) -> Payload:
    return {
        "lago_id": tax.id,
        "lago_tax_id": tax.tax_id,
        "tax_name": tax.tax_name,
        "tax_code": tax.tax_code,
        "tax_rate": rate(tax.tax_rate),
        "tax_description": tax.tax_description,
        "base_amount_cents": tax.base_amount_cents,
        "amount_cents": tax.amount_cents,
        "amount_currency": tax.amount_currency,
        "created_at": instant(tax.created_at),
    }


def estimate_payload(estimate: Estimate) -> Payload:
    """What a note would come to."""
    found, currency = estimate.amounts, estimate.invoice.row.currency
    return {
        "lago_invoice_id": estimate.invoice.id,
        "invoice_number": estimate.invoice.row.number,
        "currency": currency,
        "taxes_amount_cents": estimate.taxes_cents,
        "precise_taxes_amount_cents": round_half_up(found.precise_taxes, ITEM_DECIMALS),
        "taxes_rate": rate(found.taxes_rate),
        "sub_total_excluding_taxes_amount_cents": found.sub_total_cents,
        "max_creditable_amount_cents": estimate.creditable_cents,
        "max_refundable_amount_cents": estimate.refundable_cents,
        "max_offsettable_amount_cents": estimate.offsettable_cents,
        "coupons_adjustment_amount_cents": found.coupons_cents,
        "precise_coupons_adjustment_amount_cents": round_half_up(found.precise_coupons, ITEM_DECIMALS),
        "items": [{"lago_fee_id": item.fee.id, "amount_cents": item.amount_cents} for item in found.items],
        "applied_taxes": [
            {
                "lago_tax_id": line.tax.id,
                "tax_name": line.tax.name,
                "tax_code": line.tax.code,
                "tax_rate": rate(line.tax.rate),
                "tax_description": line.tax.description,
                "base_amount_cents": line.base_cents,
                "amount_cents": line.amount_cents,
                "amount_currency": currency,
            }
            for line in found.taxes
        ],
    }
