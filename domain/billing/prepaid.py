"""Prepaid credits on the invoices of a run: what is left after credit notes is taken from the wallets.

Source: handbook, subscriptions 5.6 and credits 5.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from domain.billing.assemble import Built
from domain.credits.wallets.allocation import Bucket
from domain.credits.wallets.flags import flag_customers
from domain.credits.wallets.spend import Purses, Spending, open_purses, peek_purses, record_spendings
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["deduct_prepaid", "record_prepaid"]

SPENT_ON: Final = ("subscription", "progressive_billing")


async def deduct_prepaid(work: UnitOfWork, built: Sequence[Built], *, locked: bool = True) -> list[Built]:
    """These invoices with what wallets pay of them, the final ones in their order; nothing is written.

    Several of one customer are served one after the other. locked: the wallets are kept until the commit; False for an
    invoice that is only shown. Two statements at most.
    """
    customers = {each.rows.invoice["customer_id"] for each in built if _can_be_paid(each)}
    if not customers:
        return list(built)
    purses = await (open_purses if locked else peek_purses)(work.session, customers)
    return [_paid(each, purses) if _can_be_paid(each) else each for each in built]


async def record_prepaid(work: UnitOfWork, built: Sequence[Built]) -> None:
    """Writes what wallets pay of these invoices, which are written, and has the customers' ongoing balances computed
    anew. Four statements at most."""
    await record_spendings(work, {each.target.invoice_id: each.prepaid for each in built if each.prepaid.parts})
    await flag_customers(work, {each.rows.invoice["customer_id"] for each in built})


def _can_be_paid(each: Built) -> bool:
    invoice = each.rows.invoice
    spends = invoice["status"] in ("finalized", "open") and invoice["invoice_type"] in SPENT_ON
    return spends and invoice["total_amount_cents"] > 0


def _paid(each: Built, purses: Purses) -> Built:
    invoice = each.rows.invoice
    total = invoice["total_amount_cents"]
    fees = [
        (Bucket(fee.fee_type, fee.billable_metric_id, fee.target_wallet_code), fee.cents) for fee in each.rows.payable
    ]
    spending = purses.pay(invoice["customer_id"], invoice["currency"], fees, total)
    if not spending.parts:
        return each
    return replace(each, rows=replace(each.rows, invoice={**invoice, **_columns(spending, total)}), prepaid=spending)


def _columns(spending: Spending, total_cents: int) -> dict[str, object]:
    left = total_cents - spending.cents
    assert left >= 0, "no more than the total is paid"
    return {
        "prepaid_credit_amount_cents": spending.cents,
        "prepaid_granted_credit_amount_cents": spending.granted_cents or None,
        "prepaid_purchased_credit_amount_cents": spending.purchased_cents or None,
        "total_amount_cents": left,
        "payment_status": "pending" if left else "succeeded",
    }
