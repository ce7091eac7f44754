"""Creating, editing and deleting plans with their charges (pricing handbook, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.attached import attach, objects, read_attached
from domain.catalog.cascade import cascading
from domain.catalog.charges import find_charges, judge_charges, kept_charges, place_charges
from domain.catalog.entitlements.plan_entitlements import drop_entitlements_of_plans
from domain.catalog.events import PlanAmountChanged, PlanCreated, PlanDeletionRequested, PlanUpdated
from domain.catalog.fixed_charges import (
    find_fixed_charges,
    judge_fixed_charges,
    kept_fixed_charges,
    place_fixed_charges,
)
from domain.catalog.models import Plan
from domain.catalog.plan_lock import locked_plan
from domain.catalog.plan_terms import SPLIT_INTERVALS, PlanTerms, read_plan_terms
from domain.catalog.queries import plans_with_subscriptions
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = ["create_plan", "delete_plan", "remove_plans", "update_plan"]

UNIQUE = {"uq_plans_code": "code"}
LOCKED_BY_SUBSCRIPTIONS = frozenset(
    {
        "code", "interval", "pay_in_advance", "amount_currency", "trial_period", "bill_charges_monthly",
        "bill_fixed_charges_monthly",
    }
)  # fmt: skip
SPLITS = ("bill_charges_monthly", "bill_fixed_charges_monthly")

_plans = table(Plan)


async def create_plan(work: UnitOfWork, params: Params) -> Plan:
    """A plan with all that comes with it. Raises ValidationFailed; NotFound for metrics, add-ons, taxes and features
    that are not there."""
    found = await find_charges(work, objects(params.get("charges")))
    found_fixed = await find_fixed_charges(work, objects(params.get("fixed_charges")))
    terms = read_plan_terms(params, await _taken(work, params.get("code")))
    attached = read_attached(params)
    charges, fixed = judge_charges(found), judge_fixed_charges(found_fixed)
    plan = Plan(organization_id=work.organization_id, **asdict(terms))
    async with unique(work, UNIQUE):
        work.session.add(plan)
    await place_charges(work, plan, charges)
    await place_fixed_charges(work, plan, fixed)
    await attach(work, plan, attached)
    work.record(PlanCreated((plan.id,)))
    return plan


async def update_plan(
    work: UnitOfWork, params: Params, *, plan_id: UUID | None = None, code: str | None = None
) -> Plan:
    """Changes what is given, of the plan with that id or code; `charges`, `fixed_charges` and
    `entitlements` given are full lists.

    Once a subscription of any status is on the plan, code, interval, pay_in_advance, amount_currency, trial_period
    and the monthly splits are silently left as they are. `cascade_updates` hands the changes of prices on to the
    overrides of the plan. Raises NotFound, ValidationFailed.
    """
    plan = await locked_plan(work, plan_id, code)
    locked = bool(await plans_with_subscriptions(work.session, [plan.id]))
    listed, listed_fixed = params.get("charges") is not None, params.get("fixed_charges") is not None
    kept = await kept_charges(work, plan.id) if listed else []
    kept_fixed = await kept_fixed_charges(work, plan.id) if listed_fixed else []
    found = await find_charges(work, objects(params.get("charges")), kept, locked=locked)
    found_fixed = await find_fixed_charges(work, objects(params.get("fixed_charges")), kept_fixed, locked=locked)
    terms = await _merged_terms(work, plan, params, locked)
    attached = read_attached(params)
    charges, fixed = judge_charges(found), judge_fixed_charges(found_fixed)
    old_amount = plan.amount_cents
    async with cascading(work, plan, params):
        async with unique(work, {**UNIQUE, "uq_charges_code": "code", "uq_fixed_charges_code": "code"}):
            for name, value in asdict(terms).items():
                setattr(plan, name, value)
            if listed:
                await place_charges(work, plan, charges, kept)
            if listed_fixed:
                # On an override those that are not listed stay (handbook, 1.6).
                await place_fixed_charges(work, plan, fixed, kept_fixed if plan.parent_id is None else ())
            plan.updated_at = clock.now()
        await attach(work, plan, attached)
    work.record(PlanUpdated((plan.id,)))
    if terms.amount_cents != old_amount:
        work.record(PlanAmountChanged((plan.id,)))
    return plan


async def _merged_terms(work: UnitOfWork, plan: Plan, params: Params, locked: bool) -> PlanTerms:
    before = {field.name: getattr(plan, field.name) for field in fields(PlanTerms)}
    changes = dict(params)
    if locked:
        changes = {name: value for name, value in changes.items() if name not in LOCKED_BY_SUBSCRIPTIONS}
    elif changes.get("interval") in SPLIT_INTERVALS:
        # Without the flag it becomes false; without the interval it becomes null (handbook, 1.4, quirk).
        before |= dict.fromkeys(SPLITS, False)
    merged = {**before, **changes}
    taken = merged.get("code") != plan.code and await _taken(work, merged.get("code"), plan.id)
    terms = read_plan_terms(merged, taken)
    values = asdict(terms)
    if locked:
        values |= {name: getattr(plan, name) for name in SPLITS}
    elif "interval" not in params:
        values |= dict.fromkeys(SPLITS)
    return PlanTerms(**values)


async def delete_plan(work: UnitOfWork, *, plan_id: UUID | None = None, code: str | None = None) -> Plan:
    """Marks a plan and its overrides as pending deletion; what ends its subscriptions follows from the event.
    Asked again, nothing changes. Raises NotFound."""
    plan = await locked_plan(work, plan_id, code)
    if plan.pending_deletion:
        return plan
    plan.pending_deletion = True
    await work.session.flush()
    await work.session.execute(
        sa.update(_plans)
        .where(_plans.c.parent_id == plan.id, _plans.c.deleted_at.is_(None))
        .values(pending_deletion=True, updated_at=clock.now())
    )
    work.record(PlanDeletionRequested((plan.id,)))
    return plan


async def remove_plans(work: UnitOfWork, plan_ids: Sequence[UUID]) -> None:
    """The last step of a deletion, when no subscription lives on these plans or their overrides: clears the mark and
    soft-deletes the plans with their entitlements. Their charges stay for history, and the codes can be used again."""
    now = clock.now()
    await drop_entitlements_of_plans(work, plan_ids)
    await work.session.execute(
        sa.update(_plans)
        .where(
            sa.or_(_plans.c.id.in_(plan_ids), _plans.c.parent_id.in_(plan_ids)),
            _plans.c.pending_deletion,
            _plans.c.deleted_at.is_(None),
        )
        .values(pending_deletion=False, deleted_at=now, updated_at=now)
    )


async def _taken(work: UnitOfWork, code: object, but: UUID | None = None) -> bool:
    if not isinstance(code, str):
        return False
    used = sa.exists().where(
        _plans.c.code == code.strip(),
        _plans.c.deleted_at.is_(None),
        _plans.c.parent_id.is_(None),
        _plans.c.id != but if but else sa.true(),
    )
    return bool(await work.session.scalar(sa.select(used)))
