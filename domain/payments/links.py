"""Pages at a provider where an invoice is paid by its payer. Source: handbook, credits 6.5.

In three steps, so that no transaction waits for the provider: begin, ask, note. A page lives for a day of real time and
is handed out again until then; paying the invoice in any other way expires it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.customers.queries import customer_rows
from domain.invoicing.queries import VISIBLE, invoice_row
from domain.kernel import clock
from domain.kernel.errors import ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.models import Payment
from domain.payments.payables import Account, Payable, account_of, lock_invoice
from domain.payments.providers.connections import ProviderUnclear, connection_row, find_provider
from domain.payments.providers.gateway import Connection, GatewayRefused, LinkOrder, PaymentPage
from domain.payments.providers.models import CONNECTED_TYPES
from domain.payments.providers.news_models import PaymentIntent

__all__ = [
    "THIRD_PARTY", "Page", "PageWanted", "begin_page", "expire_pages", "no_page", "note_page", "pages_are_used",
    "pages_to_expire", "third_party",
]  # fmt: skip

LIVES: Final = timedelta(hours=24)
THIRD_PARTY: Final = "third_party_error"
WITHOUT_PAGES: Final = ("gocardless",)

_intents = table(PaymentIntent)


@dataclass(frozen=True, slots=True)
class Page:
    """Where an invoice is paid, and whose it is."""

    invoice_id: UUID
    customer_id: UUID
    external_customer_id: str
    payment_provider: str
    url: str


@dataclass(frozen=True, slots=True)
class PageWanted:
    """What to ask of which provider for a page of an invoice. `intent_id` is the row that waits for the answer."""

    intent_id: UUID
    connection: Connection
    order: LinkOrder

    def page(self, url: str) -> Page:
        return Page(
            self.order.payable_id,
            self.order.customer_id,
            self.order.external_customer_id,
            self.connection.provider_type,
            url,
        )


async def begin_page(work: UnitOfWork, invoice_id: object, statuses: Collection[str] = VISIBLE) -> Page | PageWanted:
    """The page that is still alive, else what to ask for one.

    Raises NotFound("invoice"), and ValidationFailed on `base`: no_linked_payment_provider, invalid_payment_provider,
    invalid_invoice_status_or_payment_status, missing_payment_provider, missing_payment_provider_customer.
    """
    row = await invoice_row(work.session, invoice_id, statuses)
    customer = (await customer_rows(work.session, [row.customer_id]))[row.customer_id]
    if customer.payment_provider is None:
        raise _refused("no_linked_payment_provider")
    if customer.payment_provider in WITHOUT_PAGES:
        raise _refused("invalid_payment_provider")
    payable = await lock_invoice(work, row.id)
    assert payable is not None, "the invoice was found"
    if payable.paid or not payable.open or payable.due <= 0:
        raise _refused("invalid_invoice_status_or_payment_status")
    account = await account_of(work.session, payable.customer_id, payable.billing_entity_id)
    if account is None:
        raise _refused(await _missing(work, customer))
    intent = await _live(work, payable, account)
    order = _order(intent.id, payable, account)
    wanted = PageWanted(intent.id, account.connection, order)
    return wanted if intent.payment_url is None else wanted.page(intent.payment_url)


async def note_page(work: UnitOfWork, wanted: PageWanted, page: PaymentPage) -> Page:
    """Keeps the page that the provider made."""
    await work.session.execute(
        sa.update(_intents)
        .where(_intents.c.id == wanted.intent_id)
        .values(payment_url=page.url, provider_session_id=page.session_id, updated_at=clock.now())
    )
    return wanted.page(page.url)


async def no_page(work: UnitOfWork, wanted: PageWanted) -> None:
    """The provider made none; the next call begins anew."""
    await _expire(work, [wanted.intent_id])


def third_party(connection: Connection, error: GatewayRefused) -> ValidationFailed:
    """What the client is told of a provider that refused."""
    return ValidationFailed(
        {"error": f"{connection.provider_type.capitalize()}: {error.code} - {error.message}"}, THIRD_PARTY
    )


async def pages_to_expire(
    work: UnitOfWork, *, invoice_ids: Collection[UUID] = (), payment_ids: Collection[UUID] = ()
) -> list[UUID]:
    """Those of the invoices, and of the invoices of payments, that have a page alive. One statement."""
    i, p = _intents.c, table(Payment).c
    paid = sa.select(p.invoice_id).where(p.id.in_(payment_ids), p.invoice_id.is_not(None))
    query = sa.select(i.invoice_id).where(
        i.status == "active", sa.or_(i.invoice_id.in_(invoice_ids), i.invoice_id.in_(paid))
    )
    return list((await work.session.scalars(query.order_by(i.invoice_id))).all())


async def pages_are_used(work: UnitOfWork) -> bool:
    """Whether the organization has ever given a page out: the first payment of an invoice then waits a while, so that
    its payer does not pay twice."""
    return bool(await work.session.scalar(sa.select(sa.exists(sa.select(_intents.c.id)))))


async def expire_pages(work: UnitOfWork, invoice_id: UUID) -> list[tuple[Connection, str]]:
    """Nobody is sent to the invoice's page any more; the sessions that its provider is to close."""
    i = _intents.c
    rows = (
        await work.session.execute(
            sa.select(*i).where(i.invoice_id == invoice_id, i.status == "active").with_for_update()
        )
    ).all()
    await _expire(work, [row.id for row in rows])
    found = []
    for row in rows:
        connection = await connection_row(work.session, row.payment_provider_id)
        if connection is not None and row.provider_session_id is not None:
            found.append((connection, row.provider_session_id))
    return found


async def _live(work: UnitOfWork, payable: Payable, account: Account) -> PaymentIntent:
    """The row of the page that is alive; one that is too old, or of another connection, is replaced."""
    i = _intents.c
    intent: PaymentIntent | None = await work.session.scalar(
        sa.select(PaymentIntent).where(i.invoice_id == payable.id, i.status == "active").with_for_update()
    )
    if intent is not None:
        if intent.expires_at > clock.wall() and intent.payment_provider_id == account.connection.id:
            return intent
        await _expire(work, [intent.id])
    made = PaymentIntent(
        organization_id=work.organization_id,
        invoice_id=payable.id,
        payment_provider_id=account.connection.id,
        expires_at=clock.wall() + LIVES,
    )
    work.session.add(made)
    await work.session.flush()
    return made


async def _expire(work: UnitOfWork, intent_ids: Sequence[UUID]) -> None:
    await work.session.execute(
        sa.update(_intents).where(_intents.c.id.in_(intent_ids)).values(status="expired", updated_at=clock.now())
    )


async def _missing(work: UnitOfWork, customer: Any) -> str:
    """What keeps the customer from its provider."""
    if customer.payment_provider not in CONNECTED_TYPES:
        return "missing_payment_provider"
    try:
        await find_provider(work.session, customer.payment_provider, customer.payment_provider_code)
    except ProviderUnclear:
        return "missing_payment_provider"
    return "missing_payment_provider_customer"


def _order(intent_id: UUID, payable: Payable, account: Account) -> LinkOrder:
    return LinkOrder(
        key=f"link-{intent_id}",
        payable_type=payable.type,
        payable_id=payable.id,
        customer_id=payable.customer_id,
        external_customer_id=account.customer.external_id,
        provider_customer_id=account.holder.provider_customer_id,
        methods=account.holder.provider_payment_methods,
        amount_cents=payable.due,
        currency=payable.currency,
        description=f"{account.entity.name} - {payable.what}",
        metadata=payable.metadata,
    )


def _refused(code: str) -> ValidationFailed:
    return ValidationFailed({"base": [code]})
