"""Making a credit note that a client asks for, and crediting an invoice as a whole. Source: handbook, credits 3.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from domain.catalog.plan_metadata import read_metadata
from domain.credits.change_note import void_notes
from domain.credits.note_amounts import (
    ITEM_DECIMALS,
    CreditableFee,
    Item,
    NoteAmounts,
    Split,
    note_amounts,
    scaled_items,
    whole_items,
)
from domain.credits.note_facts import InvoiceFacts, load_invoice_facts
from domain.credits.note_limits import settled_split, wrong_parts
from domain.credits.note_models import REASONS
from domain.credits.write_notes import NewNote, write_notes
from domain.invoicing.queries import VISIBLE
from domain.kernel.errors import NotAllowed, NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.money import ZERO, round_half_up
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["create_note", "credit_invoice", "credit_remainder", "creditable_invoice", "read_items"]

NOTABLE = ("draft", "finalized", "voided")
MOST_ITEMS = 10_000


async def create_note(work: UnitOfWork, params: Mapping[str, Any]) -> UUID:
    """A note of the items asked for: invoice_id, reason, description, credit_amount_cents, refund_amount_cents,
    offset_amount_cents, items [{fee_id, amount_cents}], metadata. On a draft invoice it is a draft.

    Raises NotFound for the invoice and its fees, NotAllowed("invalid_type_or_status"), ValidationFailed.
    """
    invoice = await creditable_invoice(work, params.get("invoice_id"), lock=True)
    read = Reader(params)
    reason = read.choice("reason", REASONS, default="other") or "other"
    description = read.text("description", longest=10_000)
    asked = Split(
        *(read.integer(f"{kind}_amount_cents", least=0, default=0) or 0 for kind in ("credit", "refund", "offset"))
    )
    read.finish()
    metadata = read_metadata(params)
    if invoice.billed.is_credit and not invoice.billed.succeeded and asked.credit + asked.refund > 0:
        raise NotAllowed("invalid_type_or_status")
    items = read_items(invoice, params.get("items"))
    billed = invoice.billed
    errors = wrong_parts(invoice.creditable, billed, note_amounts(invoice.creditable, items), asked)
    if errors:
        raise ValidationFailed(errors)

    def split(found: NoteAmounts) -> Split:
        return settled_split(billed, asked, found.total_cents)

    (note_id,) = await write_notes(
        work, [NewNote(invoice, _asked(items), split, reason=reason, description=description, metadata=metadata)]
    )
    if note_id is None:
        raise ValidationFailed({"base": ["total_amount_must_be_positive"]})
    return note_id


async def credit_invoice(
    work: UnitOfWork, invoice_id: UUID, *, credit_cents: int = 0, refund_cents: int = 0, reason: str = "other"
) -> UUID | None:
    """Credits and pays back so much of an invoice, taken from all its fees in the same part; the note's id.

    For what voids or corrects a whole invoice. Amounts are gross, in cents; None where both are 0. Raises
    ValidationFailed: credit_refund_amount where the invoice has not so much left, refund_amount where not so much was
    paid, or a wallet has spent it; prepaid credits are never credited (credit_amount).
    """
    asked = Split(credit=credit_cents, refund=refund_cents)
    if asked.total <= 0:
        return None
    invoice = (await load_invoice_facts(work.session, [invoice_id], lock=True))[invoice_id]
    billed = invoice.billed
    if asked.total > invoice.creditable.left:
        raise ValidationFailed({"credit_refund_amount": ["total_amount_exceeds_invoice_amount"]})
    if asked.refund > billed.refundable_cents:
        raise ValidationFailed({"refund_amount": ["higher_than_remaining_invoice_amount"]})
    if billed.is_credit and asked.credit > 0:
        raise ValidationFailed({"credit_amount": ["cannot_credit_invoice"]})
    if billed.is_credit and asked.refund > sum(fee.left for fee in invoice.creditable.fees):
        raise ValidationFailed({"refund_amount": ["higher_than_wallet_balance"]})
    items = scaled_items(invoice.creditable, asked.total)

    def split(found: NoteAmounts) -> Split:
        return settled_split(billed, asked, found.total_cents)

    (note_id,) = await write_notes(work, [NewNote(invoice, _asked(items), split, reason=reason)])
    return note_id


async def credit_remainder(work: UnitOfWork, invoice_id: UUID, *, reason: str = "other") -> UUID | None:
    """A note of all that is left of an invoice, voided at once: nobody can spend it, and no other note can be made.
    Its id; None where nothing is left."""
    invoice = (await load_invoice_facts(work.session, [invoice_id], lock=True))[invoice_id]
    items = whole_items(invoice.creditable)
    new = NewNote(invoice, _asked(items), lambda found: Split(credit=found.total_cents), reason=reason)
    (note_id,) = await write_notes(work, [new])
    if note_id is not None:
        await void_notes(work, [note_id])
    return note_id


async def creditable_invoice(work: UnitOfWork, invoice_id: object, *, lock: bool = False) -> InvoiceFacts:
    """An invoice that clients see and that may have notes; one of prepaid credits only while its wallet is active.
    Raises NotFound, NotAllowed("invalid_type_or_status")."""
    identifier = parse_id(invoice_id)
    found = await load_invoice_facts(work.session, [identifier], lock=lock) if identifier else {}
    if identifier is None or identifier not in found or found[identifier].row.status not in VISIBLE:
        raise NotFound("invoice")
    invoice = found[identifier]
    gone = invoice.top_up is not None and not invoice.top_up.active
    if invoice.row.status not in NOTABLE or gone:
        raise NotAllowed("invalid_type_or_status")
    return invoice


def read_items(invoice: InvoiceFacts, sent: object) -> list[Item]:
    """The items as a client sent them, in order; the first wrong one is answered. Raises NotFound("fee") and
    ValidationFailed."""
    if not isinstance(sent, list) or len(sent) > MOST_ITEMS:
        raise ValidationFailed({"items": ["must_be_an_array"]})
    fees: dict[Any, CreditableFee] = {fee.id: fee for fee in invoice.creditable.fees}
    taken: dict[Any, Decimal] = {}
    items = []
    for each in sent:
        values = each if isinstance(each, Mapping) else {}
        fee = fees.get(parse_id(values.get("fee_id")))
        if fee is None:
            raise NotFound("fee")
        cents = _cents(values.get("amount_cents"))
        if cents is None or cents < 0:
            raise ValidationFailed({"amount_cents": ["invalid_value"]})
        taken[fee.id] = taken.get(fee.id, ZERO) + cents
        if taken[fee.id] > fee.left:
            top_up = fee.ceiling is not None and taken[fee.id] <= fee.amount_cents - fee.credited
            code = "higher_than_wallet_balance" if top_up else "higher_than_remaining_fee_amount"
            raise ValidationFailed({"amount_cents": [code]})
        items.append(Item(fee, cents))
    return items


def _cents(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or len(str(value)) > 40:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return round_half_up(number, ITEM_DECIMALS) if number.is_finite() and abs(number.adjusted()) < 20 else None


def _asked(items: Sequence[Item]) -> list[tuple[UUID, Decimal]]:
    return [(item.fee.id, item.precise) for item in items]
