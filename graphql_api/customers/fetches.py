"""What belongs to customers, read for all customers of an answer at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from domain.customers import queries
from domain.customers.applicable_sections import applicable_sections
from domain.customers.models import CustomerCustomSection
from domain.identity.custom_sections import sections_of
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.customers.parts import CustomerMetadata
from graphql_api.identity.custom_sections import InvoiceCustomSection, section_type

if TYPE_CHECKING:
    from graphql_api.subscriptions.types import Subscription

__all__ = [
    "SubscriptionsKey", "fetch_active_subscriptions", "fetch_in_use", "fetch_metadata", "fetch_overdue",
    "fetch_own_sections", "fetch_sections", "fetch_subscriptions_of",
]  # fmt: skip

SubscriptionsKey = tuple[UUID, tuple[str, ...]]
"""A customer and the statuses that are asked for."""


async def fetch_metadata(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[CustomerMetadata]]:
    rows = await queries.metadata_of_customers(work.session, ids)
    names = ("id", "key", "value", "display_in_invoice", "created_at", "updated_at")
    return {
        customer_id: [CustomerMetadata(**{name: getattr(row, name) for name in names}) for row in metadata]
        for customer_id, metadata in rows.items()
    }


async def fetch_sections(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceCustomSection]]:
    found = await applicable_sections(work.session, await queries.customer_rows(work.session, ids))
    return {customer_id: [section_type(row) for row in rows] for customer_id, rows in found.items()}


async def fetch_own_sections(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, bool]:
    found = await sections_of(work.session, CustomerCustomSection, "customer_id", ids)
    return {each: any(row.section_type == "manual" for row in rows) for each, rows in found.items()}


async def fetch_active_subscriptions(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, int]:
    return await queries.subscription_counts(work.session, ids)


async def fetch_in_use(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, bool]:
    return dict.fromkeys(await queries.customers_in_use(work.session, ids), True)


async def fetch_overdue(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, bool]:
    return dict.fromkeys(await queries.customers_with_overdue_invoices(work.session, ids), True)


async def fetch_subscriptions_of(
    work: UnitOfWork, keys: list[SubscriptionsKey]
) -> dict[SubscriptionsKey, list[Subscription]]:
    """Two statements for each set of statuses that is asked for."""
    from graphql_api.subscriptions.types import fetch_subscriptions

    found: dict[SubscriptionsKey, list[Subscription]] = {}
    for statuses in {statuses for _, statuses in keys}:
        customer_ids = [customer_id for customer_id, asked in keys if asked == statuses]
        ids = await queries.subscription_ids_of_customers(work.session, customer_ids, statuses)
        rows = await fetch_subscriptions(work, [one for listed in ids.values() for one in listed])
        for customer_id, listed in ids.items():
            found[customer_id, statuses] = [rows[one] for one in listed]
    return found
