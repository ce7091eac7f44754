"""Changing and ending wallets. Source: handbook, credits 4.4."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from domain.credits.wallets.create import (
    UNIQUE,
    billing_entity_id,
    read_expiration,
    read_map,
    read_top_up_limits,
)
from domain.credits.wallets.events import WalletsTerminated, WalletsUpdated
from domain.credits.wallets.flags import flag_customers
from domain.credits.wallets.limits import read_limits, write_targets
from domain.credits.wallets.models import RecurringTransactionRule, Wallet, WalletCustomSection
from domain.credits.wallets.rules import end_rules, read_rules, write_rules
from domain.credits.wallets.sections import read_sections
from domain.credits.wallets.terms import Worth, payment_methods, read_payment_terms, read_priority, terms_of
from domain.identity.custom_sections import choose_sections
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["terminate_customers_wallets", "terminate_expired", "terminate_expired_rules", "terminate_wallet",
           "update_wallet"]  # fmt: skip

_rules = table(RecurringTransactionRule)
CHUNK: Final = 500


async def locked_wallet(work: UnitOfWork, wallet_id: UUID | None) -> Wallet:
    """A wallet that is going to be changed. Raises NotFound("wallet")."""
    query = sa.select(Wallet).where(col(Wallet.id) == wallet_id).with_for_update(key_share=True)
    wallet: Wallet | None = await work.session.scalar(query.execution_options(populate_existing=True))
    if wallet is None:
        raise NotFound("wallet")
    return wallet


async def update_wallet(work: UnitOfWork, wallet_id: UUID | None, params: Params) -> UUID:
    """Changes what was sent. Without metrics in applies_to the wallet is limited to none from here on; types of fees
    and all else change only when they are sent; rules that are not among those sent end.

    Raises NotFound("wallet"), NotFound("billing_entity"), ValidationFailed.
    """
    wallet = await locked_wallet(work, wallet_id)
    if wallet.status == "terminated":
        raise ValidationFailed({"wallet_id": ["wallet_is_terminated"]})
    read = Reader(params)
    limits = await read_limits(work, read)
    values: dict[str, object] = {}
    if "name" in read:
        values["name"] = read.text("name")
    if read.params.get("code"):
        values["code"] = read.text("code")
    if read.params.get("priority") is not None:
        values["priority"] = read_priority(read, "priority")
    if "expiration_at" in read:
        values["expiration_at"] = read_expiration(read)
    if read.params.get("invoice_requires_successful_payment") is not None:
        values["invoice_requires_successful_payment"] = bool(read.boolean("invoice_requires_successful_payment"))
    least, most = read_top_up_limits(read, (wallet.paid_top_up_min_amount_cents, wallet.paid_top_up_max_amount_cents))
    values |= {"paid_top_up_min_amount_cents": least, "paid_top_up_max_amount_cents": most}
    if "metadata" in read:
        values["wallet_metadata"] = read_map(read)
    if limits.fee_types is not None:
        values["allowed_fee_types"] = limits.fee_types
    methods = await payment_methods(work, wallet.customer_id)
    values |= read_payment_terms(read, methods, terms_of(wallet)).columns()
    sections = await read_sections(work, read)
    active = sa.select(_rules).where(_rules.c.wallet_id == wallet.id, _rules.c.status == "active")
    rules = await read_rules(
        work,
        read,
        Worth(wallet.rate_amount, wallet.currency, least, most),
        methods,
        requires_payment=bool(
            values.get("invoice_requires_successful_payment", wallet.invoice_requires_successful_payment)
        ),
        known={row.id: row for row in await work.session.execute(active)},
    )
    read.finish()
    if "billing_entity_code" in read or "billing_entity_id" in read:
        values["billing_entity_id"] = await billing_entity_id(work, params)
    async with unique(work, UNIQUE):
        for name, value in values.items():
            setattr(wallet, name, value)
        wallet.updated_at = clock.now()
    await choose_sections(work, WalletCustomSection, "wallet_id", wallet, sections)
    await write_targets(work, wallet, limits.metric_ids)
    if rules is not None:
        await write_rules(work, wallet, rules)
    await flag_customers(work, [wallet.customer_id])
    work.record(WalletsUpdated((wallet.id,)))
    return wallet.id


async def terminate_wallet(work: UnitOfWork, wallet_id: UUID | None) -> UUID:
    """Ends a wallet with its rules; what it holds is lost. One that ended before stays as it is. Raises NotFound."""
    wallet = await locked_wallet(work, wallet_id)
    if wallet.status == "active":
        await _terminate(work, [wallet])
    return wallet.id


async def terminate_expired(work: UnitOfWork) -> int:
    """Ends the wallets whose time is over, 500 at most; how many."""
    now = clock.now()
    over = sa.and_(col(Wallet.status) == "active", col(Wallet.expiration_at) <= now)
    return await _terminate(work, await _found(work, over, CHUNK))


async def terminate_customers_wallets(work: UnitOfWork, customer_ids: Sequence[UUID]) -> None:
    """Ends the wallets of customers that were deleted."""
    await _terminate(
        work, await _found(work, sa.and_(col(Wallet.status) == "active", col(Wallet.customer_id).in_(customer_ids)))
    )


async def terminate_expired_rules(work: UnitOfWork) -> int:
    """Ends the rules whose time is over; how many."""
    now = clock.now()
    return await end_rules(work, _rules.c.expiration_at <= now, at=now)


async def _found(work: UnitOfWork, which: sa.ColumnElement[bool], most: int | None = None) -> Sequence[Wallet]:
    query = sa.select(Wallet).where(which).order_by(col(Wallet.id)).limit(most).with_for_update(key_share=True)
    return (await work.session.scalars(query.execution_options(populate_existing=True))).all()


async def _terminate(work: UnitOfWork, wallets: Sequence[Wallet]) -> int:
    if not wallets:
        return 0
    now: datetime = clock.now()
    for wallet in wallets:
        wallet.status, wallet.terminated_at = "terminated", now
    await work.session.flush()
    await end_rules(work, _rules.c.wallet_id.in_([wallet.id for wallet in wallets]), at=now)
    await flag_customers(work, {wallet.customer_id for wallet in wallets})
    work.record(WalletsTerminated(tuple(wallet.id for wallet in wallets)))
    return len(wallets)
