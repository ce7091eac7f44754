"""What a customer owes and should have paid."""

from __future__ import annotations

from uuid import UUID

import strawberry

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.campaign_queries import overdue_balances
from graphql_api.enums import CurrencyEnum
from graphql_api.scalars import BigInt

__all__ = ["CustomerOverdueBalance", "fetch_overdue_balances"]


@strawberry.type
class CustomerOverdueBalance:
    """The totals of overdue invoices of one currency: what dunning campaigns compare with their thresholds."""

    amount_cents: BigInt
    currency: CurrencyEnum


async def fetch_overdue_balances(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[CustomerOverdueBalance]]:
    """Of each customer, by currency."""
    return {
        key: [
            CustomerOverdueBalance(amount_cents=BigInt(cents), currency=CurrencyEnum(currency))
            for currency, cents in sorted(balances.items())
        ]
        for key, balances in (await overdue_balances(work.session, ids)).items()
    }
