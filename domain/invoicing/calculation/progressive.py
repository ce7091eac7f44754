"""Step 2: what progressive billing invoices have already charged (subscriptions handbook, section 8)."""

from dataclasses import replace
from decimal import Decimal

from domain.invoicing.calculation.state import Calculation, Credit, CreditKind
from domain.kernel.money import ZERO


def credit_progressive_billing(invoice: Calculation) -> Calculation:
    """Credits each progressive invoice up to the fees of the same charges; the rest is left as unused_cents.

    A matching fee's share grows by what the progressive fee was, at most to the fee's amount, so that taxes are not
    taken twice.
    """
    if not invoice.progressive_invoices:
        return invoice
    shares = list(invoice.shares)
    rows = list(invoice.credits)
    total = 0
    for source in invoice.progressive_invoices:
        charges = {charge_id for charge_id, _, _ in source.fees}
        limit = sum(fee.amount_cents for fee in invoice.fees if fee.charge_id in charges)
        amount = min(source.creditable_cents, limit)
        total += amount
        rows.append(Credit(CreditKind.PROGRESSIVE, source.id, amount, unused_cents=source.creditable_cents - amount))
        charged = {(charge_id, key): Decimal(cents) for charge_id, key, cents in source.fees}
        for index, fee in enumerate(invoice.fees):
            # What raises a charge to its minimum has the key of the fee it raises, and gets what that one leaves.
            left = charged.get((fee.charge_id, fee.charge_key), ZERO)
            grown = min(shares[index] + left, max(Decimal(fee.amount_cents), shares[index]))
            charged[fee.charge_id, fee.charge_key] = left - (grown - shares[index])
            shares[index] = grown
    return replace(
        invoice,
        shares=tuple(shares),
        credits=tuple(rows),
        progressive_billing_credit_amount_cents=total,
    )
