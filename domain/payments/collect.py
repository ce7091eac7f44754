"""Asking a payment provider for money. No provider is connected, and each operation says so in its own way.
Source: handbook, credits 6.4, 6.5 and 10.1."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.queries import transaction_row
from domain.customers.queries import customer_row
from domain.invoicing.models import Invoice
from domain.invoicing.queries import invoice_row
from domain.kernel.errors import NotAllowed, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params
from domain.payments.asked import invoices_to_take
from domain.payments.events import InvoicePaymentsAsked, InvoicePaymentsNotTaken
from domain.payments.methods import read_reference

__all__ = ["RETRIED", "checkout_url", "payment_url", "purchase_url", "retry_all_payments", "retry_payment"]

UNLINKED: Final = {"base": ["no_linked_payment_provider"]}
RETRIED: Final = ("pending", "failed")
_invoices: Final = table(Invoice).c


async def retry_payment(work: UnitOfWork, invoice_id: object, params: Params) -> sa.Row[Any]:
    """One more attempt at an invoice that is not paid; its row. Without a provider the attempt fails at once, which a
    webhook tells.

    Raises NotFound, NotAllowed("invalid_status") for drafts, voided and paid invoices, NotAllowed while another attempt
    is under way, and ValidationFailed for a payment method that is none.
    """
    row = await invoice_row(work.session, invoice_id)
    if row.status in ("draft", "voided") or row.payment_status == "succeeded":
        raise NotAllowed("invalid_status")
    if not row.ready_for_payment_processing:
        raise NotAllowed("payment_processor_is_currently_handling_payment")
    method_type, method_id = await read_reference(work, row.customer_id, params)
    if await invoices_to_take(work.session, [row.id]):
        work.record(InvoicePaymentsAsked((row.id,), method_type=method_type, method_id=method_id))
    else:
        work.record(InvoicePaymentsNotTaken((row.id,)))
    return row


async def retry_all_payments(work: UnitOfWork) -> Collection[UUID]:
    """One more attempt at every finalized invoice that waits for its payment; their ids."""
    query = sa.select(_invoices.id).where(
        _invoices.status == "finalized",
        _invoices.payment_status.in_(RETRIED),
        _invoices.ready_for_payment_processing,
    )
    ids = tuple((await work.session.scalars(query.order_by(_invoices.id))).all())
    asked = tuple(await invoices_to_take(work.session, ids))
    if asked:
        work.record(InvoicePaymentsAsked(asked))
    left = tuple(each for each in ids if each not in set(asked))
    if left:
        work.record(InvoicePaymentsNotTaken(left))
    return ids


async def payment_url(work: UnitOfWork, invoice_id: object) -> None:
    """The page where an invoice is paid. Raises NotFound("invoice"), else ValidationFailed: a provider makes it."""
    await invoice_row(work.session, invoice_id)
    raise ValidationFailed(UNLINKED)


async def purchase_url(work: UnitOfWork, transaction_id: object) -> None:
    """The page where bought credits are paid. Raises NotFound("wallet_transaction"), else ValidationFailed: for what is
    not bought, is settled or has no invoice yet, then as `payment_url`. Source: handbook, credits 5.4."""
    row = await transaction_row(work.session, transaction_id)
    if row.transaction_status != "purchased":
        raise ValidationFailed({"base": ["wallet_transaction_not_purchased"]})
    if row.status == "settled":
        raise ValidationFailed({"base": ["wallet_transaction_already_settled"]})
    if row.invoice_id is None:
        raise ValidationFailed({"base": ["wallet_transaction_has_no_attached_invoice"]})
    raise ValidationFailed(UNLINKED)


async def checkout_url(
    work: UnitOfWork, *, customer_id: UUID | None = None, external_id: str | None = None
) -> None:  # fmt: skip
    """The page where a customer leaves a card. Raises NotFound("customer"), else ValidationFailed as `payment_url`."""
    await customer_row(work.session, customer_id=customer_id, external_id=external_id)
    raise ValidationFailed(UNLINKED)
