"""Reading wallets and their movements."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.credits.wallets.queries import (
    TransactionFilter,
    WalletFilter,
    active_counts,
    linked_page,
    transaction_row,
    transaction_rows,
    transactions_page,
    wallet_row,
    wallets_page,
)
from domain.customers.queries import customer_row
from domain.kernel.ids import parse_id
from graphql_api.credits.wallet_enums import (
    WalletStatusEnum,
    WalletTransactionStatusEnum,
    WalletTransactionTransactionTypeEnum,
)
from graphql_api.credits.wallet_transaction_types import (
    WalletTransaction,
    WalletTransactionCollection,
    WalletTransactionConsumption,
    WalletTransactionConsumptionCollection,
    WalletTransactionFunding,
    WalletTransactionFundingCollection,
    linked_type,
    transaction_type,
)
from graphql_api.credits.wallet_types import Wallet, WalletCollection, WalletCollectionMetadata, wallet_type
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request

__all__ = ["WalletQueries"]


@strawberry.type
class WalletQueries:
    @strawberry.field
    @operation()
    async def wallet(self, info: Info, id: strawberry.ID) -> Wallet | None:
        async with read(info) as work:
            return wallet_type(await wallet_row(work.session, id))

    @strawberry.field
    @operation()
    async def wallets(
        self,
        info: Info,
        customer_id: strawberry.ID,
        ids: list[strawberry.ID] | None = None,
        limit: int | None = None,
        page: int | None = None,
        status: WalletStatusEnum | None = None,
    ) -> WalletCollection:
        """A customer's wallets, active ones first, in the order in which they are spent."""
        async with read(info) as work:
            customer = await customer_row(work.session, customer_id=parse_id(customer_id))
            wanted = WalletFilter(
                customer_id=customer.id,
                status=status.value if status else None,
                ids=[known for each in ids if (known := parse_id(each))] if ids else None,
            )
            found = await wallets_page(work.session, page_request(page, limit), wanted, spent_first=True)
            counts = await active_counts(work.session, [customer.id])
        return WalletCollection(
            collection=[wallet_type(row) for row in found.rows],
            metadata=WalletCollectionMetadata(
                current_page=found.request.number,
                customer_active_wallets_count=counts.get(customer.id, 0),
                limit_value=found.request.size,
                total_count=found.total_count,
                total_pages=found.total_pages,
            ),
        )

    @strawberry.field
    @operation()
    async def wallet_transaction(self, info: Info, id: strawberry.ID) -> WalletTransaction | None:
        async with read(info) as work:
            return transaction_type(await transaction_row(work.session, id))

    @strawberry.field
    @operation()
    async def wallet_transactions(
        self,
        info: Info,
        wallet_id: strawberry.ID,
        limit: int | None = None,
        page: int | None = None,
        status: WalletTransactionStatusEnum | None = None,
        transaction_type: WalletTransactionTransactionTypeEnum | None = None,
    ) -> WalletTransactionCollection:
        """A wallet's movements, newest first."""
        wanted = TransactionFilter(
            status.value if status else None, transaction_type.value if transaction_type else None
        )
        async with read(info) as work:
            wallet = await wallet_row(work.session, wallet_id)
            found = await transactions_page(work.session, page_request(page, limit), wallet.id, wanted)
        return WalletTransactionCollection(collection=_movements(found.rows), metadata=metadata_of(found))

    @strawberry.field
    @operation()
    async def wallet_transaction_consumptions(
        self, info: Info, wallet_transaction_id: strawberry.ID, limit: int | None = None, page: int | None = None
    ) -> WalletTransactionConsumptionCollection:
        """Where the money of an inbound movement went."""
        rows, metadata = await _linked(
            info, WalletTransactionConsumption, wallet_transaction_id, page, limit, fundings=False
        )
        return WalletTransactionConsumptionCollection(collection=rows, metadata=metadata)

    @strawberry.field
    @operation()
    async def wallet_transaction_fundings(
        self, info: Info, wallet_transaction_id: strawberry.ID, limit: int | None = None, page: int | None = None
    ) -> WalletTransactionFundingCollection:
        """Where the money of an outbound movement came from."""
        rows, metadata = await _linked(
            info, WalletTransactionFunding, wallet_transaction_id, page, limit, fundings=True
        )
        return WalletTransactionFundingCollection(collection=rows, metadata=metadata)


def _movements(rows: Any) -> list[WalletTransaction]:
    return [transaction_type(row) for row in rows]


async def _linked(
    info: Info, kind: type[Any], transaction_id: str, page: int | None, limit: int | None, *, fundings: bool
) -> tuple[list[Any], Any]:
    async with read(info) as work:
        found = await linked_page(work.session, page_request(page, limit), transaction_id, fundings=fundings)
        others = await transaction_rows(work.session, {row.transaction_id for row in found.rows})
    return [linked_type(kind, row, others[row.transaction_id]) for row in found.rows], metadata_of(found)
