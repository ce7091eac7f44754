"""Credit notes on their way through a billing run: what customers have left, and what was spent of it.

Source: handbook, credits 3.5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.invoicing.calculation.state import Credit, CreditKind
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["OpenNote", "give_back_notes", "open_notes", "spend_notes"]

# The oldest first. Locked in one order, so that two runs over one customer go one after the other.
_OPEN: Final = sa.text(
    """
    SELECT id, customer_id, currency, balance_amount_cents FROM credit_notes
    WHERE customer_id = ANY(:customers) AND status = 'finalized' AND credit_status = 'available'
      AND balance_amount_cents > 0
    ORDER BY created_at, id
    """
)
_LOCKED: Final = sa.text(f"{_OPEN.text} FOR NO KEY UPDATE")
_SPEND: Final = sa.text(
    """
    UPDATE credit_notes SET balance_amount_cents = balance_amount_cents - row.cents,
        credit_status = CASE WHEN balance_amount_cents = row.cents THEN 'consumed' ELSE credit_status END,
        updated_at = CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, cents bigint)
    WHERE credit_notes.id = row.id
    """
)
_GIVE_BACK: Final = sa.text(
    """
    UPDATE credit_notes n SET balance_amount_cents = n.balance_amount_cents + r.cents, credit_status = 'available',
        updated_at = CAST(:now AS timestamptz)
    FROM (SELECT credit_note_id, sum(amount_cents)::bigint AS cents FROM credits
          WHERE invoice_id = ANY(:invoices) AND credit_note_id IS NOT NULL GROUP BY credit_note_id) r
    WHERE n.id = r.credit_note_id AND n.credit_status <> 'voided' AND r.cents > 0
    """
)


@dataclass(frozen=True, slots=True)
class OpenNote:
    """A note with credit left, in cents of its currency."""

    id: UUID
    currency: str
    balance_cents: int


async def open_notes(
    work: UnitOfWork, customer_ids: Collection[UUID], *, locked: bool = True
) -> dict[UUID, list[OpenNote]]:
    """The notes with a balance by customer, the oldest first, locked until the commit. One statement."""
    notes: dict[UUID, list[OpenNote]] = {}
    for row in await work.session.execute(_LOCKED if locked else _OPEN, {"customers": sorted(customer_ids)}):
        notes.setdefault(row.customer_id, []).append(OpenNote(row.id, row.currency, row.balance_amount_cents))
    return notes


async def spend_notes(work: UnitOfWork, credits: Sequence[Credit]) -> None:
    """Lowers the balances of the notes that invoices spent; what is used up is consumed. One statement."""
    spent: Counter[UUID] = Counter()
    for credit in credits:
        if credit.kind is CreditKind.CREDIT_NOTE:
            assert isinstance(credit.source_id, UUID), "a credit note is named by its id"
            spent[credit.source_id] += credit.amount_cents
    if spent:
        rows = [{"id": each, "cents": cents} for each, cents in spent.items()]
        await work.session.execute(_SPEND, {"rows": exact_json.dump_text(rows), "now": clock.now()})


async def give_back_notes(work: UnitOfWork, invoice_ids: Collection[UUID]) -> None:
    """Gives the credit back that invoices spent which no longer count: voided, or closed by a payment that failed.

    A note that was voided since gets nothing back. Call it once for an invoice, in the transaction that changes its
    status. One statement.
    """
    await work.session.execute(_GIVE_BACK, {"invoices": sorted(invoice_ids), "now": clock.now()})
