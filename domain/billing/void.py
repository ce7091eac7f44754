"""Voiding what is final, deleting what is a draft. Source: subscriptions handbook, sections 5.3 and 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.credits.create_note import credit_invoice, credit_remainder
from domain.credits.draft_notes import delete_draft_notes
from domain.credits.spend_coupons import give_back_coupons
from domain.credits.spend_notes import give_back_notes
from domain.credits.wallets.give_back import give_back
from domain.invoicing.events import InvoicesDeleted, InvoicesVoided
from domain.invoicing.models import Invoice
from domain.invoicing.queries import locked_invoice
from domain.invoicing.statuses import may_become
from domain.kernel import clock
from domain.kernel.errors import NotAllowed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["delete_draft", "void_invoice"]


async def void_invoice(work: UnitOfWork, invoice_id: object, params: Mapping[str, Any]) -> UUID:
    """Takes back an invoice that has its number, which it keeps. What lowered it is given back.

    params: generate_credit_note, which makes one of credit_amount and refund_amount (cents, gross) and one of the rest
    that is voided at once; what wallets paid is not given back then.
    Raises NotFound("invoice"), NotAllowed("not_voidable") and ValidationFailed: credit_refund_amount for more than the
    invoice has.
    """
    invoice = await locked_invoice(work.session, invoice_id)
    if not may_become(invoice.status, "voided"):
        raise NotAllowed("not_voidable")
    read = Reader(params)
    with_note = read.boolean("generate_credit_note", default=False)
    credit, refund = (read.integer(name, least=0, default=0) or 0 for name in ("credit_amount", "refund_amount"))
    read.finish()
    if with_note:
        await credit_invoice(work, invoice.id, credit_cents=credit, refund_cents=refund)
        await credit_remainder(work, invoice.id)
    invoice.status = "voided"
    invoice.voided_at = clock.now()
    invoice.payment_overdue = False
    invoice.ready_for_payment_processing = False
    await work.session.flush()
    await give_back_coupons(work, [invoice.id])
    await give_back_notes(work, [invoice.id])
    if not with_note:
        await give_back(work, [invoice.id])
    work.record(InvoicesVoided((invoice.id,)))
    return invoice.id


async def delete_draft(work: UnitOfWork, invoice_id: object) -> Invoice:
    """Takes a draft away with its credit notes; its periods stay billed.

    Raises NotFound("invoice") and NotAllowed("not_deletable").
    """
    invoice = await locked_invoice(work.session, invoice_id)
    if not may_become(invoice.status, "deleted"):
        raise NotAllowed("not_deletable")
    invoice.status = "deleted"
    await work.session.flush()
    await delete_draft_notes(work, [invoice.id])
    work.record(InvoicesDeleted((invoice.id,)))
    return invoice
