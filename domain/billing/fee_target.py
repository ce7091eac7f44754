"""Which line of an invoice a client means to set or to bill again, and what it sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing.adjustments import Adjustment, priced_by_units
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.validation import Reader

__all__ = ["FeeTarget", "find_target", "read_adjustment"]

MOST_UNITS: Final = Decimal(10) ** 15
MOST_AMOUNT: Final = Decimal(10) ** 12

_FEE: Final = sa.text(
    """
    SELECT f.id, f.subscription_id, f.fee_type, f.charge_id, f.charge_filter_id, f.fixed_charge_id, f.grouped_by,
           coalesce(ch.charge_model, fc.charge_model) AS charge_model,
           coalesce(ch.prorated, fc.prorated, false) AS prorated, f.units
    FROM fees f
    LEFT JOIN charges ch ON ch.id = f.charge_id
    LEFT JOIN fixed_charges fc ON fc.id = f.fixed_charge_id
    WHERE f.id = :id AND f.invoice_id = :invoice_id AND f.true_up_parent_fee_id IS NULL
      AND f.fee_type IN ('subscription', 'charge', 'fixed_charge')
    """
)
_SUBSCRIPTION: Final = sa.text(
    """
    SELECT x.subscription_id, s.plan_id FROM invoice_subscriptions x JOIN subscriptions s ON s.id = x.subscription_id
    WHERE x.invoice_id = :invoice_id AND (x.subscription_id = :id OR x.id = :line_id)
    """
)
# Of what is paid in advance an invoice of a period bills only what is carried over.
_CHARGE: Final = sa.text(
    """
    SELECT ch.id, ch.charge_model, ch.prorated FROM charges ch JOIN billable_metrics m ON m.id = ch.billable_metric_id
    WHERE ch.id = :id AND ch.plan_id = :plan_id AND ch.deleted_at IS NULL AND ch.invoiceable
      AND (m.recurring OR NOT ch.pay_in_advance)
    """
)
_FILTER: Final = sa.text(
    "SELECT id FROM charge_filters WHERE id = :id AND charge_id = :charge_id AND deleted_at IS NULL"
)
_FIXED_CHARGE: Final = sa.text(
    "SELECT id, charge_model, prorated FROM fixed_charges WHERE id = :id AND plan_id = :plan_id AND deleted_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class FeeTarget:
    """A line of an invoice: one that is there (fee_id), or one that a charge of the plan may have.

    charge_model: None for a base fee.
    """

    subscription_id: UUID
    fee_type: str
    charge_id: UUID | None = None
    charge_filter_id: UUID | None = None
    fixed_charge_id: UUID | None = None
    grouped_by: Mapping[str, Any] = field(default_factory=dict)
    charge_model: str | None = None
    prorated: bool = False
    fee_id: UUID | None = None


async def find_target(session: AsyncSession, invoice_id: UUID, params: Mapping[str, Any]) -> FeeTarget:
    """The line that `params` name: fee_id, or subscription_id (or invoice_subscription_id) with charge_id and
    charge_filter_id, or with fixed_charge_id. Raises NotFound of what is not there."""
    if params.get("fee_id") is not None:
        values = {"id": parse_id(params["fee_id"]), "invoice_id": invoice_id}
        row = (await session.execute(_FEE, values)).first()
        if row is None:
            raise NotFound("fee")
        return FeeTarget(
            subscription_id=row.subscription_id,
            fee_type=row.fee_type,
            charge_id=row.charge_id,
            charge_filter_id=row.charge_filter_id,
            fixed_charge_id=row.fixed_charge_id,
            grouped_by=row.grouped_by,
            charge_model=row.charge_model,
            prorated=row.prorated,
            fee_id=row.id,
        )
    line = (
        await session.execute(
            _SUBSCRIPTION,
            {
                "invoice_id": invoice_id,
                "id": parse_id(params.get("subscription_id")),
                "line_id": parse_id(params.get("invoice_subscription_id")),
            },
        )
    ).first()
    if line is None:
        raise NotFound("subscription")
    if params.get("fixed_charge_id") is not None:
        values = {"id": parse_id(params["fixed_charge_id"]), "plan_id": line.plan_id}
        fixed = (await session.execute(_FIXED_CHARGE, values)).first()
        if fixed is None:
            raise NotFound("fixed_charge")
        return FeeTarget(
            line.subscription_id,
            "fixed_charge",
            fixed_charge_id=fixed.id,
            charge_model=fixed.charge_model,
            prorated=fixed.prorated,
        )
    values = {"id": parse_id(params.get("charge_id")), "plan_id": line.plan_id}
    charge = (await session.execute(_CHARGE, values)).first()
    if charge is None:
        raise NotFound("charge")
    filter_id = None
    if params.get("charge_filter_id") is not None:
        values = {"id": parse_id(params["charge_filter_id"]), "charge_id": charge.id}
        filter_id = await session.scalar(_FILTER, values)
        if filter_id is None:
            raise NotFound("charge_filter")
    return FeeTarget(
        line.subscription_id,
        "charge",
        charge_id=charge.id,
        charge_filter_id=filter_id,
        charge_model=charge.charge_model,
        prorated=charge.prorated,
    )


def read_adjustment(
    params: Mapping[str, Any], target: FeeTarget, *, unit_amount: str = "unit_precise_amount"
) -> Adjustment:
    """What `params` set for a line: units, an amount for each (in units of the currency), a name.

    Raises ValidationFailed; units without an amount only where the charge has a price for them.
    """
    read = Reader(params)
    units = read.decimal("units", least=Decimal(0), most=MOST_UNITS)
    amount = read.decimal(unit_amount, least=Decimal(0), most=MOST_AMOUNT)
    name = read.text("invoice_display_name")
    if amount is not None and units is None and "units" not in read.errors:
        read.add("units", "value_is_mandatory")
    if amount is not None and units is not None and amount * units > MOST_AMOUNT:
        read.add(unit_amount, "value_is_out_of_range")
    read.finish()
    by_units = target.charge_model is None or priced_by_units(target.charge_model, prorated=target.prorated)
    if units is not None and amount is None and not by_units:
        raise ValidationFailed({"charge": ["invalid_charge_model"]})
    return Adjustment(
        fee_type=target.fee_type,
        units=units,
        unit_amount=amount,
        invoice_display_name=name,
        charge_id=target.charge_id,
        charge_filter_id=target.charge_filter_id,
        fixed_charge_id=target.fixed_charge_id,
        grouped_by=target.grouped_by,
    )
