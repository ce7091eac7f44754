"""Queries of customers."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.customers import queries
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from graphql_api.customers.enums import CustomerAccountTypeEnum, CustomerTypeEnum
from graphql_api.customers.inputs import CustomerMetadataFilter
from graphql_api.customers.types import Customer, CustomerCollection, customer_type
from graphql_api.enums import CountryCode, CurrencyEnum
from graphql_api.operations import operation, read
from graphql_api.pagination import metadata_of, page_request

__all__ = ["CustomersQueries"]


@strawberry.type
class CustomersQueries:
    @strawberry.field
    @operation(permission="customers:view")
    async def customer(
        self, info: Info, id: strawberry.ID | None = None, external_id: strawberry.ID | None = None
    ) -> Customer | None:
        if id is None and external_id is None:
            raise NotFound("customer")
        async with read(info) as work:
            if id is not None:
                return customer_type(await queries.customer_row(work.session, customer_id=parse_id(id)))
            return customer_type(await queries.customer_row(work.session, external_id=str(external_id)))

    @strawberry.field
    @operation(permission="customers:view")
    async def customers(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        search_term: str | None = None,
        external_id: str | None = None,
        account_type: list[CustomerAccountTypeEnum] | None = None,
        customer_type: CustomerTypeEnum | None = None,
        has_customer_type: bool | None = None,
        has_tax_identification_number: bool | None = None,
        active_subscriptions_count_from: int | None = None,
        active_subscriptions_count_to: int | None = None,
        billing_entity_ids: list[strawberry.ID] | None = None,
        countries: list[CountryCode] | None = None,
        currencies: list[CurrencyEnum] | None = None,
        states: list[str] | None = None,
        zipcodes: list[str] | None = None,
        metadata: list[CustomerMetadataFilter] | None = None,
        with_deleted: bool | None = None,
    ) -> CustomerCollection:
        wanted = queries.CustomerFilter(
            search_term=search_term,
            external_id=external_id,
            account_types=[one.value for one in account_type or ()],
            customer_type=customer_type.value if customer_type else None,
            has_customer_type=has_customer_type,
            has_tax_identification_number=has_tax_identification_number,
            active_subscriptions_from=active_subscriptions_count_from,
            active_subscriptions_to=active_subscriptions_count_to,
            billing_entity_ids=[entity for one in billing_entity_ids or () if (entity := parse_id(one)) is not None],
            countries=[one.value for one in countries or ()],
            currencies=[one.value for one in currencies or ()],
            states=states or (),
            zipcodes=zipcodes or (),
            metadata={one.key: one.value for one in metadata or ()},
            with_deleted=bool(with_deleted),
        )
        async with read(info) as work:
            found = await queries.customers_page(work.session, page_request(page, limit), wanted)
        return CustomerCollection(collection=[_shown(row) for row in found.rows], metadata=metadata_of(found))


# The argument `customer_type` hides the function of that name.
_shown = customer_type
