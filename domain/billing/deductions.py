"""What lowers invoices beyond their fees: read for all customers of a build at once, spent invoice by invoice.

A run may make several invoices of one customer. They are computed one after the other from the customer's purse, so
nothing is spent twice; the rows stay locked until the commit, so that another run over the customer waits and then
finds what is left. Source: handbook, credits 1.4 and 3.5, subscriptions 8.

A further kind of deduction is read in `load_purses`, offered and taken in `Purse`, and settled in `store_deductions`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from domain.billing.assemble import Built
from domain.billing.purse import Purse, used_coupons
from domain.credits.coupon_life import AppliedTerms
from domain.credits.spend_coupons import active_coupons, keep_coupons
from domain.credits.spend_notes import open_notes, spend_notes
from domain.credits.write_credits import credit_rows, forget_credits, insert_credits
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["load_purses", "store_deductions"]


async def load_purses(work: UnitOfWork, customer_ids: Collection[UUID]) -> Mapping[UUID, Purse]:
    """What each of these customers has, locked. Three statements at most, for any number of customers."""
    coupons = await active_coupons(work, customer_ids)
    notes = await open_notes(work, customer_ids)
    return {customer: Purse(coupons.get(customer, ()), notes.get(customer, ())) for customer in customer_ids}


async def store_deductions(work: UnitOfWork, built: Sequence[Built]) -> None:
    """Writes the credits of invoices that were written, and what became of their sources. Four statements at most.

    built: in the order in which they were computed; an invoice that was not written is left out and took nothing.
    """
    rebuilt = [each.target.invoice_id for each in built if each.target.exists]
    if rebuilt:
        await forget_credits(work, rebuilt)
    rows = []
    coupons: dict[UUID, AppliedTerms] = {}
    for each in built:
        if not each.rows.credits:
            continue
        invoice = each.rows.invoice
        rows += credit_rows(each.target.invoice_id, invoice["currency"], each.rows.credits, each.target.created_at)
        coupons |= used_coupons({**each.purse.coupons, **coupons}, each.rows.credits)
    await insert_credits(work, rows)
    await keep_coupons(work, list(coupons.values()))
    await spend_notes(work, [credit for each in built for credit in each.rows.credits])
