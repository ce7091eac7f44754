"""Fees without an invoice: the integrator says when they are paid, and may take them back. Source: handbook, 4.7."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import col, delete, select

from domain.invoicing.models import Fee, FeeAppliedTax, FeePricingUnit
from domain.kernel import clock
from domain.kernel.errors import NotAllowed, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["PAYMENT_STATUSES", "delete_fee", "set_payment_status"]

PAYMENT_STATUSES = ("pending", "succeeded", "failed", "refunded")


async def set_payment_status(work: UnitOfWork, fee_id: object, params: Mapping[str, Any]) -> Fee:
    """Notes what became of the payment, and when it did for the first time.

    params: payment_status. Raises NotFound, NotAllowed("invoiced_fee") and ValidationFailed.
    """
    fee = await _standalone(work, fee_id)
    read = Reader(params)
    status = read.choice("payment_status", PAYMENT_STATUSES)
    if status is None and not read.errors:
        read.add("payment_status", "value_is_invalid")
    read.finish()
    assert status is not None, "a status was read"
    fee.payment_status = status
    field = f"{status}_at"
    if status != "pending" and getattr(fee, field) is None:
        setattr(fee, field, clock.now())
    await work.session.flush()
    return fee


async def delete_fee(work: UnitOfWork, fee_id: object) -> Fee:
    """Removes a fee with its taxes. Raises NotFound and NotAllowed("invoiced_fee")."""
    fee = await _standalone(work, fee_id)
    for hanging in (FeeAppliedTax, FeePricingUnit):
        await work.session.execute(delete(hanging).where(col(hanging.fee_id) == fee.id))
    await work.session.delete(fee)
    await work.session.flush()
    return fee


async def _standalone(work: UnitOfWork, fee_id: object) -> Fee:
    query = select(Fee).where(col(Fee.id) == parse_id(fee_id)).with_for_update()
    fee = (await work.session.execute(query)).scalars().first()
    if fee is None:
        raise NotFound("fee")
    if fee.invoice_id is not None:
        raise NotAllowed("invoiced_fee")
    return fee
