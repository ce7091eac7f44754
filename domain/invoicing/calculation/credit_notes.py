"""Step 7: the customer's open credit notes, the oldest first (credits handbook, section 3.5)."""

from dataclasses import replace
from decimal import Decimal

from domain.invoicing.calculation.state import SHARE_DECIMALS, Calculation, Credit, CreditKind
from domain.kernel.money import round_half_up


def spend_credit_notes(invoice: Calculation) -> Calculation:
    """Takes the notes' balances off the total in the order given, until nothing is left to pay.

    Each fee remembers what part of it the notes paid: its part of what was still to pay, at most the whole fee.
    """
    left = invoice.sub_total_including_taxes_amount_cents
    if not invoice.credit_notes or left <= 0:
        return invoice
    nets = [
        fee.amount_cents - share + taxes.amount_cents
        for fee, share, taxes in zip(invoice.fees, invoice.shares, invoice.fee_taxes, strict=True)
    ]
    paid = list(invoice.note_shares)
    rows = list(invoice.credits)
    total = 0
    for note in invoice.credit_notes:
        if left <= 0:
            break
        amount = min(note.balance_cents, left)
        if amount <= 0:
            continue
        for index, net in enumerate(nets):
            share = paid[index] + Decimal(amount) * (net - paid[index]) / left
            paid[index] = min(round_half_up(share, SHARE_DECIMALS), net)
        rows.append(Credit(CreditKind.CREDIT_NOTE, note.id, amount))
        left -= amount
        total += amount
    return replace(invoice, note_shares=tuple(paid), credits=tuple(rows), credit_notes_amount_cents=total)
