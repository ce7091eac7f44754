"""Pages at a provider where an invoice, or a payment request, is paid by its payer. Source: handbook, credits 6.5.

In three steps, so that no transaction waits for the provider: begin, ask, note. A page lives for a day of real time and
is handed out again until then; paying what it is for in any other way expires it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from domain.credits.note_models import CreditNote
from domain.customers.queries import customer_rows
from domain.invoicing.queries import VISIBLE, invoice_row
from domain.kernel import clock
from domain.kernel.errors import ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.models import Payment, PaymentRequestInvoice
from domain.payments.payables import INVOICE, Account, Payable, account_of, lock_invoice
from domain.payments.providers.connections import ProviderUnclear, connection_row, find_provider
from domain.payments.providers.gateway import Connection, GatewayRefused, LinkOrder, PaymentPage
from domain.payments.providers.models import CONNECTED_TYPES
from domain.payments.providers.news_models import PaymentIntent

__all__ = [
    "THIRD_PARTY", "WITHOUT_PAGES", "Page", "PageWanted", "begin_page", "expire_pages", "expire_request_pages",
    "missing", "no_page", "note_page", "page_of", "pages_are_used", "pages_to_expire", "refused", "third_party",
]  # fmt: skip

LIVES: Final = timedelta(hours=24)
THIRD_PARTY: Final = "third_party_error"
WITHOUT_PAGES: Final = ("gocardless",)

_intents, _parts = table(PaymentIntent), table(PaymentRequestInvoice)


@dataclass(frozen=True, slots=True)
class Page:
    """Where an invoice or a payment request is paid, and whose it is."""

    payable_id: UUID
    customer_id: UUID
    external_customer_id: str
    payment_provider: str
    url: str


@dataclass(frozen=True, slots=True)
class PageWanted:
    """What to ask of which provider for a page. `intent_id` is the row that waits for the answer."""

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
        raise refused("no_linked_payment_provider")
    if customer.payment_provider in WITHOUT_PAGES:
        raise refused("invalid_payment_provider")
    payable = await lock_invoice(work, row.id)
    assert payable is not None, "the invoice was found"
    if payable.paid or not payable.open or payable.due <= 0:
        raise refused("invalid_invoice_status_or_payment_status")
    account = await account_of(work.session, payable.customer_id, payable.billing_entity_id)
    if account is None:
        raise refused(await missing(work, customer))
    return await page_of(work, payable, account)


async def page_of(work: UnitOfWork, payable: Payable, account: Account) -> Page | PageWanted:
    """The page that is still alive of what may be paid, and is locked; else what to ask for one."""
    intent = await _live(work, payable, account)
    order = _order(intent.id, payable, account)
    wanted = PageWanted(intent.id, account.connection, order)
    return wanted if intent.payment_url is None else wanted.page(intent.payment_url)


async def note_page(work: UnitOfWork, wanted: PageWanted, page: PaymentPage) -> Page | None:
    """Keeps the page that the provider made; None where it is not wanted any more, and is to be closed."""
    status = await work.session.scalar(
        sa.update(_intents)
        .where(_intents.c.id == wanted.intent_id)
        .values(payment_url=page.url, provider_session_id=page.session_id, updated_at=clock.now())
        .returning(_intents.c.status)
    )
    return wanted.page(page.url) if status == "active" else None


async def no_page(work: UnitOfWork, wanted: PageWanted) -> None:
    """The provider made none; the next call begins anew."""
    await _expire(work, [wanted.intent_id])


def third_party(connection: Connection, error: GatewayRefused) -> ValidationFailed:
    """What the client is told of a provider that refused."""
    return ValidationFailed(
        {"error": f"{connection.provider_type.capitalize()}: {error.code} - {error.message}"}, THIRD_PARTY
    )


async def pages_to_expire(
    work: UnitOfWork,
    *,
    invoice_ids: Collection[UUID] = (),
    payment_ids: Collection[UUID] = (),
    credit_note_ids: Collection[UUID] = (),
) -> list[UUID]:
    """Those of the invoices, of the invoices of payments, and of the invoices that credit notes settle a part of, that
    have a page alive; of those that are on the page of a payment request, one. One statement."""
    i, p, n, r = _intents.c, table(Payment).c, table(CreditNote).c, _parts.c
    paid = sa.select(p.invoice_id).where(p.id.in_(payment_ids), p.invoice_id.is_not(None))
    lowered = sa.select(n.invoice_id).where(n.id.in_(credit_note_ids), n.offset_amount_cents > 0)

    def among(column: sa.ColumnElement[UUID | None]) -> sa.ColumnElement[bool]:
        return sa.or_(column.in_(invoice_ids), column.in_(paid), column.in_(lowered))

    own = sa.select(i.invoice_id).where(i.status == "active", among(i.invoice_id))
    requested = (
        sa.select(r.invoice_id)
        .join(_intents, i.payment_request_id == r.payment_request_id)
        .where(i.status == "active", among(r.invoice_id))
        .ext(distinct_on(i.id))
        .order_by(i.id, r.invoice_id)
    )
    return sorted(await work.session.scalars(sa.union(own, sa.select(requested.subquery().c.invoice_id))))


async def pages_are_used(work: UnitOfWork) -> bool:
    """Whether the organization has ever given a page of an invoice out: the first payment of an invoice then waits a
    while, so that its payer does not pay twice."""
    given = sa.select(_intents.c.id).where(_intents.c.invoice_id.is_not(None))
    return bool(await work.session.scalar(sa.select(sa.exists(given))))


async def expire_pages(work: UnitOfWork, invoice_ids: Collection[UUID]) -> list[tuple[Connection, str]]:
    """Nobody is sent any more to the pages of these invoices and of the payment requests that they are on; the sessions
    that their providers are to close. Asked again, it names them again, for as long as they may be open there."""
    i, r = _intents.c, _parts.c
    requests = sa.select(r.payment_request_id).where(r.invoice_id.in_(invoice_ids))
    return await _expire_those(work, sa.or_(i.invoice_id.in_(invoice_ids), i.payment_request_id.in_(requests)))


async def expire_request_pages(work: UnitOfWork, payable_type: str, payable_id: UUID) -> list[tuple[Connection, str]]:
    """As `expire_pages`, for the payment requests that share an invoice with what is about to be charged; its own page,
    if it is an invoice, stays."""
    i, r = _intents.c, _parts.c
    invoices: Any = [payable_id]
    if payable_type != INVOICE:
        invoices = sa.select(r.invoice_id).where(r.payment_request_id == payable_id)
    others = _parts.alias().c
    requests = sa.select(others.payment_request_id).where(others.invoice_id.in_(invoices))
    return await _expire_those(work, i.payment_request_id.in_(requests))


async def _expire_those(work: UnitOfWork, wanted: sa.ColumnElement[bool]) -> list[tuple[Connection, str]]:
    i = _intents.c
    query = sa.select(*i).where(wanted, sa.or_(i.status == "active", i.expires_at > clock.wall())).order_by(i.id)
    rows = (await work.session.execute(query.with_for_update())).all()
    await _expire(work, [row.id for row in rows if row.status == "active"])
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
        sa.select(PaymentIntent).where(i[payable.column] == payable.id, i.status == "active").with_for_update()
    )
    if intent is not None:
        if intent.expires_at > clock.wall() and intent.payment_provider_id == account.connection.id:
            return intent
        await _expire(work, [intent.id])
    made = PaymentIntent(
        organization_id=work.organization_id,
        payment_provider_id=account.connection.id,
        expires_at=clock.wall() + LIVES,
        **payable.reference,
    )
    work.session.add(made)
    await work.session.flush()
    return made


async def _expire(work: UnitOfWork, intent_ids: Sequence[UUID]) -> None:
    if not intent_ids:
        return
    await work.session.execute(
        sa.update(_intents).where(_intents.c.id.in_(intent_ids)).values(status="expired", updated_at=clock.now())
    )


async def missing(work: UnitOfWork, customer: Any) -> str:
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


def refused(code: str) -> ValidationFailed:
    """Why there is no page."""
    return ValidationFailed({"base": [code]})
