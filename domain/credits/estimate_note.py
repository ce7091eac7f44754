"""What a credit note would come to; nothing is stored. Source: handbook, credits 3.8."""

from __future__ import annotations

from dataclasses import dataclass

from domain.credits.create_note import creditable_invoice, read_items
from domain.credits.note_amounts import NoteAmounts, note_amounts
from domain.credits.note_facts import InvoiceFacts
from domain.kernel.errors import NotAllowed
from domain.kernel.money import round_cents
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["Estimate", "estimate_note"]


@dataclass(frozen=True, slots=True)
class Estimate:
    invoice: InvoiceFacts
    amounts: NoteAmounts

    @property
    def taxes_cents(self) -> int:
        """Rounded so that it and the sub-total sum to the most that can be credited."""
        return self._total - self.amounts.sub_total_cents

    @property
    def creditable_cents(self) -> int:
        """At most so much can be credited; nothing of an invoice that sells prepaid credits."""
        return 0 if self.invoice.billed.is_credit else self._total

    @property
    def refundable_cents(self) -> int:
        billed = self.invoice.billed
        if billed.paid_without_success:
            return 0
        return min(self._total, billed.refundable_cents)

    @property
    def offsettable_cents(self) -> int:
        billed = self.invoice.billed
        if billed.is_credit:
            return self._total if self._total == billed.due_cents == billed.total_cents else 0
        return min(self._total, billed.due_cents)

    @property
    def _total(self) -> int:
        """Rounded once on the sum; a cent less where rounding the parts would not reach it."""
        found = self.amounts
        return found.total_cents if found.last else min(round_cents(found.gross), found.total_cents)


async def estimate_note(work: UnitOfWork, invoice_id: object, items: object) -> Estimate:
    """The note that these items would make. Raises as `create_note`; prepaid credits must have been paid."""
    invoice = await creditable_invoice(work, invoice_id)
    if invoice.billed.is_credit and not invoice.billed.succeeded:
        raise NotAllowed("invalid_type_or_status")
    return Estimate(invoice, note_amounts(invoice.creditable, read_items(invoice, items)))
