"""Prices of a subscription's own: its override of the plan. Source: handbook, pricing 1.6.

A subscription whose plan is not an override yet gets one when a price is given for it alone. Units of fixed charges
alone do not need one: they are rows of the subscription.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.units import set_units
from domain.catalog.events import PlanAmountChanged
from domain.catalog.fixed_charges import kept_fixed_charges, read_units
from domain.catalog.models import Plan
from domain.catalog.override_plan import override_plan
from domain.catalog.plans import update_plan
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader
from domain.subscriptions.fixed_units import copy_unit_events, drop_own_units, own_units, set_own_units
from domain.subscriptions.models import Subscription

__all__ = [
    "OwnUnits", "apply_overrides", "give_units", "move_to_override", "overridden_price", "plan_to_start_on",
    "read_own_units",
]  # fmt: skip

UNITS_ONLY = frozenset({"id", "units", "apply_units_immediately"})


@dataclass(frozen=True, slots=True)
class OwnUnits:
    """Units of fixed charges for one subscription; at_once: those of them that count from now on."""

    units: Mapping[UUID, Decimal]
    at_once: frozenset[UUID]


def overridden_price(plan: Plan, sent: Params | None) -> tuple[int, str]:
    """What the plan costs with these overrides, and how often: for comparing it with another."""
    amount = Reader(sent or {}).integer("amount_cents")
    return (plan.amount_cents if amount is None else amount, plan.interval)


def asks_for_units_only(sent: Params) -> bool:
    """Whether the overrides are no more than units of fixed charges."""
    given = {name for name, value in sent.items() if value is not None}
    entries = sent.get("fixed_charges")
    return given == {"fixed_charges"} and isinstance(entries, list) and all(set(one) <= UNITS_ONLY for one in entries)


async def read_own_units(work: UnitOfWork, plan: Plan, entries: Sequence[Params]) -> OwnUnits:
    """Judges units for fixed charges of the plan, named by `id`. Raises NotFound, ValidationFailed."""
    known = {row.id for row in await kept_fixed_charges(work, plan.id)}
    units: dict[UUID, Decimal] = {}
    at_once: set[UUID] = set()
    for entry in entries:
        fixed_charge_id = parse_id(entry.get("id"))
        if fixed_charge_id is None or fixed_charge_id not in known:
            raise NotFound("fixed_charge")
        read = Reader(entry)
        units[fixed_charge_id] = read_units(read, mandatory=True)
        if read.boolean("apply_units_immediately", default=False):
            at_once.add(fixed_charge_id)
        read.finish()
    return OwnUnits(units, frozenset(at_once))


async def plan_to_start_on(work: UnitOfWork, plan: Plan, sent: Params | None) -> tuple[Plan, OwnUnits | None]:
    """The plan for a subscription that is about to be made: the plan itself, or its override; and the units that are
    to be written for the subscription before it starts. Raises ValidationFailed, NotFound."""
    if sent is None:
        return plan, None
    if asks_for_units_only(sent):
        return plan, await read_own_units(work, plan, sent["fixed_charges"])
    return await override_plan(work, await _base(work, plan), sent), None


async def _base(work: UnitOfWork, plan: Plan) -> Plan:
    """Overrides are made of plans that are none."""
    return plan if plan.parent_id is None else await work.session.get_one(Plan, plan.parent_id)


async def apply_overrides(work: UnitOfWork, row: Subscription, plan: Plan, sent: Params) -> Plan:
    """Gives a subscription that is there prices of its own: its override is edited by the rules of plan updates, or
    made. Returns its plan. Raises ValidationFailed, NotFound."""
    if asks_for_units_only(sent):
        if plan.parent_id is None:
            await give_units(work, row, await read_own_units(work, plan, sent["fixed_charges"]))
            return plan
        by_id = {each.id: each for each in await kept_fixed_charges(work, plan.id)}
        params: dict[str, Any] = {"fixed_charges": [_with_prices(by_id, one) for one in sent["fixed_charges"]]}
        return await update_plan(work, params, plan_id=plan.id)
    if plan.parent_id is not None:
        return await update_plan(work, {k: v for k, v in sent.items() if k != "metadata"}, plan_id=plan.id)
    return await move_to_override(work, row, plan, sent)


def _with_prices(by_id: Mapping[UUID, Any], entry: Params) -> Params:
    """Units for a fixed charge of an override, with what an update would otherwise set back."""
    fixed_charge_id = parse_id(entry.get("id"))
    row = by_id.get(fixed_charge_id) if fixed_charge_id else None
    if row is None:
        raise NotFound("fixed_charge")
    return {"properties": row.properties, "invoice_display_name": row.invoice_display_name,
            "charge_model": row.charge_model, **entry}  # fmt: skip


async def move_to_override(work: UnitOfWork, row: Subscription, plan: Plan, sent: Params) -> Plan:
    """A new override of the plan, and the subscription on it with the units it had. Returns the override."""
    child = await override_plan(work, plan, sent, units=await own_units(work, row.id), running=True)
    row.plan_id = child.id
    copies = {each.parent_id: each.id for each in await kept_fixed_charges(work, child.id) if each.parent_id}
    await copy_unit_events(work, row.id, copies)
    await drop_own_units(work, row.id)
    await work.session.flush()
    if child.amount_cents != plan.amount_cents:
        work.record(PlanAmountChanged((child.id,)))
    return child


async def give_units(work: UnitOfWork, row: Subscription, own: OwnUnits) -> None:
    """Writes units for a subscription that is there and records the change. Raises ValidationFailed while it waits
    for its payment."""
    if row.status == "incomplete":
        raise ValidationFailed({"base": ["subscription_incomplete"]})
    before = await own_units(work, row.id)
    await set_own_units(work, row.id, own.units)
    changed = [key for key, units in own.units.items() if before.get(key) != units]
    for at_once in (True, False):
        some = [key for key in changed if (key in own.at_once) is at_once]
        if some:
            await set_units(work, row.id, some, at_once=at_once)
