"""Copies of charges and fixed charges for the overrides of a plan (pricing handbook, sections 1.6 and 1.7).

A copy points at what it was made from. Filters, their values and the pricing unit are copied; taxes are not inherited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import (
    AppliedPricingUnit,
    Charge,
    ChargeFilter,
    ChargeFilterValue,
    FixedCharge,
    Plan,
)
from domain.kernel.rows import TenantRow, table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["copy_charges", "copy_fixed_charges"]

T = TypeVar("T", bound=TenantRow)
OWN = frozenset({"id", "created_at", "updated_at", "deleted_at"})

_filters, _values, _applied = table(ChargeFilter), table(ChargeFilterValue), table(AppliedPricingUnit)


def _copy(source: T, **changes: Any) -> T:
    """A new row with the columns of another, but for those that make it itself."""
    columns = {name: getattr(source, name) for name in type(source).model_fields if name not in OWN}
    return type(source)(**(columns | changes))


async def copy_charges(
    work: UnitOfWork, sources: Sequence[Charge], plans: Sequence[Plan]
) -> dict[tuple[UUID, UUID], Charge]:
    """A copy of each charge on each plan, by (plan id, id of the source). Stored in a fixed number of statements."""
    copies = {
        (plan.id, source.id): _copy(source, plan_id=plan.id, parent_id=source.id)
        for plan in plans
        for source in sources
    }
    if not copies:
        return {}
    work.session.add_all(copies.values())
    await work.session.flush()
    ids = [source.id for source in sources]
    units = (await work.session.scalars(sa.select(AppliedPricingUnit).where(_applied.c.charge_id.in_(ids)))).all()
    work.session.add_all(_copy(unit, charge_id=copies[plan.id, unit.charge_id].id) for plan in plans for unit in units)
    filters = (
        await work.session.scalars(
            sa.select(ChargeFilter).where(_filters.c.charge_id.in_(ids), _filters.c.deleted_at.is_(None))
        )
    ).all()
    copied = {
        (plan.id, each.id): _copy(each, charge_id=copies[plan.id, each.charge_id].id)
        for plan in plans
        for each in filters
    }
    work.session.add_all(copied.values())
    await work.session.flush()
    if filters:
        values = (
            await work.session.scalars(
                sa.select(ChargeFilterValue).where(
                    _values.c.charge_filter_id.in_([each.id for each in filters]), _values.c.deleted_at.is_(None)
                )
            )
        ).all()
        work.session.add_all(
            _copy(value, charge_filter_id=copied[plan.id, value.charge_filter_id].id)
            for plan in plans
            for value in values
        )
        await work.session.flush()
    return copies


async def copy_fixed_charges(
    work: UnitOfWork, sources: Sequence[FixedCharge], plans: Sequence[Plan]
) -> dict[tuple[UUID, UUID], FixedCharge]:
    """A copy of each fixed charge on each plan, by (plan id, id of the source)."""
    copies = {
        (plan.id, source.id): _copy(source, plan_id=plan.id, parent_id=source.id)
        for plan in plans
        for source in sources
    }
    work.session.add_all(copies.values())
    await work.session.flush()
    return copies
