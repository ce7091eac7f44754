"""What a line of an invoice would be if it were set by hand; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from domain.billing.adjusted_fees import adjust_fee, reset_fee
from domain.billing.regenerate import regenerate
from domain.invoicing.fee_queries import fee_row, fees_of_invoices
from domain.invoicing.models import Fee
from domain.invoicing.queries import invoice_row
from domain.kernel.errors import Forbidden
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["preview_fee"]

_CHARGE: Final = ("subscription_id", "charge_id", "charge_filter_id", "fixed_charge_id")
_KEY: Final = (*_CHARGE, "fee_type", "grouped_by")


async def preview_fee(work: UnitOfWork, params: Mapping[str, Any]) -> sa.Row[Any]:
    """The fee as `adjust_fee` would leave it on a draft, or `regenerate` in the place of a voided invoice.

    params and refusals: of `adjust_fee`. A row of `fee_queries`. Everything is done and taken back again.
    """
    invoice = await invoice_row(work.session, params.get("invoice_id"))
    recorded = work.recorded
    async with work.session.begin_nested() as nested:
        if invoice.status == "draft":
            row = await _of_draft(work, params)
        elif invoice.status == "voided":
            row = await _of_voided(work, params)
        else:
            raise Forbidden
        await nested.rollback()
    work.forget_since(recorded)
    return row


async def _of_draft(work: UnitOfWork, params: Mapping[str, Any]) -> sa.Row[Any]:
    before = await _set_before(work, params.get("fee_id"))
    if before is not None:
        await reset_fee(work, before.id)
        # The draft was computed anew without: its lines have other ids.
        of_invoice = (await fees_of_invoices(work.session, [before.invoice_id])).get(before.invoice_id, [])
        same = (each.id for each in of_invoice if all(getattr(each, key) == getattr(before, key) for key in _KEY))
        params = {**params, **{key: getattr(before, key) for key in _CHARGE}, "fee_id": next(same, None)}
    return await fee_row(work.session, await adjust_fee(work, params))


async def _set_before(work: UnitOfWork, fee_id: object) -> sa.Row[Any] | None:
    query = sa.select(*table(Fee).c).where(
        table(Fee).c.id == parse_id(fee_id), table(Fee).c.adjusted_fee_id.is_not(None)
    )
    return (await work.session.execute(query)).first()


async def _of_voided(work: UnitOfWork, params: Mapping[str, Any]) -> sa.Row[Any]:
    sent = {key: params.get(key) for key in (*_CHARGE, "invoice_subscription_id", "units", "invoice_display_name")}
    sent |= {"id": params.get("fee_id"), "unit_amount_cents": params.get("unit_precise_amount")}
    new_id = await regenerate(work, {"voided_invoice_id": params.get("invoice_id"), "fees": [sent]})
    return (await fees_of_invoices(work.session, [new_id]))[new_id][0]
