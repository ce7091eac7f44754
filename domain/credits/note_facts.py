"""Invoices as credit notes see them: what was billed, what was paid, what notes have taken back. Four statements for
any number of invoices, one more where some sold prepaid credits. Source: handbook, credits 3.2 and 3.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.note_amounts import Creditable, CreditableFee, FeeTax
from domain.credits.note_limits import Available, Billed, Earlier, available
from domain.credits.top_ups import TopUp, load_top_ups
from domain.kernel.money import ZERO

__all__ = ["InvoiceFacts", "available_on_invoices", "credited_on_fees", "load_invoice_facts"]

_LOCK = sa.text("SELECT id FROM invoices WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
_INVOICES = sa.text(
    """
    SELECT i.id, i.customer_id, i.billing_entity_id, i.number, i.invoice_type, i.status, i.payment_status, i.currency,
           i.timezone, i.version_number, i.fees_amount_cents, i.coupons_amount_cents,
           i.progressive_billing_credit_amount_cents, i.sub_total_excluding_taxes_amount_cents,
           i.taxes_amount_cents, i.sub_total_including_taxes_amount_cents, i.total_amount_cents,
           i.total_paid_amount_cents, coalesce(c.timezone, e.timezone, 'UTC') AS customer_timezone
    FROM invoices i
    JOIN customers c ON c.id = i.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    WHERE i.id = ANY(:ids)
    """
)
_NOTES = sa.text(
    """
    SELECT invoice_id, max(sequential_id) AS last_number,
           sum(sub_total_excluding_taxes_amount_cents) AS sub_total, sum(taxes_amount_cents) AS taxes,
           sum(taxes_amount_cents - precise_taxes_amount_cents) AS rounded_up,
           coalesce(sum(credit_amount_cents) FILTER (WHERE status = 'finalized'), 0) AS credit,
           coalesce(sum(refund_amount_cents) FILTER (WHERE status = 'finalized'), 0) AS refund,
           coalesce(sum(offset_amount_cents) FILTER (WHERE status = 'finalized'), 0) AS offset
    FROM credit_notes WHERE invoice_id = ANY(:ids) AND status <> 'deleted' GROUP BY invoice_id
    """
)
_FEES = sa.text(
    """
    SELECT f.invoice_id, f.id, f.amount_cents, f.precise_coupons_amount_cents, coalesce(noted.cents, 0) AS credited
    FROM fees f
    LEFT JOIN LATERAL (
        SELECT sum(x.amount_cents) AS cents FROM credit_note_items x
        JOIN credit_notes n ON n.id = x.credit_note_id AND n.status <> 'deleted' WHERE x.fee_id = f.id
    ) noted ON true
    WHERE f.invoice_id = ANY(:ids) ORDER BY f.invoice_id, f.position, f.id
    """
)
_TAXES = sa.text(
    """
    SELECT t.fee_id, t.tax_id, t.tax_code, t.tax_name, t.tax_description, t.tax_rate
    FROM fee_applied_taxes t JOIN fees f ON f.id = t.fee_id WHERE f.invoice_id = ANY(:ids) ORDER BY t.fee_id, t.id
    """
)
_CREDITED = sa.text(
    """
    SELECT x.fee_id, sum(x.amount_cents) AS cents FROM credit_note_items x
    JOIN credit_notes n ON n.id = x.credit_note_id AND n.status <> 'deleted'
    WHERE x.fee_id = ANY(:ids) GROUP BY x.fee_id
    """
)


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """An invoice, its columns under `row` (with `customer_timezone`), and what notes may still take back of it.

    top_up: the purchase of prepaid credits that it is for.
    """

    row: Any
    creditable: Creditable
    earlier: Earlier
    last_number: int
    top_up: TopUp | None = None

    @property
    def id(self) -> UUID:
        return UUID(str(self.row.id))

    @property
    def is_draft(self) -> bool:
        return bool(self.row.status == "draft")

    @property
    def billed(self) -> Billed:
        row = self.row
        return Billed(
            total_cents=row.total_amount_cents,
            paid_cents=row.total_paid_amount_cents,
            succeeded=row.payment_status == "succeeded",
            is_credit=row.invoice_type == "credit",
            is_draft=self.is_draft,
            is_voided=row.status == "voided",
            earlier=self.earlier,
        )


async def load_invoice_facts(
    session: AsyncSession, invoice_ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, InvoiceFacts]:
    """By id; unknown ones are left out. lock: the invoices stay locked until the commit, so that their notes are made
    one after the other."""
    ids = sorted(set(invoice_ids))
    if not ids:
        return {}
    if lock:
        await session.execute(_LOCK, {"ids": ids})
    invoices = (await session.execute(_INVOICES, {"ids": ids})).all()
    sold = [row.id for row in invoices if row.invoice_type == "credit"]
    top_ups = await load_top_ups(session, sold, lock=lock)
    notes = {row.invoice_id: row for row in await session.execute(_NOTES, {"ids": ids})}
    taxes: dict[UUID, list[FeeTax]] = defaultdict(list)
    for tax in await session.execute(_TAXES, {"ids": ids}):
        taxes[tax.fee_id].append(
            FeeTax(tax.tax_code, tax.tax_name, tax.tax_rate.normalize(), tax.tax_description, tax.tax_id)
        )
    fees: dict[UUID, list[CreditableFee]] = defaultdict(list)
    for fee in await session.execute(_FEES, {"ids": ids}):
        fees[fee.invoice_id].append(
            CreditableFee(
                fee.id,
                fee.amount_cents,
                Decimal(fee.precise_coupons_amount_cents),
                tuple(taxes.get(fee.id, ())),
                int(fee.credited),
            )
        )
    return {
        row.id: _facts(row, tuple(fees.get(row.id, ())), notes.get(row.id), top_ups.get(row.id)) for row in invoices
    }


def _facts(row: Any, fees: tuple[CreditableFee, ...], noted: Any, top_up: TopUp | None) -> InvoiceFacts:
    # Until a top-up is paid there is nothing in the wallet that would limit its note.
    if top_up is not None and row.payment_status == "succeeded":
        fees = tuple(replace(fee, ceiling=top_up.left_cents) for fee in fees)
    return InvoiceFacts(
        row,
        Creditable(
            fees,
            sub_total_cents=row.sub_total_excluding_taxes_amount_cents,
            taxes_cents=row.taxes_amount_cents,
            noted_sub_total_cents=int(noted.sub_total) if noted else 0,
            noted_taxes_cents=int(noted.taxes) if noted else 0,
            rounded_up=Decimal(noted.rounded_up) if noted else ZERO,
        ),
        Earlier(int(noted.credit), int(noted.refund), int(noted.offset)) if noted else Earlier(),
        int(noted.last_number) if noted else 0,
        top_up,
    )


async def credited_on_fees(session: AsyncSession, fee_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """What notes have taken back of each fee, in cents; fees without any are left out."""
    if not fee_ids:
        return {}
    return {row.fee_id: int(row.cents) for row in await session.execute(_CREDITED, {"ids": list(fee_ids)})}


async def available_on_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, Available]:
    """What each invoice shows as creditable, refundable and offsettable."""
    return {
        invoice_id: available(
            facts.creditable,
            facts.billed,
            facts.row.coupons_amount_cents + facts.row.progressive_billing_credit_amount_cents,
            facts.row.fees_amount_cents,
        )
        for invoice_id, facts in (await load_invoice_facts(session, invoice_ids)).items()
    }
