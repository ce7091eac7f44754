"""Creating, editing and deleting features with their privileges. Source: handbook, platform 19."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.entitlements.models import (
    Entitlement,
    EntitlementValue,
    Feature,
    Privilege,
    SubscriptionFeatureRemoval,
)
from domain.catalog.entitlements.privileges import PrivilegeTerms, change_privilege, read_privileges
from domain.catalog.entitlements.write import soft_delete
from domain.catalog.events import FeatureCreated, FeatureDeleted, FeatureUpdated, PlanEntitlementsChanged
from domain.catalog.models import Plan
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Params, Reader

__all__ = ["create_feature", "delete_feature", "delete_privilege", "update_feature"]

UNIQUE = {"uq_features_code": "code"}
LONGEST_DESCRIPTION = 600

_features, _privileges, _plans = table(Feature), table(Privilege), table(Plan)
_entitlements, _values = table(Entitlement), table(EntitlementValue)
_removals = table(SubscriptionFeatureRemoval)


async def create_feature(work: UnitOfWork, params: Params) -> Feature:
    """A feature with its privileges. Raises ValidationFailed."""
    read = Reader(params)
    code, name = read.text("code", mandatory=True), read.text("name")
    description = read.text("description", longest=LONGEST_DESCRIPTION)
    privileges = read_privileges(read, {})
    if code is not None and await _taken(work, code):
        read.add("code", TAKEN)
    read.finish()
    assert code is not None
    feature = Feature(organization_id=work.organization_id, code=code, name=name, description=description)
    async with unique(work, UNIQUE):
        work.session.add(feature)
    await _add(work, feature, privileges or ())
    work.record(FeatureCreated((feature.id,)))
    return feature


async def update_feature(
    work: UnitOfWork, params: Params, *, feature_id: UUID | None = None, code: str | None = None, full: bool = False
) -> Feature:
    """Changes the name and description that are given, and the privileges that are listed; with `full` those that are
    not listed are deleted with all their values. Codes and types stay as they are, and a select only gets more
    options. Raises NotFound, ValidationFailed."""
    feature = await _locked(work, feature_id, code)
    kept = {each.code: each for each in await _privileges_of(work, feature)}
    read = Reader(params)
    name = read.text("name") if "name" in read else feature.name
    description = feature.description
    if "description" in read:
        description = read.text("description", longest=LONGEST_DESCRIPTION)
    listed = read_privileges(read, kept)
    read.finish()
    feature.name, feature.description = name, description
    for terms in listed or ():
        if terms.code in kept:
            change_privilege(kept[terms.code], terms)
    feature.updated_at = clock.now()
    await work.session.flush()
    await _add(work, feature, [terms for terms in listed or () if terms.code not in kept])
    if full and listed is not None:
        codes = {terms.code for terms in listed}
        await _drop_privileges(work, [each.id for each in kept.values() if each.code not in codes])
    await _record_change(work, feature)
    return feature


async def delete_privilege(work: UnitOfWork, feature_code: str, privilege_code: str) -> Feature:
    """Deletes a privilege and every value of it, on plans and subscriptions. Raises NotFound."""
    feature = await _locked(work, None, feature_code)
    for each in await _privileges_of(work, feature):
        if each.code == privilege_code:
            await _drop_privileges(work, [each.id])
            await _record_change(work, feature)
            return feature
    raise NotFound("privilege")


async def delete_feature(work: UnitOfWork, *, feature_id: UUID | None = None, code: str | None = None) -> Feature:
    """Deletes a feature; plans and subscriptions have it no more, nor its privileges. Raises NotFound."""
    feature = await _locked(work, feature_id, code)
    plan_ids = await _plans_with(work, feature)
    feature.deleted_at = clock.now()
    await work.session.flush()
    entitled = _entitlements.c.feature_id == feature.id
    privileges = sa.select(_privileges.c.id).where(_privileges.c.feature_id == feature.id)
    await soft_delete(work, _values, _values.c.entitlement_id.in_(sa.select(_entitlements.c.id).where(entitled)))
    await soft_delete(work, _entitlements, entitled)
    await soft_delete(
        work, _removals, sa.or_(_removals.c.feature_id == feature.id, _removals.c.privilege_id.in_(privileges))
    )
    work.record(FeatureDeleted((feature.id,)))
    _record_plans(work, plan_ids)
    return feature


async def _add(work: UnitOfWork, feature: Feature, terms: Sequence[PrivilegeTerms]) -> None:
    """Adds privileges to a locked or new feature, which has none of their codes."""
    for one in terms:
        work.session.add(
            Privilege(
                organization_id=work.organization_id, feature_id=feature.id, code=one.code, name=one.name,
                value_type=one.value_type, config=one.config,
            )
        )  # fmt: skip
    await work.session.flush()


async def _drop_privileges(work: UnitOfWork, ids: Collection[UUID]) -> None:
    if ids:
        await soft_delete(work, _privileges, _privileges.c.id.in_(ids))
        await soft_delete(work, _values, _values.c.privilege_id.in_(ids))
        await soft_delete(work, _removals, _removals.c.privilege_id.in_(ids))


async def _record_change(work: UnitOfWork, feature: Feature) -> None:
    work.record(FeatureUpdated((feature.id,)))
    _record_plans(work, await _plans_with(work, feature))


def _record_plans(work: UnitOfWork, plan_ids: Sequence[UUID]) -> None:
    if plan_ids:
        work.record(PlanEntitlementsChanged(tuple(plan_ids)))


async def _plans_with(work: UnitOfWork, feature: Feature) -> Sequence[UUID]:
    """The kept plans that have it, in the order in which they got it."""
    rows = await work.session.scalars(
        sa.select(_entitlements.c.plan_id)
        .join(_plans, _plans.c.id == _entitlements.c.plan_id)
        .where(
            _entitlements.c.feature_id == feature.id,
            _entitlements.c.deleted_at.is_(None),
            _plans.c.deleted_at.is_(None),
        )
        .order_by(_entitlements.c.created_at, _entitlements.c.id)
    )
    return rows.all()


async def _privileges_of(work: UnitOfWork, feature: Feature) -> Sequence[Privilege]:
    rows = await work.session.scalars(
        sa.select(Privilege).where(_privileges.c.feature_id == feature.id, _privileges.c.deleted_at.is_(None))
    )
    return rows.all()


async def _locked(work: UnitOfWork, feature_id: UUID | None, code: str | None) -> Feature:
    wanted = _features.c.code == code if code is not None else _features.c.id == feature_id
    feature = await work.session.scalar(
        sa.select(Feature).where(wanted, _features.c.deleted_at.is_(None)).with_for_update()
    )
    if feature is None:
        raise NotFound("feature")
    return feature


async def _taken(work: UnitOfWork, code: str) -> bool:
    used = sa.exists().where(_features.c.code == code, _features.c.deleted_at.is_(None))
    return bool(await work.session.scalar(sa.select(used)))
