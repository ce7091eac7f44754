"""Pages at a provider where invoices and payment requests are paid and cards are left: begun in one transaction, asked
for in none, kept in another. Source: handbook, credits 6.5, 7 and 10.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, suppress
from uuid import UUID

from domain.billing.provider_news import tell_payment_failure
from domain.credits.wallets.queries import transaction_row
from domain.invoicing.queries import VISIBLE
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.collect import begin_checkout
from domain.payments.links import Page, PageWanted, begin_page, no_page, note_page, refused, third_party
from domain.payments.providers.gateway import GatewayBusy, GatewayRefused
from domain.payments.providers.gateways import gateway_of
from domain.payments.providers.payer import Told
from domain.payments.request_links import PAID, begin_request_page

__all__ = ["Work", "checkout_page", "invoice_page", "purchase_page", "request_page"]

Work = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
"""Opens a transaction of the caller's organization."""

# Top-up invoices that wait for their payment are not seen elsewhere.
OF_PURCHASES = (*VISIBLE, "open")


async def invoice_page(work: Work, invoice_id: object, statuses: Collection[str] = VISIBLE) -> Page:
    """Where an invoice is paid. Raises as `begin_page`, and ValidationFailed("third_party_error") when the provider
    refuses, which is told as well; base payment_provider_error when it answers without an address or not at all."""
    async with work() as begun:
        wanted = await begin_page(begun, invoice_id, statuses)
    return await _made(work, wanted, "invalid_invoice_status_or_payment_status")


async def request_page(work: Work, request_id: object) -> Page:
    """Where a payment request is paid. Raises as `begin_request_page`, and as `invoice_page` when its provider makes
    no page."""
    async with work() as begun:
        wanted = await begin_request_page(begun, request_id)
    return await _made(work, wanted, PAID)


async def _made(work: Work, wanted: Page | PageWanted, too_late: str) -> Page:
    """too_late: the code for what was paid while the provider made the page."""
    if isinstance(wanted, Page):
        return wanted
    try:
        made = await gateway_of(wanted.connection).payment_page(wanted.order)
    except GatewayBusy as busy:
        raise ValidationFailed({"base": ["payment_provider_error"]}) from busy
    except GatewayRefused as error:
        async with work() as after:
            await no_page(after, wanted)
            await tell_payment_failure(after, wanted.order, wanted.connection, error)
        if error.code == "no_url":
            raise ValidationFailed({"base": ["payment_provider_error"]}) from error
        raise third_party(wanted.connection, error) from error
    async with work() as after:
        page = await note_page(after, wanted, made)
    if page is None:
        if made.session_id is not None:
            with suppress(GatewayBusy, GatewayRefused):
                await gateway_of(wanted.connection).expire_page(made.session_id)
        raise refused(too_late)
    return page


async def purchase_page(work: Work, transaction_id: object) -> Page:
    """Where the invoice of bought credits is paid. Raises NotFound("wallet_transaction"), ValidationFailed (base)
    for what is not bought, is settled or has no invoice yet, else as `invoice_page`. Source: handbook, credits 5.4."""
    async with work() as begun:
        row = await transaction_row(begun.session, transaction_id)
    if row.transaction_status != "purchased":
        raise ValidationFailed({"base": ["wallet_transaction_not_purchased"]})
    if row.status == "settled":
        raise ValidationFailed({"base": ["wallet_transaction_already_settled"]})
    if row.invoice_id is None:
        raise ValidationFailed({"base": ["wallet_transaction_has_no_attached_invoice"]})
    return await invoice_page(work, row.invoice_id, OF_PURCHASES)


async def checkout_page(
    work: Work, *, customer_id: UUID | None = None, external_id: str | None = None
) -> tuple[Told, str]:
    """Where a customer leaves a card or mandate, and the customer. Raises as `begin_checkout`, and
    ValidationFailed("third_party_error")."""
    async with work() as begun:
        known = await begin_checkout(begun, customer_id=customer_id, external_id=external_id)
    try:
        return known, await gateway_of(known.connection).checkout_page(known.checkout())
    except GatewayRefused as error:
        raise third_party(known.connection, error) from error
    except GatewayBusy as busy:
        raise third_party(known.connection, GatewayRefused("unavailable", str(busy))) from busy
