"""Finalizing all drafts, and finishing invoices whose taxes had failed. Source: subscriptions handbook, section 6."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from domain.billing.drafts import FINALIZE, hand_over
from domain.billing.finish_waiting import finish_waiting
from domain.billing.requests import finish_request
from domain.invoicing.models import Invoice
from domain.invoicing.queries import locked_invoice
from domain.kernel import clock
from domain.kernel.errors import NotAllowed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["finalize_all", "retry_all", "retry_invoice"]

_invoices = table(Invoice).c


async def finalize_all(work: UnitOfWork) -> list[UUID]:
    """Hands all drafts to jobs that finalize them; their ids."""
    query = sa.select(_invoices.id).where(_invoices.status == "draft", _invoices.invoice_type == "subscription")
    ids = list((await work.session.scalars(query.order_by(_invoices.customer_id, _invoices.id))).all())
    hand_over(work, FINALIZE, ids)
    return ids


async def retry_invoice(work: UnitOfWork, invoice_id: object) -> UUID:
    """Finishes an invoice whose taxes had failed, with the taxes of today; its id.

    Raises NotFound("invoice") and NotAllowed("invalid_status") for what has not failed.
    """
    invoice = await locked_invoice(work.session, invoice_id)
    if invoice.status != "failed":
        raise NotAllowed("invalid_status")
    await _waiting_again(work, [invoice.id])
    await finish_waiting(work, [invoice.id])
    return invoice.id


async def retry_all(work: UnitOfWork) -> list[UUID]:
    """Has all failed invoices finished in the background; their ids."""
    query = sa.select(_invoices.id, _invoices.customer_id).where(_invoices.status == "failed")
    rows = (await work.session.execute(query.order_by(_invoices.customer_id, _invoices.id))).all()
    await _waiting_again(work, [row.id for row in rows])
    for customer_id in dict.fromkeys(row.customer_id for row in rows):
        work.enqueue(finish_request(customer_id))
    return [row.id for row in rows]


async def _waiting_again(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> None:
    values = {"status": "pending", "tax_status": "pending", "updated_at": clock.now()}
    await work.session.execute(sa.update(table(Invoice)).where(_invoices.id.in_(invoice_ids)).values(**values))
