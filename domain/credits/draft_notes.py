"""Credit notes of draft invoices: they follow their invoice as it is computed anew, and are issued with it.

A rebuilt invoice has new fees. So the items are taken off before, as parts of their fees, and put on the fees that
stand in the same place afterwards. Source: handbook, credits 3.8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.note_amounts import ITEM_DECIMALS, CreditableFee, Item, NoteAmounts, Split, note_amounts
from domain.credits.note_events import CreditNotesIssued
from domain.credits.note_facts import InvoiceFacts, load_invoice_facts
from domain.credits.write_notes import after_note, amount_columns, insert_parts, settle_offsets
from domain.kernel import clock
from domain.kernel.money import ZERO, truncate
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["DraftNote", "delete_draft_notes", "issue_notes", "put_back", "take_off", "with_draft_notes"]

Place = tuple[Any, ...]

# What tells the fees of an invoice apart, whatever their ids.
_PLACE: Final = (
    "fee_type", "subscription_id", "charge_id", "charge_filter_id", "fixed_charge_id", "add_on_id", "commitment_id",
    "grouped_by", "raising", "pay_in_advance_event_transaction_id",
)  # fmt: skip
_FEE_COLUMNS: Final = """
    f.fee_type, f.subscription_id, f.charge_id, f.charge_filter_id, f.fixed_charge_id, f.add_on_id, f.commitment_id,
    f.grouped_by::text AS grouped_by, f.true_up_parent_fee_id IS NOT NULL AS raising,
    f.pay_in_advance_event_transaction_id
"""
_ITEMS: Final = sa.text(
    f"""
    SELECT n.id, n.invoice_id, n.offset_amount_cents, x.precise_amount_cents, f.amount_cents, {_FEE_COLUMNS}
    FROM credit_notes n
    LEFT JOIN credit_note_items x ON x.credit_note_id = n.id
    LEFT JOIN fees f ON f.id = x.fee_id
    WHERE n.invoice_id = ANY(:ids) AND n.status = 'draft' ORDER BY n.invoice_id, n.sequential_id, x.position
    """  # noqa: S608
)
_CLEAR: Final = tuple(
    sa.text(f"DELETE FROM {table} WHERE credit_note_id = ANY(:ids)")  # noqa: S608
    for table in ("credit_note_items", "credit_note_applied_taxes")
)
_FEES: Final = sa.text(
    f"SELECT f.invoice_id, f.id, {_FEE_COLUMNS} FROM fees f WHERE f.invoice_id = ANY(:ids) ORDER BY f.position, f.id"  # noqa: S608
)
_UPDATE: Final = sa.text(
    """
    UPDATE credit_notes SET total_amount_cents = row.total_amount_cents, credit_amount_cents = row.credit_amount_cents,
        balance_amount_cents = row.balance_amount_cents, refund_amount_cents = row.refund_amount_cents,
        offset_amount_cents = row.offset_amount_cents, credit_status = row.credit_status,
        refund_status = row.refund_status,
        sub_total_excluding_taxes_amount_cents = row.sub_total_excluding_taxes_amount_cents,
        taxes_amount_cents = row.taxes_amount_cents, precise_taxes_amount_cents = row.precise_taxes_amount_cents,
        taxes_rate = row.taxes_rate, coupons_adjustment_amount_cents = row.coupons_adjustment_amount_cents,
        precise_coupons_adjustment_amount_cents = row.precise_coupons_adjustment_amount_cents, updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        id uuid, total_amount_cents bigint, credit_amount_cents bigint, balance_amount_cents bigint,
        refund_amount_cents bigint, offset_amount_cents bigint, credit_status text, refund_status text,
        sub_total_excluding_taxes_amount_cents bigint, taxes_amount_cents bigint, precise_taxes_amount_cents numeric,
        taxes_rate numeric, coupons_adjustment_amount_cents bigint, precise_coupons_adjustment_amount_cents numeric)
    WHERE credit_notes.id = row.id
    """
)
_ISSUE: Final = sa.text(
    """
    UPDATE credit_notes SET status = 'finalized', updated_at = :now,
        number = i.number || '-CN' || lpad(
            credit_notes.sequential_id::text, greatest(3, length(credit_notes.sequential_id::text)), '0')
    FROM invoices i
    WHERE i.id = credit_notes.invoice_id AND i.status = 'finalized' AND i.id = ANY(:ids)
      AND credit_notes.status = 'draft'
    RETURNING credit_notes.id, credit_notes.invoice_id, credit_notes.offset_amount_cents
    """
)
_DELETE: Final = sa.text(
    """
    UPDATE credit_notes SET status = 'deleted', updated_at = :now WHERE invoice_id = ANY(:ids) AND status = 'draft'
    """
)
_WITH_NOTES: Final = sa.text(
    "SELECT DISTINCT invoice_id FROM credit_notes WHERE invoice_id = ANY(:ids) AND status = 'draft'"
)


@dataclass(frozen=True, slots=True)
class DraftNote:
    """A note whose items are off. parts: for each item the place of its fee, and the part of the fee it took."""

    id: UUID
    invoice_id: UUID
    is_offset: bool
    parts: Sequence[tuple[Place, Decimal]]


async def with_draft_notes(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these invoices that have draft notes. One statement."""
    return set((await work.session.scalars(_WITH_NOTES, {"ids": list(invoice_ids)})).all())


async def take_off(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> list[DraftNote]:
    """Takes the items of these drafts' notes off, before their fees go. One statement where there are none."""
    rows: dict[UUID, list[Any]] = defaultdict(list)
    for row in await work.session.execute(_ITEMS, {"ids": list(invoice_ids)}):
        rows[row.id].append(row)
    if rows:
        for statement in _CLEAR:
            await work.session.execute(statement, {"ids": list(rows)})
    return [
        DraftNote(
            note_id,
            some[0].invoice_id,
            some[0].offset_amount_cents > 0,
            [(_place(row), _part(row)) for row in some if row.precise_amount_cents is not None],
        )
        for note_id, some in rows.items()
    ]


async def put_back(work: UnitOfWork, notes: Sequence[DraftNote]) -> None:
    """Puts the items on the new fees and reckons the notes anew; a fee that is gone takes its items with it."""
    if not notes:
        return
    ids = list(dict.fromkeys(note.invoice_id for note in notes))
    invoices = await load_invoice_facts(work.session, ids)
    places: dict[tuple[UUID, Place], UUID] = {}
    for row in await work.session.execute(_FEES, {"ids": ids}):
        places.setdefault((row.invoice_id, _place(row)), row.id)
    creditable = {
        invoice_id: replace(facts.creditable, noted_sub_total_cents=0, noted_taxes_cents=0, rounded_up=ZERO)
        for invoice_id, facts in invoices.items()
    }
    rows, parts = [], []
    for note in notes:
        invoice, now = invoices[note.invoice_id], creditable[note.invoice_id]
        fees: dict[Any, CreditableFee] = {fee.id: fee for fee in now.fees}
        items = [
            Item(fee, min(truncate(part * fee.amount_cents, ITEM_DECIMALS), Decimal(fee.left)))
            for place, part in note.parts
            if (fee := fees.get(places.get((note.invoice_id, place)))) is not None
        ]
        found = note_amounts(now, items)
        creditable[note.invoice_id] = after_note(now, found)
        rows.append({"id": note.id, **amount_columns(found, _split(note, invoice, found))})
        parts.append((note.id, str(invoice.row.currency), found))
    await work.session.execute(_UPDATE, {"rows": exact_json.dump_text(rows), "now": clock.now()})
    await insert_parts(work, parts)


async def issue_notes(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> list[UUID]:
    """Finalizes the notes of drafts that have just got their numbers; those of closed ones go. Their ids."""
    now = clock.now()
    issued = (await work.session.execute(_ISSUE, {"ids": list(invoice_ids), "now": now})).all()
    await delete_draft_notes(work, invoice_ids)
    await settle_offsets(work, [(row.invoice_id, row.offset_amount_cents) for row in issued])
    if issued:
        work.record(CreditNotesIssued(tuple(row.id for row in issued)))
    return [row.id for row in issued]


async def delete_draft_notes(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> None:
    """The notes of drafts that are deleted or closed go with them. One statement."""
    await work.session.execute(_DELETE, {"ids": list(invoice_ids), "now": clock.now()})


def _place(row: Any) -> Place:
    return tuple(getattr(row, name) for name in _PLACE)


def _part(row: Any) -> Decimal:
    return Decimal(row.precise_amount_cents) / row.amount_cents if row.amount_cents else ZERO


def _split(note: DraftNote, invoice: InvoiceFacts, found: NoteAmounts) -> Split:
    """Nothing is paid of a draft, so nothing is paid back."""
    offset = min(found.total_cents, invoice.billed.due_cents) if note.is_offset else 0
    return Split(credit=found.total_cents - offset, offset=offset)
