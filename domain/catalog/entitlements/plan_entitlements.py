"""Giving features to plans and taking them away. Source: handbook, platform 19.

The plan is locked before anything is read, so that the same change, sent twice at once, is made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.catalog.entitlements.holdings import Holding, holdings
from domain.catalog.entitlements.models import Entitlement, EntitlementValue
from domain.catalog.entitlements.queries import feature_missing
from domain.catalog.entitlements.sent import Asked, Sent, ask
from domain.catalog.entitlements.write import Changes, soft_delete, write_changes
from domain.catalog.events import PlanEntitlementsChanged
from domain.catalog.models import Plan
from domain.catalog.plan_lock import locked_plan
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = [
    "change_plan_entitlements", "decide", "drop_entitlements_of_plans", "entitlement_of_plan", "place_entitlements",
    "remove_plan_entitlement", "remove_plan_privilege",
]  # fmt: skip

_entitlements, _values = table(Entitlement), table(EntitlementValue)


async def change_plan_entitlements(work: UnitOfWork, code: str, sent: Sent, *, full: bool) -> Plan:
    """Merges what was sent into the entitlements of a plan without parent, or with `full` replaces them by it.
    Raises NotFound, ValidationFailed."""
    plan = await locked_plan(work, None, code)
    await place_entitlements(work, plan, sent, full=full)
    work.record(PlanEntitlementsChanged((plan.id,)))
    return plan


async def place_entitlements(work: UnitOfWork, plan: Plan, sent: Sent, *, full: bool) -> None:
    """As `change_plan_entitlements`, for a plan that is locked or new, and silently. Overrides have their parent's
    entitlements and none of their own: raises ValidationFailed for one."""
    if plan.parent_id is not None:
        raise ValidationFailed({"entitlements": ["modification_not_allowed"]})
    asked = await ask(work, sent)
    held = (await holdings(work.session, plan_ids=[plan.id])).get(plan.id, [])
    await write_changes(work, decide(held, asked, full=full), plan_id=plan.id)


def decide(held: Sequence[Holding], asked: Sequence[Asked], *, full: bool) -> Changes:
    """What makes of the entitlements held those asked for. With `full` features that are not asked for go, and of a
    feature the values that are not; yet one that comes without any value keeps those it has."""
    changes = Changes()
    by_feature = {each.feature.id: each for each in held}
    for one in asked:
        holding = by_feature.pop(one.feature_id, None)
        entitlement_id = holding.id if holding else new_id()
        if holding is None:
            changes.entitlements[entitlement_id] = one.feature_id
        before = holding.values if holding else {}
        for privilege_id, text in one.values.items():
            if privilege_id in before:
                if before[privilege_id].value == text:
                    continue
                changes.gone_values.append(before[privilege_id].id)
            changes.values.append((entitlement_id, privilege_id, text))
        if full and one.values:
            changes.gone_values += [value.id for key, value in before.items() if key not in one.values]
    if full:
        changes.gone_entitlements += [each.id for each in by_feature.values()]
    return changes


async def entitlement_of_plan(work: UnitOfWork, plan_id: UUID, feature_code: str) -> Holding:
    """Raises NotFound("entitlement"), NotFound("feature")."""
    for each in (await holdings(work.session, plan_ids=[plan_id])).get(plan_id, ()):
        if each.feature.code == feature_code:
            return each
    raise await feature_missing(work.session, feature_code)


async def remove_plan_entitlement(work: UnitOfWork, code: str, feature_code: str) -> Holding:
    """Takes a feature from a plan; answers what it was. Raises NotFound."""
    plan = await locked_plan(work, None, code)
    holding = await entitlement_of_plan(work, plan.id, feature_code)
    await write_changes(work, Changes(gone_entitlements=[holding.id]), plan_id=plan.id)
    work.record(PlanEntitlementsChanged((plan.id,)))
    return holding


async def remove_plan_privilege(work: UnitOfWork, code: str, feature_code: str, privilege_code: str) -> Holding:
    """Takes the value of one privilege from a plan's feature; answers what is left. Raises NotFound."""
    plan = await locked_plan(work, None, code)
    holding = await entitlement_of_plan(work, plan.id, feature_code)
    for key, held in holding.values.items():
        if held.privilege.code == privilege_code:
            await write_changes(work, Changes(gone_values=[held.id]), plan_id=plan.id)
            work.record(PlanEntitlementsChanged((plan.id,)))
            left = {each: value for each, value in holding.values.items() if each != key}
            return Holding(holding.id, holding.feature, left)
    raise NotFound("privilege")


async def drop_entitlements_of_plans(work: UnitOfWork, plan_ids: Sequence[UUID]) -> None:
    """What plans that are deleted had. Two statements."""
    of_plans = _entitlements.c.plan_id.in_(plan_ids)
    ids = _entitlements.select().with_only_columns(_entitlements.c.id).where(of_plans)
    await soft_delete(work, _values, _values.c.entitlement_id.in_(ids))
    await soft_delete(work, _entitlements, of_plans)
