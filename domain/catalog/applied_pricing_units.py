"""Charges priced in a unit of account of one's own (pricing handbook, section 11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import AppliedPricingUnit, PricingUnit
from domain.kernel.errors import ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import OUT_OF_RANGE, Params, Reader

__all__ = ["PricingTerms", "change_rates", "pricing_unit_ids", "read_pricing_terms"]

MAX_RATE = Decimal(10) ** 20
RATE_DECIMALS = 15

_units, _applied = table(PricingUnit), table(AppliedPricingUnit)


@dataclass(frozen=True, slots=True)
class PricingTerms:
    """code: of the pricing unit, None where only the rate is told. conversion_rate: currency per unit."""

    code: str | None
    conversion_rate: Decimal


def read_pricing_terms(sent: Params) -> PricingTerms:
    """Judges an `applied_pricing_unit`. Raises ValidationFailed."""
    read = Reader(sent)
    code = read.text("code")
    rate = read.decimal("conversion_rate", mandatory=True, most=MAX_RATE)
    if rate is not None and (rate <= 0 or rate != round(rate, RATE_DECIMALS)):
        read.add("conversion_rate", OUT_OF_RANGE)
    read.finish()
    assert rate is not None
    return PricingTerms(code, rate)


async def pricing_unit_ids(work: UnitOfWork, codes: Collection[str | None]) -> dict[str | None, UUID]:
    """Pricing units by code. Raises ValidationFailed {"pricing_unit": ["relation_must_exist"]} for an unknown one."""
    if not codes:
        return {}
    rows = await work.session.execute(sa.select(_units.c.code, _units.c.id).where(_units.c.code.in_(set(codes))))
    found: dict[str | None, UUID] = {row.code: row.id for row in rows}
    if any(code not in found for code in codes):
        raise ValidationFailed({"pricing_unit": ["relation_must_exist"]})
    return found


async def change_rates(work: UnitOfWork, rates: Mapping[UUID, Decimal]) -> None:
    """Gives charges that are priced in a unit another rate, by charge id; others are left as they are."""
    if not rates:
        return
    rows = await work.session.scalars(sa.select(AppliedPricingUnit).where(_applied.c.charge_id.in_(rates)))
    for row in rows:
        row.conversion_rate = rates[row.charge_id]
