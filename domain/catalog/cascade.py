"""Noting what a change of a plan is to hand on to its overrides (pricing handbook, section 1.7).

    async with cascading(work, plan, params):
        ...

With `cascade_updates` in the params the prices as they stood before the block are recorded; the job that follows
compares them with those it finds and edits the overrides (see cascade_to_overrides.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from domain.catalog.charge_filters import kept_filters
from domain.catalog.charges import kept_charges
from domain.catalog.events import PlanPricesChanged
from domain.catalog.fixed_charges import kept_fixed_charges
from domain.catalog.models import AppliedPricingUnit, Plan
from domain.kernel.errors import ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["Prices", "alike", "cascading", "prices_of"]

Prices = dict[str, Any]

_plans, _applied = table(Plan), table(AppliedPricingUnit)


@asynccontextmanager
async def cascading(work: UnitOfWork, plan: Plan, params: Params) -> AsyncIterator[None]:
    """Records PlanPricesChanged when `cascade_updates` is true and the plan has overrides. Raises ValidationFailed."""
    read = Reader(params)
    wanted = read.boolean("cascade_updates", default=False)
    at_once = bool(read.boolean("apply_units_immediately", default=False))
    if "cascade_updates" in read.errors:
        raise ValidationFailed({"cascade_updates": read.errors["cascade_updates"]})
    overridden = sa.exists().where(_plans.c.parent_id == plan.id, _plans.c.deleted_at.is_(None))
    if not wanted or not await work.session.scalar(sa.select(overridden)):
        yield
        return
    before = await prices_of(work, plan)
    yield
    at_once = at_once or any(
        isinstance(entry, Mapping) and entry.get("apply_units_immediately") is True
        for entry in params.get("fixed_charges") or ()
    )
    work.record(PlanPricesChanged(plan.id, before, at_once))


async def prices_of(work: UnitOfWork, plan: Plan) -> Prices:
    """The prices of a plan as JSON: `amount_cents`; `charges` and `fixed_charges` by id; a fixed number of
    statements."""
    charges = await kept_charges(work, plan.id)
    ids = [charge.id for charge in charges]
    filters = await kept_filters(work, ids)
    rates: dict[Any, Decimal] = {}
    if ids:
        rows = await work.session.execute(
            sa.select(_applied.c.charge_id, _applied.c.conversion_rate).where(_applied.c.charge_id.in_(ids))
        )
        rates = {row.charge_id: row.conversion_rate for row in rows}
    return {
        "amount_cents": plan.amount_cents,
        "charges": {
            str(charge.id): {
                "code": charge.code,
                "model": charge.charge_model,
                "properties": charge.properties,
                "rate": str(rates[charge.id]) if charge.id in rates else None,
                "filters": [
                    {
                        "values": each.values,
                        "properties": each.row.properties,
                        "invoice_display_name": each.row.invoice_display_name,
                    }
                    for each in filters[charge.id]
                ],
            }
            for charge in charges
        },
        "fixed_charges": {
            str(row.id): {
                "code": row.code,
                "model": row.charge_model,
                "properties": row.properties,
                "units": str(row.units),
            }
            for row in await kept_fixed_charges(work, plan.id)
        },
    }


def alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, texts that read as numbers compared as numbers: "1.0" and "1"."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if one == other:
        return True
    first, second = _number(one), _number(other)
    return first is not None and first == second


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
