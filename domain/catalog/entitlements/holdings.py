"""Who holds which features: entitlements as they are read, for any number of plans or subscriptions at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.entitlements.models import Entitlement, EntitlementValue, Feature, Privilege
from domain.kernel.rows import table

__all__ = ["FeatureFacts", "HeldValue", "Holding", "PrivilegeFacts", "holdings", "holdings_of_plans"]

_entitlements, _values = table(Entitlement), table(EntitlementValue)
_features, _privileges = table(Feature), table(Privilege)


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """A feature, as far as an entitlement shows it."""

    id: UUID
    code: str
    name: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class PrivilegeFacts:
    """A privilege, as far as an entitlement shows it; they are ordered by their creation."""

    id: UUID
    code: str
    name: str | None
    value_type: str
    config: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HeldValue:
    """What a privilege is set to; id: of the value's row."""

    id: UUID
    privilege: PrivilegeFacts
    value: str


@dataclass(frozen=True, slots=True)
class Holding:
    """One entitlement with its values by privilege, in the order of the privileges; id: of the entitlement's row."""

    id: UUID
    feature: FeatureFacts
    values: dict[UUID, HeldValue] = field(default_factory=dict)


_SELECT = (
    sa.select(
        _entitlements.c.id, _entitlements.c.plan_id, _entitlements.c.subscription_id, _entitlements.c.feature_id,
        _features.c.code, _features.c.name, _features.c.description,
        _values.c.id.label("value_id"), _values.c.value, _privileges.c.id.label("privilege_id"),
        _privileges.c.code.label("privilege_code"), _privileges.c.name.label("privilege_name"),
        _privileges.c.value_type, _privileges.c.config, _privileges.c.created_at.label("privilege_created_at"),
    )
    .join(_features, sa.and_(_features.c.id == _entitlements.c.feature_id, _features.c.deleted_at.is_(None)))
    .outerjoin(
        sa.join(_values, _privileges,
                sa.and_(_privileges.c.id == _values.c.privilege_id, _privileges.c.deleted_at.is_(None))),
        sa.and_(_values.c.entitlement_id == _entitlements.c.id, _values.c.deleted_at.is_(None)),
    )
    .where(_entitlements.c.deleted_at.is_(None))
    .order_by(_entitlements.c.created_at, _entitlements.c.id, _privileges.c.created_at, _privileges.c.id)
)  # fmt: skip


async def holdings(
    session: AsyncSession, *, plan_ids: Collection[UUID] = (), subscription_ids: Collection[UUID] = ()
) -> dict[UUID, list[Holding]]:
    """The kept entitlements of these plans and subscriptions by owner, in the order of their creation: one statement.
    Those of an override are its parent's, and are asked for with the parent's id."""
    if not plan_ids and not subscription_ids:
        return {}
    owned = []
    if plan_ids:
        owned.append(_entitlements.c.plan_id.in_(plan_ids))
    if subscription_ids:
        owned.append(_entitlements.c.subscription_id.in_(subscription_ids))
    found: dict[UUID, dict[UUID, Holding]] = defaultdict(dict)
    for row in await session.execute(_SELECT.where(sa.or_(*owned))):
        held = found[row.plan_id or row.subscription_id]
        if row.id not in held:
            held[row.id] = Holding(row.id, FeatureFacts(row.feature_id, row.code, row.name, row.description))
        if row.value_id is not None:
            privilege = PrivilegeFacts(
                row.privilege_id, row.privilege_code, row.privilege_name, row.value_type, row.config,
                row.privilege_created_at,
            )  # fmt: skip
            held[row.id].values[privilege.id] = HeldValue(row.value_id, privilege, row.value)
    return {owner: list(held.values()) for owner, held in found.items()}


async def holdings_of_plans(session: AsyncSession, plans: Collection[Any]) -> dict[UUID, list[Holding]]:
    """The entitlements of these rows of plans by the plans' ids; an override has its parent's. One statement."""
    source = {plan.id: plan.parent_id or plan.id for plan in plans}
    found = await holdings(session, plan_ids=set(source.values()))
    return {plan_id: found[read] for plan_id, read in source.items() if read in found}
