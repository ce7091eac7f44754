"""Creating and editing pricing units, which are never deleted (pricing handbook, section 11)."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import PricingUnit
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Params, Reader

__all__ = ["create_pricing_unit", "update_pricing_unit"]

UNIQUE = {"uq_pricing_units_organization_id_code": "code"}
LONGEST_SHORT_NAME = 3
LONGEST_DESCRIPTION = 600

_units = table(PricingUnit)


async def create_pricing_unit(work: UnitOfWork, params: Params) -> PricingUnit:
    """Raises ValidationFailed."""
    read = Reader(params)
    name, code = read.text("name", mandatory=True), read.text("code", mandatory=True)
    short_name = read.text("short_name", mandatory=True, longest=LONGEST_SHORT_NAME)
    description = read.text("description", longest=LONGEST_DESCRIPTION)
    if code is not None and await work.session.scalar(sa.select(sa.exists().where(_units.c.code == code))):
        read.add("code", TAKEN)
    read.finish()
    assert name is not None
    assert code is not None
    assert short_name is not None
    unit = PricingUnit(
        organization_id=work.organization_id, name=name, code=code, short_name=short_name, description=description
    )
    async with unique(work, UNIQUE):
        work.session.add(unit)
    return unit


async def update_pricing_unit(work: UnitOfWork, unit_id: UUID | None, params: Params) -> PricingUnit:
    """Changes name, short name and description where they are given; the code stays. Raises NotFound,
    ValidationFailed."""
    unit = await work.session.scalar(sa.select(PricingUnit).where(_units.c.id == unit_id).with_for_update())
    if unit is None:
        raise NotFound("pricing_unit")
    read = Reader(params)
    name = read.text("name", mandatory=True) if "name" in read else unit.name
    short_name = (
        read.text("short_name", mandatory=True, longest=LONGEST_SHORT_NAME) if "short_name" in read else unit.short_name
    )
    description = read.text("description", longest=LONGEST_DESCRIPTION) if "description" in read else unit.description
    read.finish()
    assert name is not None
    assert short_name is not None
    unit.name, unit.short_name, unit.description = name, short_name, description
    await work.session.flush()
    return unit
