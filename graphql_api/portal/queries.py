"""What a customer reads in its portal: all of it the customer's own. Source: handbook, platform 12."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import Info

from domain.credits.wallets.queries import WalletFilter, wallet_row, wallets_page
from domain.customers.queries import customer_row
from domain.identity.queries import organization_row
from domain.insight import analytics
from domain.insight.analytics import YEAR, Wanted
from domain.invoicing.queries import InvoiceFilter, invoices_page
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.current_usage import CurrentUsage, current_usage
from domain.metering.projection import projected
from domain.subscriptions.queries import SubscriptionFilters, list_rows, rows_by_ids
from graphql_api.credits.wallet_enums import WalletStatusEnum
from graphql_api.insight.analytics import (
    FinalizedInvoiceCollectionCollection,
    OverdueBalanceCollection,
    invoice_collections_type,
    overdue_balances_type,
)
from graphql_api.invoicing.enums import InvoiceStatusTypeEnum
from graphql_api.invoicing.types import InvoiceCollection, invoice_type
from graphql_api.metering.usage_types import (
    CustomerProjectedUsage,
    CustomerUsage,
    customer_projected_usage_type,
    customer_usage_type,
)
from graphql_api.operations import portal_only, read, visitor
from graphql_api.pagination import metadata_of, page_request
from graphql_api.portal.types import (
    CustomerPortalCustomer,
    CustomerPortalOrganization,
    CustomerPortalWallet,
    CustomerPortalWalletCollection,
    portal_customer,
    portal_organization,
    portal_wallet,
)
from graphql_api.subscriptions.types import StatusTypeEnum, Subscription, SubscriptionCollection, subscription_type

__all__ = ["PortalQueries"]


@strawberry.type
class PortalQueries:
    @strawberry.field
    @portal_only
    async def customer_portal_user(self, info: Info) -> CustomerPortalCustomer | None:
        async with read(info) as work:
            return portal_customer(await _self(info, work))

    @strawberry.field
    @portal_only
    async def customer_portal_organization(self, info: Info) -> CustomerPortalOrganization | None:
        async with read(info) as work:
            return portal_organization(await organization_row(work))

    @strawberry.field
    @portal_only
    async def customer_portal_invoices(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        search_term: str | None = None,
        status: list[InvoiceStatusTypeEnum] | None = None,
    ) -> InvoiceCollection:
        """The latest issued first."""
        wanted = InvoiceFilter(
            customer_id=visitor(info).customer_id,
            statuses=[one.value for one in status or ()],
            search_term=search_term,
        )
        async with read(info) as work:
            found = await invoices_page(work.session, page_request(page, limit), wanted)
        return InvoiceCollection(collection=[invoice_type(row) for row in found.rows], metadata=metadata_of(found))

    @strawberry.field
    @portal_only
    async def customer_portal_invoice_collections(
        self, info: Info, expire_cache: bool | None = None
    ) -> FinalizedInvoiceCollectionCollection:
        """Finalized invoices of the last twelve months by payment status. Figures are new each time."""
        async with read(info) as work:
            return invoice_collections_type(await analytics.invoice_collections(work, await _wanted(info, work, YEAR)))

    @strawberry.field
    @portal_only
    async def customer_portal_overdue_balances(
        self, info: Info, expire_cache: bool | None = None
    ) -> OverdueBalanceCollection:
        """All that should have been paid, by month of the due date. Figures are new each time."""
        async with read(info) as work:
            return overdue_balances_type(await analytics.overdue_balances(work, await _wanted(info, work)))

    @strawberry.field
    @portal_only
    async def customer_portal_subscription(self, info: Info, id: strawberry.ID) -> Subscription | None:
        identifier = parse_id(id)
        async with read(info) as work:
            rows = await rows_by_ids(work.session, [identifier] if identifier else [])
        if not rows or rows[0].customer_id != visitor(info).customer_id:
            raise NotFound("subscription")
        return subscription_type(rows[0])

    @strawberry.field
    @portal_only
    async def customer_portal_subscriptions(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        plan_code: str | None = None,
        status: list[StatusTypeEnum] | None = None,
        currency: str | None = None,
    ) -> SubscriptionCollection:
        """Of any status, unless some are asked for."""
        wanted = SubscriptionFilters(
            customer_ids=[visitor(info).customer_id],
            statuses=[one.value for one in status or ()],
            plan_code=plan_code,
            currency=currency,
        )
        async with read(info) as work:
            found = await list_rows(work.session, wanted, page_request(page, limit))
        return SubscriptionCollection(
            collection=[subscription_type(row) for row in found.rows], metadata=metadata_of(found)
        )

    @strawberry.field
    @portal_only
    async def customer_portal_customer_usage(self, info: Info, subscription_id: strawberry.ID) -> CustomerUsage:
        async with read(info) as work:
            return customer_usage_type(await _usage(info, work, subscription_id))

    @strawberry.field
    @portal_only
    async def customer_portal_customer_projected_usage(
        self, info: Info, subscription_id: strawberry.ID
    ) -> CustomerProjectedUsage:
        async with read(info) as work:
            usage = await _usage(info, work, subscription_id)
            return customer_projected_usage_type(projected(usage, clock.now()))

    @strawberry.field
    @portal_only
    async def customer_portal_wallet(self, info: Info, id: strawberry.ID) -> CustomerPortalWallet | None:
        async with read(info) as work:
            row = await wallet_row(work.session, id)
        if row.customer_id != visitor(info).customer_id:
            raise NotFound("wallet")
        return portal_wallet(row)

    @strawberry.field
    @portal_only
    async def customer_portal_wallets(
        self, info: Info, page: int | None = None, limit: int | None = None, status: WalletStatusEnum | None = None
    ) -> CustomerPortalWalletCollection:
        """Active ones, unless others are asked for, in the order in which they are spent."""
        wanted = WalletFilter(
            customer_id=visitor(info).customer_id, status=(status or WalletStatusEnum.active).value
        )  # fmt: skip
        async with read(info) as work:
            found = await wallets_page(work.session, page_request(page, limit), wanted, spent_first=True)
        return CustomerPortalWalletCollection(
            collection=[portal_wallet(row) for row in found.rows], metadata=metadata_of(found)
        )


async def _self(info: Info, work: UnitOfWork) -> Any:
    return await customer_row(work.session, customer_id=visitor(info).customer_id)


async def _wanted(info: Info, work: UnitOfWork, months: int | None = None) -> Wanted:
    """Figures of the customer, in its currency where it has one."""
    row = await _self(info, work)
    return Wanted(months=months, currency=row.currency, customer_id=row.id)


async def _usage(info: Info, work: UnitOfWork, subscription_id: str) -> CurrentUsage:
    return await current_usage(
        work, customer_id=str(visitor(info).customer_id), subscription_id=subscription_id, apply_taxes=False
    )
