"""Step 1: the sum of the fees."""

from dataclasses import replace

from domain.invoicing.calculation.state import Calculation
from domain.kernel.money import ZERO


def sum_fees(invoice: Calculation) -> Calculation:
    """Fees are rounded one by one, so their sum is exact."""
    return replace(
        invoice,
        fees_amount_cents=sum(fee.amount_cents for fee in invoice.fees),
        shares=tuple(fee.coupon_share for fee in invoice.fees),
        note_shares=(ZERO,) * len(invoice.fees),
    )
