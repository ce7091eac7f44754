"""Writing the rows of what lowered invoices, in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.invoicing.calculation.state import Credit, CreditKind
from domain.kernel.ids import new_id_text
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["credit_rows", "forget_credits", "insert_credits"]

SOURCE_OF: Final[Mapping[CreditKind, str]] = {
    CreditKind.COUPON: "applied_coupon_id",
    CreditKind.CREDIT_NOTE: "credit_note_id",
    CreditKind.PROGRESSIVE: "progressive_billing_invoice_id",
}

_INSERT: Final = sa.text(
    """
    INSERT INTO credits (id, organization_id, invoice_id, applied_coupon_id, credit_note_id,
                         progressive_billing_invoice_id, amount_cents, amount_currency, before_taxes, created_at,
                         updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.invoice_id, row.applied_coupon_id, row.credit_note_id,
           row.progressive_billing_invoice_id, row.amount_cents, row.amount_currency, row.before_taxes,
           row.created_at, row.created_at
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        id uuid, invoice_id uuid, applied_coupon_id uuid, credit_note_id uuid, progressive_billing_invoice_id uuid,
        amount_cents bigint, amount_currency text, before_taxes boolean, created_at timestamptz)
    """
)
_FORGET: Final = sa.text("DELETE FROM credits WHERE invoice_id = ANY(:invoices)")


def credit_rows(
    invoice_id: UUID, currency: str, credits: Sequence[Credit], created_at: datetime
) -> list[dict[str, Any]]:
    """The rows of what a calculation found. Credit notes are taken off after taxes, the others before."""
    return [
        {
            "id": new_id_text(),
            "invoice_id": invoice_id,
            SOURCE_OF[credit.kind]: credit.source_id,
            "amount_cents": credit.amount_cents,
            "amount_currency": currency,
            "before_taxes": credit.kind is not CreditKind.CREDIT_NOTE,
            "created_at": created_at,
        }
        for credit in credits
    ]


async def insert_credits(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows made by `credit_rows`. One statement."""
    if rows:
        await work.session.execute(
            _INSERT, {"rows": exact_json.dump_text(rows), "organization_id": work.organization_id}
        )


async def forget_credits(work: UnitOfWork, invoice_ids: Collection[UUID]) -> None:
    """Takes the rows off drafts that are computed anew."""
    await work.session.execute(_FORGET, {"invoices": sorted(invoice_ids)})
