"""What a client may change on an invoice by its own word. Source: handbook, subscriptions 6 (update, lose dispute)."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from domain.invoicing.events import InvoiceDisputesLost
from domain.invoicing.models import Invoice, InvoiceMetadata
from domain.invoicing.payment_state import PAYMENT_STATUSES
from domain.invoicing.queries import invoice_row, locked_invoice
from domain.invoicing.settle import set_payment_status
from domain.invoicing.statuses import VISIBLE
from domain.kernel import clock
from domain.kernel.errors import NotAllowed
from domain.kernel.noted_metadata import read_metadata, replace_metadata
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["DISPUTABLE", "lose_dispute", "update_invoice"]

DISPUTABLE: Final = ("finalized", "voided")
UPDATABLE: Final = (*VISIBLE, "open")
"""Also what waits for its payment, whose id the client has from the wallet transaction: it is the client that says
when a top-up without a payment provider was paid."""

LONGEST_VALUE: Final = 140
"""Of metadata."""

_invoices = table(Invoice)


async def update_invoice(work: UnitOfWork, invoice_id: object, params: Params) -> Invoice:
    """Notes the payment status that the client knows of, and its metadata; the invoice's row as it was.

    params: payment_status, metadata [{id, key, value}]. Raises NotFound, NotAllowed for voided invoices and drafts,
    ValidationFailed.
    """
    row = await locked_invoice(work.session, invoice_id, UPDATABLE)
    if row.status == "voided":
        raise NotAllowed("update_on_voided_invoice")
    read = Reader(params)
    metadata = read_metadata(read, longest_value=LONGEST_VALUE)
    status = None
    if "payment_status" in read:
        status = read.choice("payment_status", PAYMENT_STATUSES, mandatory=True)
    read.finish()
    if metadata is not None:
        if row.status == "draft":
            raise NotAllowed("metadata_on_draft_invoice")
        await replace_metadata(work, table(InvoiceMetadata), "invoice_id", row.id, metadata)
    if status is not None:
        if row.status == "draft":
            raise NotAllowed("payment_status_update_on_draft_invoice")
        await set_payment_status(work, [row.id], status)
    return row


async def lose_dispute(work: UnitOfWork, invoice_id: object) -> sa.Row[Any]:
    """The customer's bank took the money back: when is kept from the first time on, and the invoice is no longer
    overdue. Raises NotFound, and NotAllowed("not_disputable") for what is neither finalized nor voided."""
    row = await invoice_row(work.session, invoice_id)
    if row.status not in DISPUTABLE:
        raise NotAllowed("not_disputable")
    i = _invoices.c
    lost = await work.session.execute(
        sa.update(_invoices)
        .where(i.id == row.id, i.payment_dispute_lost_at.is_(None))
        .values(payment_dispute_lost_at=clock.now(), payment_overdue=False, updated_at=clock.now())
        .returning(i.id)
    )
    if lost.first() is not None:
        work.record(InvoiceDisputesLost((row.id,)))
    return row
