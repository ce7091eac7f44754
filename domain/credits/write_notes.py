"""Writing credit notes: many at once, each with its items and taxes, numbered among the notes of its invoice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.credits.note_amounts import Creditable, Item, NoteAmounts, Split, note_amounts
from domain.credits.note_events import CreditNotesIssued
from domain.credits.note_facts import InvoiceFacts
from domain.credits.note_models import CreditNote, CreditNoteAppliedTax, CreditNoteItem
from domain.credits.top_ups import fail_top_ups, take_back
from domain.invoicing.numbering import credit_note_number
from domain.invoicing.settle import settle
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["NewNote", "after_note", "amount_columns", "insert_parts", "settle_offsets", "write_notes"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note to be made. invoice: as loaded under its lock. items: fee and cents with at most 5 decimals.

    split: where the total goes, from the amounts found; its parts must sum to `total_cents`.
    """

    invoice: InvoiceFacts
    items: Sequence[tuple[UUID, Decimal]]
    split: Callable[[NoteAmounts], Split]
    reason: str = "other"
    description: str | None = None
    metadata: Mapping[str, Any] | None = None


async def write_notes(work: UnitOfWork, notes: Sequence[NewNote]) -> list[UUID | None]:
    """The ids of the notes written, None for one that comes to nothing, in the order given.

    Several notes of one invoice may be among them: each sees those before it. A note on a draft invoice is a draft and
    nothing follows from it until that is finalized; others are issued at once and offset what is due. What is paid back
    of prepaid credits leaves their wallets. A fixed number of statements.
    """
    now = clock.now()
    facts: dict[UUID, InvoiceFacts] = {}
    rows: list[Row] = []
    parts: list[tuple[UUID, str, NoteAmounts]] = []
    written: list[UUID | None] = []
    for note in notes:
        invoice = facts.get(note.invoice.id, note.invoice)
        fees = {fee.id: fee for fee in invoice.creditable.fees}
        found = note_amounts(invoice.creditable, [Item(fees[fee_id], precise) for fee_id, precise in note.items])
        split = note.split(found)
        if split.total <= 0:
            written.append(None)
            continue
        assert split.total == found.total_cents, "the parts sum to the note"
        note_id, number = new_id(), invoice.last_number + 1
        facts[invoice.id] = replace(invoice, creditable=after_note(invoice.creditable, found), last_number=number)
        today = now.astimezone(ZoneInfo(invoice.row.customer_timezone)).date()
        rows.append(
            {
                "id": note_id,
                "organization_id": work.organization_id,
                "customer_id": invoice.row.customer_id,
                "invoice_id": invoice.id,
                "sequential_id": number,
                "number": credit_note_number(invoice.row.number, number),
                "issuing_date": today,
                "status": "draft" if invoice.is_draft else "finalized",
                "reason": note.reason,
                "description": note.description,
                "currency": invoice.row.currency,
                "note_metadata": dict(note.metadata) if note.metadata else None,
                **amount_columns(found, split),
                "created_at": now,
                "updated_at": now,
            }
        )
        parts.append((note_id, invoice.row.currency, found))
        written.append(note_id)
    if not rows:
        return written
    await work.session.execute(sa.insert(table(CreditNote)).values(rows))
    await insert_parts(work, parts)
    sold = [(top_up, row) for row in rows if (top_up := facts[row["invoice_id"]].top_up) is not None]
    await take_back(
        work, [(each, row["id"], row["refund_amount_cents"]) for each, row in sold if row["refund_amount_cents"]]
    )
    await fail_top_ups(work, [each for each, row in sold if row["offset_amount_cents"]])
    issued = [row for row in rows if row["status"] == "finalized"]
    await settle_offsets(work, [(row["invoice_id"], row["offset_amount_cents"]) for row in issued])
    if issued:
        work.record(CreditNotesIssued(tuple(row["id"] for row in issued)))
    return written


def amount_columns(found: NoteAmounts, split: Split) -> Row:
    """The columns of `credit_notes` that hold amounts and what follows from them."""
    return {
        "total_amount_cents": split.total,
        "credit_amount_cents": split.credit,
        "balance_amount_cents": split.credit,
        "refund_amount_cents": split.refund,
        "offset_amount_cents": split.offset,
        "credit_status": "available" if split.credit else None,
        "refund_status": "pending" if split.refund else None,
        "sub_total_excluding_taxes_amount_cents": found.sub_total_cents,
        "taxes_amount_cents": found.taxes_cents,
        "precise_taxes_amount_cents": found.precise_taxes,
        "taxes_rate": found.taxes_rate,
        "coupons_adjustment_amount_cents": found.coupons_cents,
        "precise_coupons_adjustment_amount_cents": found.precise_coupons,
    }


async def insert_parts(work: UnitOfWork, notes: Sequence[tuple[UUID, str, NoteAmounts]]) -> None:
    """The items and taxes of these notes: id, currency, amounts."""
    now = clock.now()
    common = {"organization_id": work.organization_id, "created_at": now, "updated_at": now}
    items = [
        {
            "id": new_id(),
            "credit_note_id": note_id,
            "fee_id": item.fee.id,
            "position": position,
            "amount_cents": item.amount_cents,
            "precise_amount_cents": item.precise,
            "amount_currency": currency,
            **common,
        }
        for note_id, currency, found in notes
        for position, item in enumerate(found.items)
    ]
    taxes = [
        {
            "id": new_id(),
            "credit_note_id": note_id,
            "tax_id": line.tax.id,
            "tax_code": line.tax.code,
            "tax_name": line.tax.name,
            "tax_description": line.tax.description,
            "tax_rate": line.tax.rate,
            "base_amount_cents": line.base_cents,
            "amount_cents": line.amount_cents,
            "amount_currency": currency,
            **common,
        }
        for note_id, currency, found in notes
        for line in found.taxes
    ]
    for target, rows in ((CreditNoteItem, items), (CreditNoteAppliedTax, taxes)):
        if rows:
            await work.session.execute(sa.insert(table(target)).values(rows))


async def settle_offsets(work: UnitOfWork, offsets: Iterable[tuple[UUID, int]]) -> None:
    """Takes what these notes offset off what is due on their invoices; paid in full by it, they have succeeded."""
    cents: Counter[UUID] = Counter()
    for invoice_id, offset in offsets:
        cents[invoice_id] += offset
    if total := {invoice_id: offset for invoice_id, offset in cents.items() if offset > 0}:
        await settle(work, offset=total)


def after_note(invoice: Creditable, found: NoteAmounts) -> Creditable:
    """The invoice once this note is made."""
    taken: dict[Any, int] = {}
    for item in found.items:
        taken[item.fee.id] = taken.get(item.fee.id, 0) + item.amount_cents
    return replace(
        invoice,
        fees=tuple(replace(fee, credited=fee.credited + taken.get(fee.id, 0)) for fee in invoice.fees),
        noted_sub_total_cents=invoice.noted_sub_total_cents + found.sub_total_cents,
        noted_taxes_cents=invoice.noted_taxes_cents + found.taxes_cents,
        rounded_up=invoice.rounded_up + found.taxes_cents - found.precise_taxes,
    )
