"""The taxes that a one-off invoice would have, line by line; nothing is stored. Source: platform handbook, 21."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.billing.one_off import create_one_off_invoice
from domain.customers.models import Customer
from domain.invoicing.fee_queries import fees_of_invoices, taxes_of_fees
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["draft_taxes"]


async def draft_taxes(work: UnitOfWork, customer: Customer, params: Mapping[str, Any]) -> list[tuple[Any, list[Any]]]:
    """The lines as rows of `fee_queries`, each with its taxes. params and refusals: of `create_one_off_invoice`.

    The invoice is made and taken back again.
    """
    recorded = work.recorded
    async with work.session.begin_nested() as nested:
        invoice_id = await create_one_off_invoice(work, customer, params)
        fees = (await fees_of_invoices(work.session, [invoice_id])).get(invoice_id, [])
        taxes = await taxes_of_fees(work.session, [fee.id for fee in fees])
        await nested.rollback()
    work.forget_since(recorded)
    return [(fee, taxes.get(fee.id, [])) for fee in fees]
