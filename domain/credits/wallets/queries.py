"""Reads of wallets and their movements. Lists of ids in, rows by id out: N rows never cost N statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.models import BillableMetric
from domain.credits.wallets.models import (
    RecurringTransactionRule,
    Wallet,
    WalletConsumption,
    WalletTarget,
    WalletTransaction,
)
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table

__all__ = [
    "TransactionFilter", "WalletFilter", "active_counts", "bought_with", "customers_with_wallets", "linked_page",
    "metrics_of_wallets", "rules_of_wallets", "transaction_row", "transaction_rows", "transactions_page",
    "wallet_id_by_code", "wallet_row", "wallet_rows", "wallets_page",
]  # fmt: skip

RowOf = sa.Row[Any]
_wallets, _customers, _entities = table(Wallet), table(Customer), table(BillingEntity)
_transactions, _consumptions = table(WalletTransaction), table(WalletConsumption)
_rules, _targets, _metrics = table(RecurringTransactionRule), table(WalletTarget), table(BillableMetric)


@dataclass(frozen=True, slots=True)
class WalletFilter:
    """Which wallets; empty asks for all."""

    customer_id: UUID | None = None
    external_customer_id: str | None = None
    currency: str | None = None
    status: str | None = None
    billing_entity_ids: Collection[UUID] | None = None
    ids: Collection[UUID] | None = None


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which movements of a wallet. metadata: values by key, all of which must be there."""

    status: str | None = None
    transaction_type: str | None = None
    transaction_status: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def _select() -> sa.Select[Any]:
    """Wallets with `external_customer_id` and `billing_entity_code`, the customer's where the wallet has none."""
    entity = sa.func.coalesce(_wallets.c.billing_entity_id, _customers.c.billing_entity_id)
    return (
        sa.select(
            *_wallets.c,
            _customers.c.external_id.label("external_customer_id"),
            _entities.c.code.label("billing_entity_code"),
        )
        .join(_customers, _customers.c.id == _wallets.c.customer_id)
        .join(_entities, _entities.c.id == entity)
    )


async def wallets_page(
    session: AsyncSession, request: PageRequest, wanted: WalletFilter, *, spent_first: bool = False
) -> Page[RowOf]:
    """Newest first, or in the order in which they are spent; two statements."""
    w = _wallets.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.customer_id is not None:
        conditions.append(w.customer_id == wanted.customer_id)
    if wanted.external_customer_id is not None:
        conditions.append(_customers.c.external_id == wanted.external_customer_id)
        conditions.append(_customers.c.deleted_at.is_(None))
    if wanted.currency:
        conditions.append(w.currency == wanted.currency)
    if wanted.status:
        conditions.append(w.status == wanted.status)
    if wanted.billing_entity_ids is not None:
        conditions.append(_entities.c.id.in_(wanted.billing_entity_ids))
    if wanted.ids is not None:
        conditions.append(w.id.in_(wanted.ids))
    select = _select().where(*conditions)
    order = [w.status, w.priority, w.created_at, w.id] if spent_first else [w.created_at.desc(), w.id.desc()]
    return await _page(session, request, select, order)


async def _page(
    session: AsyncSession, request: PageRequest, select: sa.Select[Any], order: Sequence[Any]
) -> Page[RowOf]:
    total = await session.scalar(select.with_only_columns(sa.func.count())) or 0
    if request.offset >= total:
        return Page((), total, request)
    rows = await session.execute(select.order_by(*order).limit(request.size).offset(request.offset))
    return Page(rows.all(), total, request)


async def wallet_row(session: AsyncSession, wallet_id: object) -> RowOf:
    """One wallet. Raises NotFound, also for an id that can't exist."""
    row: RowOf | None = (await session.execute(_select().where(_wallets.c.id == parse_id(wallet_id)))).first()
    if row is None:
        raise NotFound("wallet")
    return row


async def wallet_rows(session: AsyncSession, wallet_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Wallets by id."""
    if not wallet_ids:
        return {}
    return {row.id: row for row in await session.execute(_select().where(_wallets.c.id.in_(wallet_ids)))}


async def wallet_id_by_code(session: AsyncSession, external_customer_id: str, code: str) -> UUID:
    """A customer's wallet of this code: the active one, else the one that ended last.

    Raises NotFound("customer"), NotFound("wallet").
    """
    kept = sa.and_(_customers.c.external_id == external_customer_id, _customers.c.deleted_at.is_(None))
    customer_id = await session.scalar(sa.select(_customers.c.id).where(kept))
    if customer_id is None:
        raise NotFound("customer")
    w = _wallets.c
    query = sa.select(w.id).where(w.customer_id == customer_id, w.code == code)
    found: UUID | None = await session.scalar(query.order_by(w.status, w.terminated_at.desc(), w.id.desc()).limit(1))
    if found is None:
        raise NotFound("wallet")
    return found


async def rules_of_wallets(session: AsyncSession, wallet_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The active rules of each wallet."""
    query = sa.select(*_rules.c).where(_rules.c.wallet_id.in_(wallet_ids), _rules.c.status == "active")
    return await _by_wallet(session, query.order_by(_rules.c.id), wallet_ids)


async def metrics_of_wallets(session: AsyncSession, wallet_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The id and code of the metrics that each wallet is limited to, in the order in which they were named."""
    query = (
        sa.select(_targets.c.wallet_id, _metrics.c.id, _metrics.c.code)
        .join(_metrics, _metrics.c.id == _targets.c.billable_metric_id)
        .where(_targets.c.wallet_id.in_(wallet_ids))
        .order_by(_targets.c.id)
    )
    return await _by_wallet(session, query, wallet_ids)


async def _by_wallet(
    session: AsyncSession, query: sa.Select[Any], wallet_ids: Collection[UUID]
) -> dict[UUID, list[RowOf]]:
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if wallet_ids:
        for row in await session.execute(query):
            found[row.wallet_id].append(row)
    return found


async def customers_with_wallets(session: AsyncSession, customer_ids: Collection[UUID]) -> set[UUID]:
    """Those of these customers that have an active wallet."""
    return set(await active_counts(session, customer_ids))


async def active_counts(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many active wallets each customer has; customers without one are left out."""
    w = _wallets.c
    query = sa.select(w.customer_id, sa.func.count()).where(w.customer_id.in_(customer_ids), w.status == "active")
    return {row[0]: row[1] for row in await session.execute(query.group_by(w.customer_id))}


def _movements() -> sa.Select[Any]:
    """Movements with what of their wallet is needed to show them."""
    return sa.select(
        *_transactions.c,
        _wallets.c.currency,
        _wallets.c.rate_amount,
        _wallets.c.name.label("wallet_name"),
        _wallets.c.purchase_order_number.label("wallet_purchase_order_number"),
    ).join(_wallets, _wallets.c.id == _transactions.c.wallet_id)


async def transactions_page(
    session: AsyncSession, request: PageRequest, wallet_id: UUID, wanted: TransactionFilter
) -> Page[RowOf]:
    """A wallet's movements, newest first; two statements."""
    t = _transactions.c
    select = _movements().where(t.wallet_id == wallet_id)
    for column, value in (
        (t.status, wanted.status),
        (t.transaction_type, wanted.transaction_type),
        (t.transaction_status, wanted.transaction_status),
    ):
        if value is not None:
            select = select.where(column == value)
    for key, value in wanted.metadata.items():
        select = select.where(t.transaction_metadata.contains([{"key": key, "value": value}]))
    return await _page(session, request, select, [t.created_at.desc(), t.id.desc()])


async def transaction_row(session: AsyncSession, transaction_id: object) -> RowOf:
    """One movement. Raises NotFound("wallet_transaction")."""
    rows = await session.execute(_movements().where(_transactions.c.id == parse_id(transaction_id)))
    row: RowOf | None = rows.first()
    if row is None:
        raise NotFound("wallet_transaction")
    return row


async def transaction_rows(session: AsyncSession, transaction_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Movements by id."""
    if not transaction_ids:
        return {}
    rows = await session.execute(_movements().where(_transactions.c.id.in_(transaction_ids)))
    return {row.id: row for row in rows}


async def bought_with(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """The purchase that each of these invoices of credits is for, by invoice."""
    if not invoice_ids:
        return {}
    t = _transactions.c
    rows = await session.execute(_movements().where(t.invoice_id.in_(invoice_ids), t.transaction_status == "purchased"))
    return {row.invoice_id: row for row in rows}


async def linked_page(
    session: AsyncSession, request: PageRequest, transaction_id: object, *, fundings: bool
) -> Page[RowOf]:
    """Where an outbound movement took its money (fundings), or where that of an inbound one went (consumptions).

    Rows: id, consumed_amount_cents, created_at and transaction_id, of the movement on the other side. Oldest first.
    Raises NotFound("wallet_transaction"), ValidationFailed when the movement goes the other way.
    """
    row = await transaction_row(session, transaction_id)
    if (row.transaction_type == "outbound") is not fundings:
        raise ValidationFailed({"transaction_type": ["invalid_transaction_type"]})
    c = _consumptions.c
    inbound, outbound = c.inbound_wallet_transaction_id, c.outbound_wallet_transaction_id
    this, other = (outbound, inbound) if fundings else (inbound, outbound)
    select = (
        sa.select(
            c.id,
            c.consumed_amount_cents,
            c.created_at,
            other.label("transaction_id"),
            _wallets.c.currency,
            _wallets.c.rate_amount,
        )
        .select_from(_consumptions)
        .join(_transactions, _transactions.c.id == this)
        .join(_wallets, _wallets.c.id == _transactions.c.wallet_id)
        .where(this == row.id)
    )
    return await _page(session, request, select, [c.created_at, c.id])
