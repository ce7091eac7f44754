"""Lines of a draft set by hand: units, amount, name. Source: subscriptions handbook, section 6, adjusted fees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, delete, select

from domain.billing.fee_target import FeeTarget, find_target, read_adjustment
from domain.billing.finalize import refresh
from domain.invoicing.models import AdjustedFee, Fee
from domain.invoicing.queries import locked_invoice
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["adjust_fee", "reset_fee"]


async def adjust_fee(work: UnitOfWork, params: Mapping[str, Any]) -> UUID:
    """Sets a line of a draft and computes the draft anew; the id of the fee as it is then.

    params: invoice_id; fee_id, or subscription_id (or invoice_subscription_id) with charge_id and charge_filter_id, or
    fixed_charge_id; units, unit_precise_amount (text, units of the currency), invoice_display_name.
    Raises NotFound("invoice", "fee", "subscription", "charge", "charge_filter", "fixed_charge"), Forbidden for what is
    no draft, and ValidationFailed: adjusted_fee already_exists, charge invalid_charge_model, wrong numbers.
    """
    invoice = await locked_invoice(work.session, params.get("invoice_id"))
    if invoice.status != "draft" or invoice.invoice_type != "subscription":
        raise Forbidden
    target = await find_target(work.session, invoice.id, params)
    adjustment = read_adjustment(params, target)
    row = AdjustedFee(
        organization_id=work.organization_id,
        invoice_id=invoice.id,
        subscription_id=target.subscription_id,
        **_columns(target),
        units=adjustment.units,
        unit_amount=adjustment.unit_amount,
        invoice_display_name=adjustment.invoice_display_name,
    )
    async with unique(work, {"uq_adjusted_fees_target": "adjusted_fee"}, code="already_exists"):
        work.session.add(row)
    await refresh(work, [invoice.id])
    fee_id = await work.session.scalar(select(Fee.id).where(col(Fee.adjusted_fee_id) == row.id))
    if fee_id is None:
        # Nothing is billed for it on this line.
        raise NotFound("fee")
    return fee_id


async def reset_fee(work: UnitOfWork, fee_id: object) -> None:
    """Takes back what was set for a fee of a draft and computes the draft anew.

    Raises NotFound("fee"), NotFound("adjusted_fee") and Forbidden for what stands on no draft.
    """
    fee = (await work.session.execute(select(Fee).where(col(Fee.id) == parse_id(fee_id)))).scalars().first()
    if fee is None or fee.invoice_id is None:
        raise NotFound("fee")
    adjusted_id = fee.adjusted_fee_id
    if adjusted_id is None:
        raise NotFound("adjusted_fee")
    invoice = await locked_invoice(work.session, fee.invoice_id)
    if invoice.status != "draft":
        raise Forbidden
    await work.session.execute(
        sa.update(Fee).where(col(Fee.adjusted_fee_id) == adjusted_id).values(adjusted_fee_id=None)
    )
    await work.session.execute(delete(AdjustedFee).where(col(AdjustedFee.id) == adjusted_id))
    await refresh(work, [invoice.id])


def _columns(target: FeeTarget) -> dict[str, Any]:
    return {
        "fee_type": target.fee_type,
        "charge_id": target.charge_id,
        "charge_filter_id": target.charge_filter_id,
        "fixed_charge_id": target.fixed_charge_id,
        "grouped_by": dict(target.grouped_by),
    }
