"""Step 3: coupons, the narrower first (credits handbook, section 1.4)."""

from dataclasses import replace
from decimal import Decimal

from domain.invoicing.calculation.state import (
    SHARE_DECIMALS,
    Calculation,
    Coupon,
    CouponLimit,
    Credit,
    CreditKind,
    FeeLine,
)
from domain.kernel.money import ZERO, round_cents, round_half_up

_ORDER = {CouponLimit.METRICS: 0, CouponLimit.PLANS: 1, CouponLimit.NONE: 2}


def spend_coupons(invoice: Calculation) -> Calculation:
    """Takes coupons off, limited to metrics first, then to plans, then unlimited; inside each in the order given.

    Stops as soon as nothing is left to take from. A coupon that matches fees writes a credit even of 0.
    """
    if not invoice.coupons or not invoice.fees_amount_cents:
        return invoice
    shares = list(invoice.shares)
    rows = list(invoice.credits)
    left = invoice.sub_total_excluding_taxes_amount_cents
    total = 0
    for coupon in sorted(invoice.coupons, key=lambda each: _ORDER[each.limit]):
        if left <= 0:
            break
        if coupon.available_cents is not None and coupon.currency != invoice.currency:
            continue
        matching = [index for index, fee in enumerate(invoice.fees) if _matches(coupon, fee)]
        if not matching:
            continue
        base = Decimal(left)
        if coupon.limit is not CouponLimit.NONE:
            base = sum((invoice.fees[index].amount_cents - shares[index] for index in matching), ZERO)
        amount = min(credit_of(coupon, base), left)
        if amount > 0:
            for index in matching:
                fee = invoice.fees[index]
                share = shares[index] + amount * (fee.amount_cents - shares[index]) / base
                shares[index] = min(round_half_up(share, SHARE_DECIMALS), Decimal(fee.amount_cents))
        rows.append(Credit(CreditKind.COUPON, coupon.id, amount))
        left -= amount
        total += amount
    return replace(invoice, shares=tuple(shares), credits=tuple(rows), coupons_amount_cents=total)


def credit_of(coupon: Coupon, base: Decimal) -> int:
    """What the coupon takes off a base, in whole cents and never more than the (rounded) base."""
    most = round_cents(base)
    if coupon.rate is not None:
        return min(most, round_cents(base * coupon.rate / 100))
    return min(most, coupon.available_cents or 0)


def _matches(coupon: Coupon, fee: FeeLine) -> bool:
    if coupon.limit is CouponLimit.METRICS:
        return fee.billable_metric_id in coupon.target_ids
    if coupon.limit is CouponLimit.PLANS:
        return not coupon.target_ids.isdisjoint(fee.plan_ids)
    return True
