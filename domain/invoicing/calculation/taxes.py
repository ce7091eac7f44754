"""Step 5: taxes per fee and per invoice, each rounded from the unrounded sum (subscriptions handbook, section 5.6)."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.invoicing.calculation.state import AppliedTax, Calculation, FeeLine, Tax, Taxes
from domain.kernel.money import ZERO, round_cents, round_half_up

RATE_DECIMALS = 5


def calculate_taxes(invoice: Calculation) -> Calculation:
    """Taxes of every fee and of the invoice, after what was taken off the fees."""
    fee_taxes = tuple(tax_fee(fee, share) for fee, share in zip(invoice.fees, invoice.shares, strict=True))
    return replace(
        invoice,
        fee_taxes=fee_taxes,
        taxes=tax_invoice(invoice.fees, invoice.shares, invoice.sub_total_excluding_taxes_amount_cents),
    )


def tax_fee(fee: FeeLine, share: Decimal = ZERO) -> Taxes:
    """The taxes of one fee, also of one without an invoice. `share`: cents taken off it before taxes.

    Base: amount - share. The fee's precise taxes are taken of its precise amount instead.
    """
    if not fee.taxes:
        return Taxes()
    base, precise_base = fee.amount_cents - share, fee.precise_amount_cents - share
    total = precise_total = rate = ZERO
    lines = []
    for tax in fee.taxes:
        amount = (base * tax.rate).scaleb(-2)
        precise = (precise_base * tax.rate).scaleb(-2)
        lines.append(AppliedTax(tax, base, round_cents(amount), precise))
        total += amount
        precise_total += precise
        rate += tax.rate
    return Taxes(tuple(lines), round_cents(total), precise_total, rate)


def tax_invoice(fees: Sequence[FeeLine], shares: Sequence[Decimal], sub_total_cents: int) -> Taxes:
    """The taxes of an invoice, a line for each tax in the order the fees name them.

    The total is rounded once on the unrounded sum. rate: every tax's rate by its base's part of the sub-total (without
    a positive sub-total: by its part of the number of fees), 5 decimals.
    """
    taxes: dict[Hashable, Tax] = {}
    bases: dict[Hashable, Decimal] = {}
    counts: dict[Hashable, int] = {}
    for fee, share in zip(fees, shares, strict=True):
        base = fee.amount_cents - share
        for tax in fee.taxes:
            key = tax.id
            if key in taxes:
                bases[key] += base
                counts[key] += 1
            else:
                taxes[key], bases[key], counts[key] = tax, base, 1
    if not taxes:
        return Taxes()
    total = rate = ZERO
    lines = []
    for key, tax in taxes.items():
        base = bases[key]
        amount = (base * tax.rate).scaleb(-2)
        lines.append(AppliedTax(tax, base, round_cents(amount), amount))
        total += amount
        rate += tax.rate * base / sub_total_cents if sub_total_cents > 0 else tax.rate * counts[key] / len(fees)
    return Taxes(tuple(lines), round_cents(total), total, round_half_up(rate, RATE_DECIMALS))
