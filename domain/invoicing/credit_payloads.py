"""The lines of reduction of an invoice as REST shows them (handbook, credits 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["credit_payload", "credits_of_invoices"]

Payload = dict[str, Any]

# What each source is called. Another kind of source joins here.
_CREDITS: Final = sa.text(
    """
    SELECT r.id, r.invoice_id, r.amount_cents, r.amount_currency, r.before_taxes, own.payment_status,
           CASE WHEN r.applied_coupon_id IS NOT NULL THEN 'coupon'
                WHEN r.credit_note_id IS NOT NULL THEN 'credit_note' ELSE 'invoice' END AS item_type,
           coalesce(c.id, n.id, progressive.id) AS item_id,
           coalesce(c.code, n.number, progressive.number) AS item_code,
           coalesce(c.name, noted.number, progressive.number) AS item_name,
           coalesce(c.description, n.description) AS item_description,
           CASE WHEN c.coupon_type = 'percentage' THEN a.percentage_rate END AS percentage_rate
    FROM credits r
    JOIN invoices own ON own.id = r.invoice_id
    LEFT JOIN applied_coupons a ON a.id = r.applied_coupon_id
    LEFT JOIN coupons c ON c.id = a.coupon_id
    LEFT JOIN credit_notes n ON n.id = r.credit_note_id
    LEFT JOIN invoices noted ON noted.id = n.invoice_id
    LEFT JOIN invoices progressive ON progressive.id = r.progressive_billing_invoice_id
    WHERE r.invoice_id = ANY(:ids) ORDER BY r.invoice_id, r.created_at, r.id
    """
)


async def credits_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[Any]]:
    """The rows that lowered each invoice, in the order in which they did, each with what its source is called."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    if invoice_ids:
        for row in await session.execute(_CREDITS, {"ids": list(invoice_ids)}):
            found[row.invoice_id].append(row)
    return found


def credit_payload(row: Any) -> Payload:
    """One line of reduction, from a row of `credits_of_invoices` or one with the same columns."""
    return {
        "lago_id": row.id,
        "amount_cents": row.amount_cents,
        "amount_currency": row.amount_currency,
        "before_taxes": row.before_taxes,
        "item": {
            "lago_item_id": row.item_id,
            "type": row.item_type,
            "code": row.item_code,
            "name": row.item_name,
            "description": row.item_description,
        },
        "invoice": {"lago_id": row.invoice_id, "payment_status": row.payment_status},
    }
