"""Asking for payments again, and for a page where a customer leaves a card.

Source: handbook, credits 6.4 and 10.1.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.customers.provider_terms import SET_UP_NOWHERE
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
from domain.payments.providers.customers import provider_customer_of
from domain.payments.providers.payer import Told, told

__all__ = ["RETRIED", "begin_checkout", "retry_all_payments", "retry_payment"]

WITHOUT_CHECKOUT: Final = ("cashfree", "flutterwave")
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


async def begin_checkout(work: UnitOfWork, *, customer_id: UUID | None = None, external_id: str | None = None) -> Told:
    """The customer whose page for leaving a card is to be made.

    Raises NotFound("customer"), ValidationFailed where it has no provider or nothing to leave there, and
    NotAllowed("feature_not_supported") for providers that have no such page.
    """
    customer = await customer_row(work.session, customer_id=customer_id, external_id=external_id)
    if customer.payment_provider in WITHOUT_CHECKOUT:
        raise NotAllowed("feature_not_supported")
    holder = (
        None
        if customer.payment_provider is None
        else await provider_customer_of(work.session, customer.id, customer.payment_provider)
    )
    known = None if holder is None else await told(work, holder.id)
    if known is None or known.holder.provider_customer_id is None:
        raise ValidationFailed(UNLINKED)
    if set(known.holder.provider_payment_methods) <= set(SET_UP_NOWHERE):
        raise ValidationFailed({"provider_payment_methods": ["no_payment_methods_to_setup_available"]})
    return known
