"""Reads of customers. Lists of ids in, rows by id out: N rows never cost N statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.models import Customer, CustomerMetadata, PendingViesCheck
from domain.identity.models import BillingEntity
from domain.kernel.errors import NotFound
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "CustomerFilter", "connections_of_customers", "customer_row", "customer_rows", "customers_in_use", "customers_page",
    "customers_with_overdue_invoices", "failed_checks", "find_by_external_id", "metadata_of_customers",
    "subscription_counts", "subscription_ids_of_customers", "taxes_of_customers",
]  # fmt: skip

RowOf = sa.Row[Any]

_customers, _metadata, _entities = table(Customer), table(CustomerMetadata), table(BillingEntity)
_subscriptions = sa.table(
    "subscriptions",
    sa.column("id", sa.Uuid),
    sa.column("customer_id", sa.Uuid),
    sa.column("status", sa.Text),
    sa.column("subscription_at", sa.DateTime(timezone=True)),
)
_customer_taxes = sa.table(
    "customer_taxes", sa.column("id", sa.Uuid), sa.column("customer_id", sa.Uuid), sa.column("tax_id", sa.Uuid)
)
_taxes = sa.table(
    "taxes",
    sa.column("id", sa.Uuid),
    sa.column("organization_id", sa.Uuid),
    sa.column("name", sa.Text),
    sa.column("code", sa.Text),
    sa.column("rate", sa.Numeric),
    sa.column("description", sa.Text),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("deleted_at", sa.DateTime(timezone=True)),
)
_connections = sa.table(
    "payment_provider_customers",
    sa.column("customer_id", sa.Uuid),
    sa.column("provider_type", sa.Text),
    sa.column("provider_customer_id", sa.Text),
    sa.column("sync_with_provider", sa.Boolean),
    sa.column("provider_payment_methods", ARRAY(sa.Text)),
    sa.column("deleted_at", sa.DateTime(timezone=True)),
)
_entity_taxes = sa.table("billing_entity_taxes", sa.column("billing_entity_id", sa.Uuid), sa.column("tax_id", sa.Uuid))
_invoices = sa.table("invoices", sa.column("customer_id", sa.Uuid), sa.column("payment_overdue", sa.Boolean))

_active_count = (
    sa.select(sa.func.count())
    .select_from(_subscriptions)
    .where(_subscriptions.c.customer_id == _customers.c.id, _subscriptions.c.status == "active")
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers; empty asks for all. metadata: value by key, a blank value for customers without that key."""

    search_term: str | None = None
    external_id: str | None = None
    account_types: Collection[str] = ()
    customer_type: str | None = None
    has_customer_type: bool | None = None
    has_tax_identification_number: bool | None = None
    countries: Collection[str] = ()
    states: Collection[str] = ()
    zipcodes: Collection[str] = ()
    currencies: Collection[str] = ()
    billing_entity_ids: Collection[UUID] = ()
    billing_entity_codes: Collection[str] = ()
    active_subscriptions_from: int | None = None
    active_subscriptions_to: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    with_deleted: bool = False


def _select() -> sa.Select[Any]:
    """Customers with `billing_entity_code` and `applicable_timezone`."""
    return sa.select(
        *_customers.c,
        _entities.c.code.label("billing_entity_code"),
        sa.func.coalesce(_customers.c.timezone, _entities.c.timezone).label("applicable_timezone"),
    ).join(_entities, _entities.c.id == _customers.c.billing_entity_id)


async def customers_page(
    session: AsyncSession, request: PageRequest, wanted: CustomerFilter | None = None
) -> Page[RowOf]:
    """Newest first; two statements."""
    wanted = wanted or CustomerFilter()
    select = _select().where(*_conditions(wanted))
    total = await session.scalar(sa.select(sa.func.count()).select_from(select.subquery())) or 0
    if request.offset >= total:
        return Page((), total, request)
    ordered = select.order_by(_customers.c.created_at.desc(), _customers.c.id.desc())
    rows = await session.execute(ordered.limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


def _conditions(wanted: CustomerFilter) -> list[sa.ColumnElement[bool]]:
    c = _customers.c
    conditions: list[sa.ColumnElement[bool]] = []
    if not wanted.with_deleted:
        conditions.append(c.deleted_at.is_(None))
    if wanted.search_term and wanted.search_term.strip():
        term = wanted.search_term.strip()[:255]
        searched = (c.name, c.firstname, c.lastname, c.legal_name, c.external_id, c.email)
        conditions.append(sa.or_(*(column.icontains(term, autoescape=True) for column in searched)))
    if wanted.external_id:
        conditions.append(c.external_id == wanted.external_id)
    listed: tuple[tuple[sa.Column[Any], Collection[Any]], ...] = (
        (c.account_type, wanted.account_types), (c.country, wanted.countries), (c.state, wanted.states),
        (c.zipcode, wanted.zipcodes), (c.currency, wanted.currencies),
        (c.billing_entity_id, wanted.billing_entity_ids), (_entities.c.code, wanted.billing_entity_codes),
    )  # fmt: skip
    conditions += [column.in_(values) for column, values in listed if values]
    if wanted.customer_type:
        conditions.append(c.customer_type == wanted.customer_type)
    for column, present in (
        (c.customer_type, wanted.has_customer_type),
        (c.tax_identification_number, wanted.has_tax_identification_number),
    ):
        if present is not None:
            conditions.append(column.is_not(None) if present else column.is_(None))
    if wanted.active_subscriptions_from is not None:
        conditions.append(_active_count >= wanted.active_subscriptions_from)
    if wanted.active_subscriptions_to is not None:
        conditions.append(_active_count <= wanted.active_subscriptions_to)
    for key, value in wanted.metadata.items():
        having = sa.and_(_metadata.c.customer_id == c.id, _metadata.c.key == key)
        if value.strip():
            conditions.append(sa.exists().where(having, _metadata.c.value == value))
        else:
            conditions.append(~sa.exists().where(having))
    return conditions


async def customer_row(
    session: AsyncSession, *, customer_id: UUID | None = None, external_id: str | None = None
) -> RowOf:
    """A kept customer. Raises NotFound."""
    wanted = _customers.c.external_id == external_id if external_id is not None else _customers.c.id == customer_id
    rows = await session.execute(_select().where(wanted, _customers.c.deleted_at.is_(None)))
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("customer")
    return row


async def customer_rows(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Customers by id, deleted ones as well."""
    if not customer_ids:
        return {}
    return {row.id: row for row in await session.execute(_select().where(_customers.c.id.in_(customer_ids)))}


async def metadata_of_customers(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The metadata rows of each customer, oldest first."""
    metadata: dict[UUID, list[RowOf]] = defaultdict(list)
    if customer_ids:
        rows = await session.execute(
            sa.select(*_metadata.c)
            .where(_metadata.c.customer_id.in_(customer_ids))
            .order_by(_metadata.c.customer_id, _metadata.c.created_at, _metadata.c.id)
        )
        for row in rows:
            metadata[row.customer_id].append(row)
    return metadata


async def customers_in_use(session: AsyncSession, customer_ids: Sequence[UUID]) -> set[UUID]:
    """Those that have a subscription or an invoice of any status: their currency and external id stay."""
    used = sa.union(
        sa.select(_subscriptions.c.customer_id).where(_subscriptions.c.customer_id.in_(customer_ids)),
        sa.select(_invoices.c.customer_id).where(_invoices.c.customer_id.in_(customer_ids)),
    )
    return set(await session.scalars(used))


async def subscription_counts(session: AsyncSession, customer_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many active subscriptions each has; customers without one are left out."""
    rows = await session.execute(
        sa.select(_subscriptions.c.customer_id, sa.func.count())
        .where(_subscriptions.c.customer_id.in_(customer_ids), _subscriptions.c.status == "active")
        .group_by(_subscriptions.c.customer_id)
    )
    return {row[0]: row[1] for row in rows}


async def find_by_external_id(session: AsyncSession, external_id: str) -> RowOf | None:
    """A kept customer, or None."""
    rows = await session.execute(
        _select().where(_customers.c.external_id == external_id, _customers.c.deleted_at.is_(None))
    )
    row: RowOf | None = rows.first()
    return row


async def customers_with_overdue_invoices(session: AsyncSession, customer_ids: Sequence[UUID]) -> set[UUID]:
    """Those that have an invoice past its due date."""
    rows = await session.scalars(
        sa.select(_invoices.c.customer_id)
        .where(_invoices.c.customer_id.in_(customer_ids), _invoices.c.payment_overdue)
        .distinct()
    )
    return set(rows)


async def failed_checks(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """The checks of VAT numbers that the register has not answered, with what it said last; one statement."""
    c = table(PendingViesCheck).c
    query = sa.select(*c).where(c.customer_id.in_(customer_ids), c.last_error.is_not(None))
    return {row.customer_id: row for row in await session.execute(query)}


async def subscription_ids_of_customers(
    session: AsyncSession, customer_ids: Collection[UUID], statuses: Collection[str]
) -> dict[UUID, list[UUID]]:
    """The ids of each customer's subscriptions of these statuses, latest start first."""
    rows = await session.execute(
        sa.select(_subscriptions.c.customer_id, _subscriptions.c.id)
        .where(_subscriptions.c.customer_id.in_(customer_ids), _subscriptions.c.status.in_(statuses))
        .order_by(_subscriptions.c.subscription_at.desc(), _subscriptions.c.id.desc())
    )
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for row in rows:
        found[row.customer_id].append(row.id)
    return found


async def taxes_of_customers(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The taxes put on each customer itself, with `applied_to_organization`, in the order in which they were put."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if customer_ids:
        default = sa.exists().where(
            _entity_taxes.c.tax_id == _taxes.c.id, _entity_taxes.c.billing_entity_id == _taxes.c.organization_id
        )
        select: sa.Select[Any] = (
            sa.select(*_taxes.c, default.label("applied_to_organization"), _customer_taxes.c.customer_id)
            .join_from(_customer_taxes, _taxes, _taxes.c.id == _customer_taxes.c.tax_id)
            .where(_customer_taxes.c.customer_id.in_(customer_ids), _taxes.c.deleted_at.is_(None))
            .order_by(_customer_taxes.c.id)
        )
        for row in await session.execute(select):
            found[row.customer_id].append(row)
    return found


async def connections_of_customers(session: AsyncSession, customers: Mapping[UUID, Any]) -> dict[UUID, RowOf]:
    """What customers (rows by id) are called at the provider that they pay with. One statement, none where nobody pays
    with any."""
    types = {(key, row.payment_provider) for key, row in customers.items() if row.payment_provider is not None}
    if not types:
        return {}
    p = _connections.c
    rows = await session.execute(
        sa.select(*p).where(sa.tuple_(p.customer_id, p.provider_type).in_(types), p.deleted_at.is_(None))
    )
    return {row.customer_id: row for row in rows}
