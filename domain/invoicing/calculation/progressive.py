"""Step 2: what progressive billing invoices have already charged (subscriptions handbook, section 8)."""

from dataclasses import replace
from decimal import Decimal

from domain.invoicing.calculation.state import Calculation, Credit, CreditKind


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
        amount = min(source.creditable_cents, max(limit - total, 0))
        total += amount
        rows.append(Credit(CreditKind.PROGRESSIVE, source.id, amount, unused_cents=source.creditable_cents - amount))
        charged = {(charge_id, key): cents for charge_id, key, cents in source.fees}
        for index, fee in enumerate(invoice.fees):
            cents = charged.get((fee.charge_id, fee.charge_key), 0)
            shares[index] = min(shares[index] + cents, Decimal(fee.amount_cents))
    return replace(
        invoice,
        shares=tuple(shares),
        credits=tuple(rows),
        progressive_billing_credit_amount_cents=total,
    )
