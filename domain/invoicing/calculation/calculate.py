"""An invoice's amounts: plain steps in order (subscriptions handbook, section 5.6).

Read a list from top to bottom to see what happens to an invoice. Prepaid credits come after these steps: they are drawn
from the wallets' rows, which belong to the credits context, off `total_amount_cents`.
"""

from collections.abc import Callable, Sequence
from typing import Final

from domain.invoicing.calculation.coupons import spend_coupons
from domain.invoicing.calculation.credit_notes import spend_credit_notes
from domain.invoicing.calculation.fees import sum_fees
from domain.invoicing.calculation.progressive import credit_progressive_billing
from domain.invoicing.calculation.state import Calculation
from domain.invoicing.calculation.taxes import calculate_taxes

Step = Callable[[Calculation], Calculation]

FINALIZED: Final[Sequence[Step]] = (
    sum_fees,
    credit_progressive_billing,
    spend_coupons,
    calculate_taxes,
    spend_credit_notes,
)
"""A subscription invoice at finalization."""

DRAFT: Final[Sequence[Step]] = (sum_fees, credit_progressive_billing, calculate_taxes)
"""A draft, and its refresh: coupons and credit notes are left alone until it is finalized."""

ONE_OFF: Final[Sequence[Step]] = (sum_fees, calculate_taxes)
"""No coupon, credit note or wallet touches a one-off invoice."""


def calculate(invoice: Calculation, steps: Sequence[Step] = FINALIZED) -> Calculation:
    """The invoice with every step applied. Pure: the same input gives the same amounts."""
    for step in steps:
        invoice = step(invoice)
    return invoice
