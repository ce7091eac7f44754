"""The link in the mail of a payment request, and the page at a provider that it opens. Source: handbook, credits 7.

The link names the request and opens for a month of real time, for a mail may lie. The page is made when the link is
opened, so that nothing is asked for that was paid meanwhile.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.queries import customer_rows
from domain.invoicing.settle import state_of
from domain.kernel.errors import NotAllowed, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.links import WITHOUT_PAGES, Page, PageWanted, missing, page_of, refused
from domain.payments.models import Payment, PaymentRequestInvoice
from domain.payments.payables import Payable, account_of, lock_request
from domain.payments.queries import request_row
from infrastructure import signing
from infrastructure.settings import settings

__all__ = ["PAID", "UNDER_WAY", "begin_request_page", "link_of", "pay_url", "read_pay_token"]

PURPOSE: Final = "pay_request"
LIVES: Final = timedelta(days=30)
PAID: Final = "invalid_payment_status"
UNDER_WAY: Final = "payment_processor_is_currently_handling_payment"

_payments, _parts = table(Payment).c, table(PaymentRequestInvoice).c


def pay_url(organization_id: UUID, request_id: UUID) -> str:
    """The address that opens the page where a payment request is paid."""
    token = signing.sign(PURPOSE, [str(organization_id), str(request_id)], LIVES)
    return f"{settings().api_url.rstrip('/')}/pay/{token}"


def read_pay_token(token: str) -> tuple[UUID, UUID] | None:
    """Organization and request that a token names; None for one that is changed, expired or made for another use."""
    payload = signing.read_list(PURPOSE, token, 2)
    if payload is None:
        return None
    organization_id, request_id = parse_id(payload[0]), parse_id(payload[1])
    return (organization_id, request_id) if organization_id and request_id else None


async def link_of(session: AsyncSession, request: Any, customer: Any, billing_entity_id: UUID) -> str | None:
    """The link for a request that can be paid on a page; None where it is paid, and for customers who are deleted or
    whose provider has no such page. Rows of the request and of its customer."""
    if request.payment_status == "succeeded" or customer.deleted_at is not None:
        return None
    if customer.payment_provider in WITHOUT_PAGES:
        return None
    if await account_of(session, customer.id, billing_entity_id) is None:
        return None
    return pay_url(request.organization_id, request.id)


async def begin_request_page(work: UnitOfWork, request_id: object) -> Page | PageWanted:
    """The page that is still alive, else what to ask for one.

    Raises NotFound for a request that is unknown and a customer that was deleted, ValidationFailed on `base`:
    no_linked_payment_provider, invalid_payment_provider, missing_payment_provider, missing_payment_provider_customer,
    and invalid_payment_status for a request that is paid or whose invoices owe something else by now; NotAllowed while
    a provider works on a payment of it or of its invoices.
    """
    row = await request_row(work.session, request_id)
    customer = (await customer_rows(work.session, [row.customer_id]))[row.customer_id]
    if customer.deleted_at is not None:
        raise NotFound("customer")
    if customer.payment_provider is None:
        raise refused("no_linked_payment_provider")
    if customer.payment_provider in WITHOUT_PAGES:
        raise refused("invalid_payment_provider")
    payable = await lock_request(work, row.id)
    if payable is None or payable.paid or not payable.open or payable.due <= 0 or not _owed(payable):
        raise refused(PAID)
    if not payable.ready or await _is_asked(work, payable):
        raise NotAllowed(UNDER_WAY)
    account = await account_of(work.session, payable.customer_id, payable.billing_entity_id)
    if account is None:
        raise refused(await missing(work, customer))
    return await page_of(work, payable, account)


def _owed(payable: Payable) -> bool:
    """Whether each invoice owes what the request asks for it: no more is taken than is due, and none of it is lost."""
    return all(state_of(payable.invoices[each]).due == share for each, share in payable.shares.items())


async def _is_asked(work: UnitOfWork, payable: Payable) -> bool:
    """Whether a provider was asked for the money, and has not said that nothing was taken."""
    p, r = _payments, _parts
    requests = sa.select(r.payment_request_id).where(r.invoice_id.in_(payable.invoices))
    asked = sa.select(p.id).where(
        sa.or_(p.invoice_id.in_(payable.invoices), p.payment_request_id.in_(requests)),
        p.payment_type == "provider",
        sa.or_(
            p.payable_payment_status == "processing",
            sa.and_(p.payable_payment_status == "pending", p.error_code.is_(None)),
        ),
    )
    return bool(await work.session.scalar(sa.select(sa.exists(asked))))
