"""Voiding what is final, deleting what is a draft. Source: subscriptions handbook, sections 5.3 and 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.credits.spend_coupons import give_back_coupons
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

    params: generate_credit_note. Raises NotFound("invoice"), NotAllowed("not_voidable") and ValidationFailed.
    """
    invoice = await locked_invoice(work.session, invoice_id)
    if not may_become(invoice.status, "voided"):
        raise NotAllowed("not_voidable")
    read = Reader(params)
    if read.boolean("generate_credit_note"):
        read.add("generate_credit_note", "unsupported_value")
    read.finish()
    invoice.status = "voided"
    invoice.voided_at = clock.now()
    invoice.payment_overdue = False
    await work.session.flush()
    await give_back_coupons(work, [invoice.id])
    await give_back(work, [invoice.id])
    work.record(InvoicesVoided((invoice.id,)))
    return invoice.id


async def delete_draft(work: UnitOfWork, invoice_id: object) -> Invoice:
    """Takes a draft away; its periods stay billed. Raises NotFound("invoice") and NotAllowed("not_deletable")."""
    invoice = await locked_invoice(work.session, invoice_id)
    if not may_become(invoice.status, "deleted"):
        raise NotAllowed("not_deletable")
    invoice.status = "deleted"
    await work.session.flush()
    work.record(InvoicesDeleted((invoice.id,)))
    return invoice
