"""Writing what becomes of invoices that stand already, when their taxes come later: their fees stay the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from domain.invoicing.rows import Values
from domain.invoicing.write import insert_fee_taxes, insert_invoice_taxes
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["Retaxed", "write_retaxed"]

_AMOUNTS: Final = (
    "coupons_amount_cents", "credit_notes_amount_cents", "progressive_billing_credit_amount_cents",
    "sub_total_excluding_taxes_amount_cents", "taxes_amount_cents", "sub_total_including_taxes_amount_cents",
    "prepaid_credit_amount_cents", "prepaid_granted_credit_amount_cents", "prepaid_purchased_credit_amount_cents",
    "total_amount_cents",
)  # fmt: skip
_DATES: Final = ("issuing_date", "expected_finalization_date", "payment_due_date")
_TYPES: Final = {
    **dict.fromkeys(_AMOUNTS, "bigint"),
    **dict.fromkeys(_DATES, "date"),
    "taxes_rate": "numeric",
    "status": "text",
    "tax_status": "text",
    "payment_status": "text",
    "net_payment_term": "integer",
}
_UPDATE: Final = sa.text(
    f"""
    UPDATE invoices SET {", ".join(f'"{name}" = row."{name}"' for name in _TYPES)}, updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json))
         AS row(id uuid, {", ".join(f'"{name}" {kind}' for name, kind in _TYPES.items())})
    WHERE invoices.id = row.id
    """  # noqa: S608
)
_FEES: Final = sa.text(
    """
    UPDATE fees SET taxes_amount_cents = row.taxes_amount_cents, taxes_rate = row.taxes_rate,
        taxes_precise_amount_cents = row.taxes_precise_amount_cents,
        precise_coupons_amount_cents = row.precise_coupons_amount_cents, updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        id uuid, taxes_amount_cents bigint, taxes_precise_amount_cents numeric, taxes_rate numeric,
        precise_coupons_amount_cents numeric)
    WHERE fees.id = row.id
    """
)
_CLEAR: Final = (
    sa.text("DELETE FROM fee_applied_taxes t USING fees f WHERE f.id = t.fee_id AND f.invoice_id = ANY(:ids)"),
    sa.text("DELETE FROM invoice_applied_taxes WHERE invoice_id = ANY(:ids)"),
)


@dataclass(frozen=True, slots=True)
class Retaxed:
    """invoice: id, amounts, dates, statuses. fees: id, taxes, what was taken off. The tax rows replace those before."""

    invoice: Values
    fees: Sequence[Values] = ()
    fee_taxes: Sequence[Values] = field(default_factory=list)
    taxes: Sequence[Values] = field(default_factory=list)


async def write_retaxed(work: UnitOfWork, invoices: Sequence[Retaxed]) -> None:
    """Writes them. Six statements at most."""
    if not invoices:
        return
    now = clock.now()
    ids = [each.invoice["id"] for each in invoices]
    for statement in _CLEAR:
        await work.session.execute(statement, {"ids": ids})
    for statement, rows in (
        (_UPDATE, [each.invoice for each in invoices]),
        (_FEES, [fee for each in invoices for fee in each.fees]),
    ):
        await work.session.execute(statement, {"rows": exact_json.dump_text(rows), "now": now})
    await insert_fee_taxes(work, [row for each in invoices for row in each.fee_taxes])
    await insert_invoice_taxes(work, [row for each in invoices for row in each.taxes])
