"""Adding, editing and removing one fixed charge of a plan (pricing handbook, section 10.1)."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.catalog.cascade import cascading
from domain.catalog.events import PlanUpdated
from domain.catalog.fixed_charges import (
    find_fixed_charges,
    judge_fixed_charges,
    kept_fixed_charges,
    write_fixed_charges,
)
from domain.catalog.models import FixedCharge, Plan
from domain.catalog.plan_lock import locked_plan
from domain.catalog.queries import plans_with_subscriptions
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Params

__all__ = ["create_fixed_charge", "delete_fixed_charge", "update_fixed_charge"]

UNIQUE = {"uq_fixed_charges_code": "code"}

_fixed = table(FixedCharge)


async def create_fixed_charge(
    work: UnitOfWork, params: Params, *, plan_id: UUID | None = None, plan_code: str | None = None
) -> FixedCharge:
    """A fixed charge at the end of a plan's list. A code is mandatory here. Raises NotFound, ValidationFailed."""
    plan = await locked_plan(work, plan_id, plan_code)
    kept = await kept_fixed_charges(work, plan.id)
    try:
        found = await find_fixed_charges(work, [params])
    except NotFound:
        raise NotFound("add_on") from None
    items = judge_fixed_charges(found, code_mandatory=True)
    codes = {row.code for row in kept}
    if items[0].terms.code in codes:
        raise ValidationFailed({"code": [TAKEN]})
    position = 1 + max((row.position for row in kept), default=-1)
    async with cascading(work, plan, params), unique(work, UNIQUE):
        [row] = await write_fixed_charges(work, plan, items, codes, position)
    work.record(PlanUpdated((plan.id,)))
    return row


async def update_fixed_charge(
    work: UnitOfWork, params: Params, *, fixed_charge_id: UUID | None = None,
    plan_code: str | None = None, code: str | None = None,
) -> FixedCharge:  # fmt: skip
    """Edits a fixed charge. Payment in advance and proration stay as they were made; model and code as well once a
    subscription is on the plan. Units must be sent. Raises NotFound, ValidationFailed."""
    plan, row, kept = await _of_plan(work, fixed_charge_id, plan_code, code)
    locked = bool(await plans_with_subscriptions(work.session, [plan.id]))
    found = await find_fixed_charges(work, [{**params, "id": row.id}], kept, locked=locked)
    items = judge_fixed_charges(found)
    if any(other.code == items[0].terms.code for other in kept if other.id != row.id):
        raise ValidationFailed({"code": [TAKEN]})
    async with cascading(work, plan, params), unique(work, UNIQUE):
        await write_fixed_charges(work, plan, items, set(), row.position)
    work.record(PlanUpdated((plan.id,)))
    return row


async def delete_fixed_charge(
    work: UnitOfWork, params: Params | None = None, *, fixed_charge_id: UUID | None = None,
    plan_code: str | None = None, code: str | None = None,
) -> FixedCharge:  # fmt: skip
    """Soft-deletes a fixed charge: it is not billed any more. Raises NotFound."""
    plan, row, _ = await _of_plan(work, fixed_charge_id, plan_code, code)
    async with cascading(work, plan, params or {}):
        row.deleted_at = clock.now()
        await work.session.flush()
    work.record(PlanUpdated((plan.id,)))
    return row


async def _of_plan(
    work: UnitOfWork, fixed_charge_id: UUID | None, plan_code: str | None, code: str | None
) -> tuple[Plan, FixedCharge, list[FixedCharge]]:
    """The plan, locked, the fixed charge, and all kept ones of the plan."""
    plan_id = None
    if plan_code is None:
        plan_id = await work.session.scalar(
            sa.select(_fixed.c.plan_id).where(_fixed.c.id == fixed_charge_id, _fixed.c.deleted_at.is_(None))
        )
        if plan_id is None:
            raise NotFound("fixed_charge")
    plan = await locked_plan(work, plan_id, plan_code)
    kept = await kept_fixed_charges(work, plan.id)
    for row in kept:
        if row.id == fixed_charge_id or (fixed_charge_id is None and row.code == code):
            return plan, row, kept
    raise NotFound("fixed_charge")
