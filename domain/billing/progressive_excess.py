"""What progressive invoices billed beyond the final usage is given back by credit notes.

Source: handbook, subscriptions 8 and credits 3.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.assemble import Built
from domain.credits.note_amounts import ITEM_DECIMALS, Creditable, CreditableFee, NoteAmounts, Split
from domain.credits.note_facts import load_invoice_facts
from domain.credits.write_notes import NewNote, write_notes
from domain.invoicing.calculation.state import Credit, CreditKind, ProgressiveInvoice
from domain.kernel.money import ZERO, truncate
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["credit_excess", "credited", "excess_items"]

# The latest has billed what the earlier ones were credited on it with; what it can't give back they can.
_CHAIN: Final = sa.text(
    """
    SELECT source.invoice_id AS source_id, i.id
    FROM invoice_subscriptions source
    JOIN invoice_subscriptions x
         ON x.subscription_id = source.subscription_id AND x.invoicing_reason = 'progressive_billing'
        AND x.charges_from_datetime = source.charges_from_datetime AND x.timestamp <= source.timestamp
    JOIN invoices i ON i.id = x.invoice_id AND i.status = 'finalized'
    WHERE source.invoice_id = ANY(:ids)
    ORDER BY source.invoice_id, x.timestamp DESC, i.id DESC
    """
)


async def credit_excess(work: UnitOfWork, built: Sequence[Built]) -> list[UUID]:
    """A note on every progressive invoice for what these invoices could not credit of it; drafts and those that wait
    for their taxes leave that to their finalization.

    The ids of the notes. Nothing is asked where everything was credited, else a fixed number of statements.
    """
    excess = {source: credit.unused_cents for source, credit in _beyond(built).items()}
    if not excess:
        return []
    chains: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await work.session.execute(_CHAIN, {"ids": sorted(map(str, excess))}):
        chains[row.source_id].append(row.id)
    invoices = await load_invoice_facts(work.session, {each for chain in chains.values() for each in chain}, lock=True)
    notes = []
    for source, cents in excess.items():
        left = Decimal(cents)
        for invoice in (invoices[each] for each in chains[UUID(str(source))]):
            items, left = excess_items(invoice.creditable, left)
            if items:
                notes.append(NewNote(invoice, items, _all_credit))
    return [each for each in await write_notes(work, notes) if each is not None]


def credited(progressive: Mapping[int, ProgressiveInvoice], built: Sequence[Built]) -> dict[int, ProgressiveInvoice]:
    """The progressive invoices with no more than these invoices credit of them, the rest being given back: pure."""
    beyond = _beyond(built)
    return {
        number: replace(each, creditable_cents=beyond[each.id].amount_cents) if each.id in beyond else each
        for number, each in progressive.items()
    }


def _beyond(built: Sequence[Built]) -> dict[Hashable, Credit]:
    """The credits of progressive invoices, by their ids, that could not be taken whole."""
    return {
        credit.source_id: credit
        for each in built
        if each.status in ("finalized", "closed")
        for credit in each.rows.credits
        if credit.kind is CreditKind.PROGRESSIVE and credit.unused_cents > 0
    }


def excess_items(invoice: Creditable, net: Decimal) -> tuple[list[tuple[UUID, Decimal]], Decimal]:
    """So many cents, after coupons and before taxes, off the largest fees first; the items, and what is left: pure."""
    items = []
    for fee in sorted(invoice.fees, key=_net_left, reverse=True):
        taken = min(net, _net_left(fee))
        if taken <= 0:
            break
        items.append((fee.id, truncate(taken / _part(fee), ITEM_DECIMALS)))
        net -= taken
    return items, net


def _part(fee: CreditableFee) -> Decimal:
    """What coupons and earlier progressive invoices have left of one cent of the fee."""
    return 1 - fee.coupons / fee.amount_cents if fee.amount_cents else ZERO


def _net_left(fee: CreditableFee) -> Decimal:
    return fee.left * _part(fee)


def _all_credit(found: NoteAmounts) -> Split:
    return Split(credit=found.total_cents)
