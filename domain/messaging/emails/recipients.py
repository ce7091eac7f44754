"""Who gets which mail. Source: handbook, platform 17."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.note_models import CreditNote
from domain.customers.customer_terms import emails_are_valid
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.invoicing.models import Invoice
from domain.kernel.errors import NotAllowed, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader
from domain.payments.asked import requests_to_take
from domain.payments.models import Payment, PaymentReceipt, PaymentRequest, PaymentRequestInvoice

__all__ = ["SETTINGS", "addresses", "read_recipients", "wanted_mails"]

SETTINGS: Final[Mapping[str, str]] = {
    "invoice": "invoice.finalized",
    "credit_note": "credit_note.created",
    "payment_receipt": "payment_receipt.created",
}
"""The setting of a billing entity that lets a kind of mail go out by itself."""

MOST_RECIPIENTS: Final = 50
_invoices, _notes, _receipts = table(Invoice).c, table(CreditNote).c, table(PaymentReceipt).c
_customers, _entities, _payments = table(Customer).c, table(BillingEntity).c, table(Payment).c


def addresses(text: str | None) -> list[str]:
    """The addresses of a list with commas between."""
    return [one.strip() for one in (text or "").split(",") if one.strip()]


async def wanted_mails(work: UnitOfWork, kind: str, ids: Collection[UUID], *, failed: bool = False) -> list[UUID]:
    """Which of these objects a mail goes out for: the billing entity's setting is on and it has an address, the
    customer has one, and for invoices something was billed. Two statements at
    most.

    failed: payment requests whose payment was refused; new ones are mailed only where no provider can be asked.
    """
    if kind == "payment_request":
        wanted = await _wanted_requests(work, ids)
        asked = set() if failed or not wanted else set(await requests_to_take(work.session, wanted))
        return [each for each in wanted if each not in asked]
    objects = {"invoice": table(Invoice), "credit_note": table(CreditNote), "payment_receipt": table(PaymentReceipt)}[
        kind
    ]
    o = objects.c
    query = sa.select(o.id).join(table(Customer), _customers.id == o.customer_id)
    if kind == "credit_note":
        query = query.join(table(Invoice), _invoices.id == _notes.invoice_id)
        query = query.join(table(BillingEntity), _entities.id == _invoices.billing_entity_id)
    else:
        query = query.join(table(BillingEntity), _entities.id == o.billing_entity_id)
    if kind == "invoice":
        query = query.where(_invoices.fees_amount_cents > 0, _invoices.status == "finalized")
    query = query.where(
        o.id.in_(ids),
        _entities.email_settings.contains([SETTINGS[kind]]),
        _entities.email.is_not(None),
        _customers.email.is_not(None),
    )
    return list((await work.session.scalars(query.order_by(o.id))).all())


async def _wanted_requests(work: UnitOfWork, ids: Collection[UUID]) -> list[UUID]:
    """A request names its own address; no setting is asked."""
    q, r = table(PaymentRequest).c, table(PaymentRequestInvoice).c
    billed = (
        sa.select(r.payment_request_id)
        .join(table(Invoice), _invoices.id == r.invoice_id)
        .join(table(BillingEntity), _entities.id == _invoices.billing_entity_id)
        .where(_entities.email.is_not(None))
    )
    query = sa.select(q.id).where(q.id.in_(ids), q.email.is_not(None), q.id.in_(billed)).order_by(q.id)
    return list((await work.session.scalars(query)).all())


def read_recipients(params: Params, kind: str, entity: object, customer_email: str | None) -> dict[str, Sequence[str]]:
    """To whom a mail is sent again: to, cc and bcc. Without `to` it is the customer.

    Raises NotAllowed("email_settings_disabled") and ValidationFailed for a billing entity without address, no
    recipient at all, or addresses that are none.
    """
    if SETTINGS[kind] not in getattr(entity, "email_settings"):  # noqa: B009
        raise NotAllowed("email_settings_disabled")
    read = Reader(params)
    found: dict[str, Sequence[str]] = {}
    for name in ("to", "cc", "bcc"):
        sent = params.get(name)
        listed = addresses(sent) if isinstance(sent, str) else read.texts(name, most=MOST_RECIPIENTS) or []
        if not all(emails_are_valid(one) for one in listed):
            read.add(name, "invalid_email_format")
        found[name] = listed
    found["to"] = found["to"] or addresses(customer_email)
    if not found["to"]:
        read.add("to", "value_is_mandatory")
    if not getattr(entity, "email"):  # noqa: B009
        read.add("billing_entity", "must_have_email")
    if read.errors:
        raise ValidationFailed(read.errors)
    return found
