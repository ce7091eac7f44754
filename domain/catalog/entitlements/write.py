"""Writing entitlements, set by set: a fixed number of statements, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.entitlements.models import (
    Entitlement,
    EntitlementValue,
    SubscriptionFeatureRemoval,
)
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["Changes", "soft_delete", "write_changes"]

_entitlements, _values = table(Entitlement), table(EntitlementValue)
_removals = table(SubscriptionFeatureRemoval)


@dataclass(slots=True)
class Changes:
    """What is to happen to the entitlements of one plan or subscription.

    entitlements: feature ids by the id that their new row gets. values: (entitlement, privilege, text). removals:
    features, and privileges, that a subscription is not to have. What is gone is named by the ids of its rows; the
    values of an entitlement that is gone go with it.
    """

    entitlements: dict[UUID, UUID] = field(default_factory=dict)
    values: list[tuple[UUID, UUID, str]] = field(default_factory=list)
    removed_features: list[UUID] = field(default_factory=list)
    removed_privileges: list[UUID] = field(default_factory=list)
    gone_entitlements: list[UUID] = field(default_factory=list)
    gone_values: list[UUID] = field(default_factory=list)
    gone_removals: list[UUID] = field(default_factory=list)


async def write_changes(
    work: UnitOfWork, changes: Changes, *, plan_id: UUID | None = None, subscription_id: UUID | None = None
) -> None:
    """Writes them for the plan or the subscription, which is locked: at most seven statements. What is gone goes
    first, so that another value of the same privilege finds its place free."""
    if changes.gone_entitlements:
        await soft_delete(work, _values, _values.c.entitlement_id.in_(changes.gone_entitlements))
        await soft_delete(work, _entitlements, _entitlements.c.id.in_(changes.gone_entitlements))
    if changes.gone_values:
        await soft_delete(work, _values, _values.c.id.in_(changes.gone_values))
    if changes.gone_removals:
        await soft_delete(work, _removals, _removals.c.id.in_(changes.gone_removals))
    owner = {"plan_id": plan_id, "subscription_id": subscription_id}
    await _insert(
        work,
        _entitlements,
        [{"id": key, "feature_id": feature_id, **owner} for key, feature_id in changes.entitlements.items()],
    )
    await _insert(
        work,
        _values,
        [
            {"id": new_id(), "entitlement_id": entitlement_id, "privilege_id": privilege_id, "value": text}
            for entitlement_id, privilege_id, text in changes.values
        ],
    )
    removed = [{"feature_id": each, "privilege_id": None} for each in changes.removed_features]
    removed += [{"feature_id": None, "privilege_id": each} for each in changes.removed_privileges]
    await _insert(work, _removals, [{"id": new_id(), "subscription_id": subscription_id, **each} for each in removed])


async def soft_delete(work: UnitOfWork, of: sa.Table, wanted: sa.ColumnElement[bool]) -> None:
    """Marks the kept rows among these as deleted."""
    now = clock.now()
    await work.session.execute(
        sa.update(of).where(of.c.deleted_at.is_(None), wanted).values(deleted_at=now, updated_at=now)
    )


async def _insert(work: UnitOfWork, into: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        now = clock.now()
        common = {"organization_id": work.organization_id, "created_at": now, "updated_at": now}
        await work.session.execute(sa.insert(into).values([{**each, **common} for each in rows]))
