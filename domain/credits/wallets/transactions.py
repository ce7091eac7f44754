"""Moving credits by hand: buying, granting, voiding. Source: handbook, credits 5.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.amounts import Amounts, of_cents, of_credits, of_voided_credits
from domain.credits.wallets.draw import NotEnough, Source
from domain.credits.wallets.events import TopUpsRequested
from domain.credits.wallets.ledger import Movement, drawn_from, load_sources, lock_wallets, record
from domain.credits.wallets.models import WalletTransaction
from domain.credits.wallets.sections import kept_sections, read_sections
from domain.credits.wallets.terms import (
    MOST_OF_TRANSACTION,
    PaymentTerms,
    Worth,
    method_of,
    payment_methods,
    read_credits,
    read_name,
    read_payment_terms,
    read_priority,
    read_transaction_metadata,
)
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.money import ZERO
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["added", "create_transactions", "write"]

_transactions = table(WalletTransaction)


async def create_transactions(
    work: UnitOfWork, params: Params, *, most_metadata: int = MOST_OF_TRANSACTION, customer_id: UUID | None = None
) -> list[UUID]:
    """Buys, grants and voids credits of one wallet; the ids of the movements in this order, none for amounts of 0.

    params: wallet_id, paid_credits, granted_credits, voided_credits, voided_transaction_id, name, priority, metadata,
    invoice_requires_successful_payment, ignore_paid_top_up_limits, purchase_order_number, payment_method,
    invoice_custom_section. customer_id: whose wallet it must be, if that matters. Raises ValidationFailed; nothing is
    moved then.
    """
    read = Reader(params)
    wallet = await _wallet(work, params.get("wallet_id"), customer_id)
    paid, granted = read_credits(read, "paid_credits"), read_credits(read, "granted_credits")
    voided = read_credits(read, "voided_credits")
    worth = Worth(
        wallet.rate_amount, wallet.currency, wallet.paid_top_up_min_amount_cents, wallet.paid_top_up_max_amount_cents
    )
    worth.check(read, "paid_credits", paid, limited=not read.boolean("ignore_paid_top_up_limits", default=False))
    worth.check(read, "granted_credits", granted, limited=False)
    worth.check(read, "voided_credits", voided, limited=False)
    requires = read.boolean("invoice_requires_successful_payment", default=wallet.invoice_requires_successful_payment)
    methods = await payment_methods(work, wallet.customer_id)
    common: dict[str, Any] = {
        "name": read_name(read, "name"),
        "priority": read_priority(read, "priority"),
        "metadata": read_transaction_metadata(read, "metadata", most_metadata),
        "requires_payment": bool(requires),
        **read_payment_terms(read, methods, PaymentTerms(method_of(wallet))).columns(),
    }
    sections = await read_sections(work, read)
    if voided > wallet.credits_balance and "voided_credits" not in read.errors:
        read.add("voided_credits", "insufficient_credits")
    of_grant = None
    if params.get("voided_transaction_id") is not None:
        of_grant = await _grant(work, read, wallet.id, params["voided_transaction_id"])
    out = await _voided(work, read, wallet, voided, of_grant)
    read.finish()
    common["sections"] = await kept_sections(work, wallet, sections)
    movements = added(wallet, paid, granted, common)
    if out is not None:
        amounts, drawn = out
        movements.append(Movement(wallet.id, "voided", amounts, drawn, **common))
    return await write(work, movements)


def added(wallet: Any, paid: Decimal, granted: Decimal, common: Mapping[str, Any]) -> list[Movement]:
    """The movements that buy and grant credits, none for an amount of 0. wallet: its row, of `lock_wallets`.
    common: fields of Movement."""
    movements = []
    for kind, wanted in (("purchased", paid), ("granted", granted)):
        amounts = of_credits(max(wanted, ZERO), wallet.rate_amount, wallet.currency)
        if amounts.cents > 0:
            movements.append(Movement(wallet.id, kind, amounts, billing_entity_id=wallet.issuer_id, **common))
    return movements


async def write(work: UnitOfWork, movements: Sequence[Movement]) -> list[UUID]:
    """Writes movements of locked wallets and asks for the invoices of those that were bought; their ids."""
    await record(work, movements)
    bought = tuple(each.id for each in movements if each.kind == "purchased")
    if bought:
        work.record(TopUpsRequested(bought))
    return [each.id for each in movements]


async def _wallet(work: UnitOfWork, wallet_id: object, customer_id: UUID | None) -> Any:
    found = parse_id(wallet_id)
    rows = await lock_wallets(work.session, wallet_ids=[found]) if found else []
    if not rows or customer_id not in (None, rows[0].customer_id):
        raise ValidationFailed({"wallet_id": ["wallet_not_found"]})
    if rows[0].status == "terminated":
        raise ValidationFailed({"wallet_id": ["wallet_is_terminated"]})
    return rows[0]


async def _grant(work: UnitOfWork, read: Reader, wallet_id: UUID, sent: object) -> Source | None:
    """The inbound movement that is to be voided."""
    t = _transactions.c
    query = sa.select(t.id, t.remaining_amount_cents, t.priority, t.transaction_status, t.created_at).where(
        t.id == parse_id(sent), t.wallet_id == wallet_id, t.transaction_type == "inbound"
    )
    row = (await work.session.execute(query)).first()
    if row is None:
        read.add("voided_transaction_id", "wallet_transaction_not_found")
        return None
    if not row.remaining_amount_cents:
        read.add("voided_transaction_id", "no_remaining_amount")
        return None
    granted = row.transaction_status == "granted"
    return Source(row.id, row.remaining_amount_cents, row.priority, granted, row.created_at)


async def _voided(
    work: UnitOfWork, read: Reader, wallet: Any, voided: Decimal, of_grant: Source | None
) -> tuple[Amounts, Any] | None:
    """What is taken out and from where."""
    if read.errors or (voided <= 0 and of_grant is None):
        return None
    if voided > 0:
        amounts = of_voided_credits(voided, wallet.rate_amount, wallet.currency)
    else:
        assert of_grant is not None
        amounts = of_cents(of_grant.remaining_cents, wallet.rate_amount, wallet.currency)
    if of_grant is not None and amounts.cents > of_grant.remaining_cents:
        read.add("amount_cents", "exceeds_remaining_transaction_amount")
        return None
    sources = [of_grant] if of_grant else (await load_sources(work.session, [wallet.id])).get(wallet.id, [])
    try:
        return amounts, drawn_from(sources, amounts.cents)
    except NotEnough:
        read.add("amount_cents", "exceeds_available_amount")
        return None
