"""One price of a subscription's own: a charge, a filter, a fixed charge. Source: handbook, pricing 1.6.

Each makes an override of the plan first where there is none. Subscriptions are locked by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.billing.override import OwnUnits, give_units, move_to_override
from domain.catalog.charge_filter_terms import same_values
from domain.catalog.charge_filters import kept_filters
from domain.catalog.charges import kept_charges
from domain.catalog.events import PlanUpdated
from domain.catalog.fixed_charges import kept_fixed_charges, read_units
from domain.catalog.models import Charge, ChargeFilter, FixedCharge, Plan
from domain.catalog.override_plan import edit_copied_charge, edit_copied_fixed_charge
from domain.catalog.plan_filters import add_filter, change_filter, filter_of_charge, remove_filter
from domain.catalog.plan_lock import locked_plan
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader
from domain.subscriptions.models import Subscription

__all__ = [
    "create_own_filter", "delete_own_filter", "override_charge", "override_fixed_charge", "shown_filter_id",
    "update_own_filter",
]  # fmt: skip

UNITS_ONLY = frozenset({"units", "apply_units_immediately"})


async def _own_plan(work: UnitOfWork, row: Subscription) -> tuple[Plan, bool]:
    """The subscription's plan, locked, and whether it is an override."""
    plan = await locked_plan(work, row.plan_id, None)
    return plan, plan.parent_id is not None


async def override_charge(
    work: UnitOfWork, row: Subscription, params: Params, *, code: str | None = None, charge_id: UUID | None = None
) -> Charge:
    """Gives a charge properties, filters, minimum, name, taxes or rate for this subscription alone; what is not sent
    stays. Raises NotFound, ValidationFailed."""
    plan, charge = await _own_charge(work, row, code, charge_id)
    await edit_copied_charge(work, charge, params)
    work.record(PlanUpdated((plan.id,)))
    return charge


async def _own_charge(
    work: UnitOfWork, row: Subscription, code: str | None, charge_id: UUID | None
) -> tuple[Plan, Charge]:
    """The override of the subscription, made if need be, and its charge of that code, or with that id, or made from
    the charge with that id. Raises NotFound."""
    plan, own = await _own_plan(work, row)

    def find(charges: list[Charge]) -> Charge:
        for charge in charges:
            if charge.code == code if charge_id is None else charge_id in (charge.id, charge.parent_id):
                return charge
        raise NotFound("charge")

    wanted = find(await kept_charges(work, plan.id))
    if own:
        return plan, wanted
    child = await move_to_override(work, row, plan, {})
    charge_id = wanted.id
    return child, find(await kept_charges(work, child.id))


async def create_own_filter(
    work: UnitOfWork, row: Subscription, params: Params, *, code: str | None = None, charge_id: UUID | None = None
) -> ChargeFilter:
    """A filter for this subscription alone. Raises NotFound; ValidationFailed, also for values that a filter has."""
    plan, charge = await _own_charge(work, row, code, charge_id)
    made = await add_filter(work, charge, params, distinct=True)
    work.record(PlanUpdated((plan.id,)))
    return made


async def update_own_filter(
    work: UnitOfWork, row: Subscription, params: Params, filter_id: object, *,
    code: str | None = None, charge_id: UUID | None = None,
) -> ChargeFilter:  # fmt: skip
    """Edits price and name of a filter for this subscription alone. Raises NotFound, ValidationFailed."""
    plan, charge, own_id = await _own_filter(work, row, filter_id, code, charge_id)
    kept = await filter_of_charge(work, charge, own_id)
    await change_filter(work, charge, kept, params)
    work.record(PlanUpdated((plan.id,)))
    return kept.row


async def delete_own_filter(
    work: UnitOfWork, row: Subscription, filter_id: object, *, code: str | None = None, charge_id: UUID | None = None
) -> ChargeFilter:
    """Removes a filter for this subscription alone. Raises NotFound."""
    plan, charge, own_id = await _own_filter(work, row, filter_id, code, charge_id)
    kept = await filter_of_charge(work, charge, own_id)
    await remove_filter(work, kept)
    work.record(PlanUpdated((plan.id,)))
    return kept.row


async def shown_filter_id(work: UnitOfWork, row: Subscription, values: Any, *, code: str) -> UUID:
    """The filter of the subscription's charge that has these values. Raises NotFound."""
    charges = [charge for charge in await kept_charges(work, row.plan_id) if charge.code == code]
    if not charges:
        raise NotFound("charge")
    wanted = same_values(values) if isinstance(values, Mapping) else ()
    for kept in (await kept_filters(work, [charges[0].id]))[charges[0].id]:
        if same_values(kept.values) == wanted:
            return kept.row.id
    raise NotFound("charge_filter")


async def _own_filter(
    work: UnitOfWork, row: Subscription, filter_id: object, code: str | None, charge_id: UUID | None
) -> tuple[Plan, Charge, UUID]:
    """The override, its charge, and the id of the filter there that has the values of the one named."""
    plan, _ = await _own_plan(work, row)
    wanted = parse_id(filter_id)
    charges = [
        charge
        for charge in await kept_charges(work, plan.id)
        if (charge.code == code if charge_id is None else charge_id in (charge.id, charge.parent_id))
    ]
    if not charges:
        raise NotFound("charge")
    named = await filter_of_charge(work, charges[0], wanted)
    plan, charge = await _own_charge(work, row, code, charge_id)
    for kept in (await kept_filters(work, [charge.id]))[charge.id]:
        if same_values(kept.values) == same_values(named.values):
            return plan, charge, kept.row.id
    raise NotFound("charge_filter")


async def override_fixed_charge(
    work: UnitOfWork, row: Subscription, params: Params, *, code: str | None = None, fixed_charge_id: UUID | None = None
) -> FixedCharge:
    """Gives a fixed charge units, properties, name or taxes for this subscription alone; units alone need no override
    of the plan. Raises NotFound, ValidationFailed."""
    if row.status == "incomplete":
        raise ValidationFailed({"base": ["subscription_incomplete"]})
    plan, own = await _own_plan(work, row)

    def find(rows: list[FixedCharge]) -> FixedCharge:
        for each in rows:
            if each.code == code if fixed_charge_id is None else fixed_charge_id in (each.id, each.parent_id):
                return each
        raise NotFound("fixed_charge")

    fixed = find(await kept_fixed_charges(work, plan.id))
    if not own:
        if {name for name, value in params.items() if value is not None} <= UNITS_ONLY:
            read = Reader(params)
            units = read_units(read, mandatory=True)
            at_once = read.boolean("apply_units_immediately", default=False)
            read.finish()
            await give_units(work, row, OwnUnits({fixed.id: units}, frozenset({fixed.id} if at_once else ())))
            return fixed
        plan = await move_to_override(work, row, plan, {})
        fixed_charge_id = fixed.id
        fixed = find(await kept_fixed_charges(work, plan.id))
    await edit_copied_fixed_charge(work, plan, fixed, params)
    work.record(PlanUpdated((plan.id,)))
    return fixed
