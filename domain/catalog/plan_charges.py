"""Adding, editing and removing one charge of a plan (pricing handbook, section 2.3)."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.catalog.cascade import cascading
from domain.catalog.charges import edit_charge, find_charges, judge_charges, kept_charges, new_charge, write_parts
from domain.catalog.events import PlanUpdated
from domain.catalog.models import Charge, Plan
from domain.catalog.plan_lock import locked_plan
from domain.catalog.queries import plans_with_subscriptions
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Params

__all__ = ["charge_of_plan", "create_charge", "delete_charge", "update_charge"]

UNIQUE = {"uq_charges_code": "code"}

_charges = table(Charge)


async def create_charge(
    work: UnitOfWork, params: Params, *, plan_id: UUID | None = None, plan_code: str | None = None
) -> Charge:
    """A charge at the end of a plan's list; on a plan with subscriptions it counts from their current period on.
    A code is mandatory here. Raises NotFound, ValidationFailed."""
    plan = await locked_plan(work, plan_id, plan_code)
    kept = await kept_charges(work, plan.id)
    try:
        found = await find_charges(work, [params])
    except NotFound:
        raise NotFound("billable_metric") from None
    [item] = judge_charges(found, code_mandatory=True)
    assert item.terms.code is not None
    if any(charge.code == item.terms.code for charge in kept):
        raise ValidationFailed({"code": [TAKEN]})
    position = 1 + max((charge.position for charge in kept), default=-1)
    charge = new_charge(plan, item, item.terms.code, position)
    async with cascading(work, plan, params):
        async with unique(work, UNIQUE):
            work.session.add(charge)
        await write_parts(work, [(charge, item)])
    work.record(PlanUpdated((plan.id,)))
    return charge


async def update_charge(
    work: UnitOfWork, params: Params, *, charge_id: UUID | None = None,
    plan_code: str | None = None, charge_code: str | None = None,
) -> Charge:  # fmt: skip
    """Edits a charge. Once a subscription is on the plan its model, metric and code are silently left as they are.

    As in the reference an invoice_display_name that is left out becomes null, properties that are left out become the
    defaults of the model, and a model that is left out is invalid unless it can't be changed. Raises NotFound,
    ValidationFailed.
    """
    plan, charge, kept = await charge_of_plan(work, charge_id, plan_code, charge_code)
    locked = bool(await plans_with_subscriptions(work.session, [plan.id]))
    try:
        found = await find_charges(work, [{**params, "id": charge.id}], kept, locked=locked)
    except NotFound:
        raise NotFound("billable_metric") from None
    [item] = judge_charges(found)
    code = item.terms.code or charge.code
    if any(other.code == code for other in kept if other.id != charge.id):
        raise ValidationFailed({"code": [TAKEN]})
    async with cascading(work, plan, params):
        async with unique(work, UNIQUE):
            edit_charge(charge, item, code, charge.position)
        await write_parts(work, [(charge, item)])
    work.record(PlanUpdated((plan.id,)))
    return charge


async def delete_charge(
    work: UnitOfWork, params: Params | None = None, *, charge_id: UUID | None = None,
    plan_code: str | None = None, charge_code: str | None = None,
) -> Charge:  # fmt: skip
    """Soft-deletes a charge: its usage is not billed any more. Raises NotFound."""
    plan, charge, _ = await charge_of_plan(work, charge_id, plan_code, charge_code)
    async with cascading(work, plan, params or {}):
        charge.deleted_at = clock.now()
        await work.session.flush()
    work.record(PlanUpdated((plan.id,)))
    return charge


async def charge_of_plan(
    work: UnitOfWork, charge_id: UUID | None, plan_code: str | None, charge_code: str | None
) -> tuple[Plan, Charge, list[Charge]]:
    """The plan, locked, the charge, and all kept charges of the plan."""
    plan_id = None
    if plan_code is None:
        plan_id = await work.session.scalar(
            sa.select(_charges.c.plan_id).where(_charges.c.id == charge_id, _charges.c.deleted_at.is_(None))
        )
        if plan_id is None:
            raise NotFound("charge")
    plan = await locked_plan(work, plan_id, plan_code)
    kept = await kept_charges(work, plan.id)
    for charge in kept:
        if charge.id == charge_id or (charge_id is None and charge.code == charge_code):
            return plan, charge, kept
    raise NotFound("charge")
