"""Creating wallets. Source: handbook, credits 4.1 and 4.4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.plan_metadata import read_metadata
from domain.credits.wallets.events import WalletsCreated
from domain.credits.wallets.flags import flag_customers
from domain.credits.wallets.limits import read_limits, write_targets
from domain.credits.wallets.models import Wallet, WalletCustomSection
from domain.credits.wallets.rules import read_rules, write_rules
from domain.credits.wallets.sections import read_sections
from domain.credits.wallets.terms import (
    MOST_OF_WALLET,
    Worth,
    payment_methods,
    read_credits,
    read_name,
    read_payment_terms,
    read_priority,
    read_transaction_metadata,
)
from domain.customers.models import Customer
from domain.identity.custom_sections import choose_sections
from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.currencies import CURRENCIES
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.jobs import JobRequest
from domain.kernel.money import decimal_text, round_half_up
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import OUT_OF_RANGE, Params, Reader

__all__ = ["TOP_UP", "billing_entity_id", "create_wallet", "read_expiration", "read_map", "read_top_up_limits"]

TOP_UP: Final = "wallets.top_up"
MOST_WALLETS: Final = 6
UNIQUE: Final = {"uq_wallets_code": "code"}
_wallets, _customers, _entities = table(Wallet), table(Customer), table(BillingEntity)


async def create_wallet(work: UnitOfWork, params: Params) -> UUID:
    """A new wallet of a customer (external_customer_id or customer_id); its id.

    Credits that are bought or granted with it follow in a job: the answer still shows a balance of 0.
    Raises ValidationFailed, NotFound("billing_entity").
    """
    read = Reader(params)
    customer = await _customer(work, params)
    if customer is None:
        read.add("customer", "customer_not_found")
    elif await _active(work, customer.id) >= MOST_WALLETS:
        read.add("customer", "wallet_limit_reached")
    currency = read.choice("currency", CURRENCIES, default=customer.currency if customer else None)
    if currency is None and "currency" not in read.errors:
        read.add("currency", "value_is_invalid")
    rate = read.decimal("rate_amount", mandatory=True)
    if rate is not None:
        rate = round_half_up(rate, 5)
        if rate <= 0:
            read.add("rate_amount", OUT_OF_RANGE)
    name, code = read.text("name"), read.text("code")
    priority = read_priority(read, "priority")
    least, most = read_top_up_limits(read)
    paid, granted = read_credits(read, "paid_credits"), read_credits(read, "granted_credits")
    worth = None
    if rate is not None and rate > 0 and currency is not None:
        worth = Worth(rate, currency, least, most)
        unlimited = read.boolean("ignore_paid_top_up_limits_on_creation", default=False)
        worth.check(read, "paid_credits", paid, limited=not unlimited)
        worth.check(read, "granted_credits", granted, limited=False)
    expiration_at = read_expiration(read)
    requires = bool(read.boolean("invoice_requires_successful_payment", default=False))
    limits = await read_limits(work, read)
    metadata = read_map(read)
    methods = await payment_methods(work, customer.id) if customer else frozenset()
    rules = await read_rules(
        work,
        read,
        worth,
        methods,
        defaults={"paid_credits": paid, "granted_credits": granted},
        requires_payment=requires,
    )
    terms = read_payment_terms(read, methods)
    sections = await read_sections(work, read)
    top_up = {
        "name": read_name(read, "transaction_name"),
        "priority": read_priority(read, "transaction_priority"),
        "metadata": read_transaction_metadata(read, "transaction_metadata", MOST_OF_WALLET),
    }
    read.finish()
    assert customer is not None
    assert currency is not None
    assert rate is not None
    wallet = Wallet(
        organization_id=work.organization_id,
        customer_id=customer.id,
        billing_entity_id=await billing_entity_id(work, params),
        name=name,
        code=code or await _free_code(work, customer.id, name),
        rate_amount=rate,
        currency=currency,
        priority=priority,
        expiration_at=expiration_at,
        invoice_requires_successful_payment=requires,
        paid_top_up_min_amount_cents=least,
        paid_top_up_max_amount_cents=most,
        allowed_fee_types=limits.fee_types or [],
        wallet_metadata=metadata,
        **terms.columns(),
    )
    async with unique(work, UNIQUE):
        work.session.add(wallet)
    if customer.currency is None:
        customer.currency = currency
    await choose_sections(work, WalletCustomSection, "wallet_id", wallet, sections)
    await write_targets(work, wallet, limits.metric_ids)
    await write_rules(work, wallet, rules or [])
    await flag_customers(work, [customer.id])
    work.record(WalletsCreated((wallet.id,)))
    if paid > 0 or granted > 0:
        work.enqueue(
            JobRequest(
                TOP_UP,
                {
                    "wallet_id": wallet.id,
                    "paid_credits": decimal_text(paid),
                    "granted_credits": decimal_text(granted),
                    "ignore_paid_top_up_limits": True,
                    **top_up,
                },
            )
        )
    return wallet.id


async def _customer(work: UnitOfWork, params: Params) -> Customer | None:
    """Locked, so that its wallets are counted one after the other."""
    if params.get("customer_id") is not None:
        wanted = _customers.c.id == parse_id(params["customer_id"])
    else:
        wanted = _customers.c.external_id == str(params.get("external_customer_id"))
    select = sa.select(Customer).where(wanted, _customers.c.deleted_at.is_(None)).with_for_update(key_share=True)
    found: Customer | None = await work.session.scalar(select)
    return found


async def _active(work: UnitOfWork, customer_id: UUID) -> int:
    query = sa.select(sa.func.count()).where(_wallets.c.customer_id == customer_id, _wallets.c.status == "active")
    return await work.session.scalar(query) or 0


async def _free_code(work: UnitOfWork, customer_id: UUID, name: str | None) -> str:
    """The name in lower snake form, or `default`; with the seconds of now when a wallet has that."""
    code = re.sub(r"[^a-z0-9]+", "_", (name or "").lower()).strip("_") or "default"
    taken = sa.exists().where(
        _wallets.c.customer_id == customer_id, _wallets.c.status == "active", _wallets.c.code == code
    )
    if await work.session.scalar(sa.select(taken)):
        return f"{code}_{int(clock.wall().timestamp())}"
    return code


def read_top_up_limits(read: Reader, known: tuple[int | None, int | None] = (None, None)) -> tuple[int | None, ...]:
    """The least and the most that a purchase may be, in cents; what is absent stays as known."""
    names = ("paid_top_up_min_amount_cents", "paid_top_up_max_amount_cents")
    least, most = (
        read.integer(name, least=1) if name in read else before for name, before in zip(names, known, strict=True)
    )
    if least is not None and most is not None and most < least:
        read.add("paid_top_up_max_amount_cents", "must_be_greater_than_or_equal_min")
    return least, most


def read_expiration(read: Reader) -> Any:
    """An instant to come, or None."""
    expiration_at = read.instant("expiration_at")
    if expiration_at is not None and expiration_at <= clock.now():
        read.add("expiration_at", "invalid_date")
    return expiration_at


def read_map(read: Reader) -> dict[str, str | None] | None:
    """The field `metadata`, an object of texts or a list of {key, value}; None when there is none."""
    try:
        return read_metadata(read.params) or None
    except ValidationFailed as wrong:
        details = wrong.details if isinstance(wrong.details, Mapping) else {}
        for name, codes in details.items():
            for code in codes if isinstance(codes, list) else ():
                read.add(name, code)
        return None


async def billing_entity_id(work: UnitOfWork, params: Params) -> UUID | None:
    """The billing entity that is named by code or id, None when none is. Raises NotFound("billing_entity")."""
    code, given = params.get("billing_entity_code"), params.get("billing_entity_id")
    if code is None and given is None:
        return None
    wanted = _entities.c.code == str(code) if code is not None else _entities.c.id == parse_id(given)
    kept = sa.and_(wanted, _entities.c.deleted_at.is_(None), _entities.c.archived_at.is_(None))
    found: UUID | None = await work.session.scalar(sa.select(_entities.c.id).where(kept))
    if found is None:
        raise NotFound("billing_entity")
    return found
