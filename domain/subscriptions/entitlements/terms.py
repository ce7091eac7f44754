"""Reading what subscriptions are entitled to, for any number of them in three statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.entitlements.holdings import holdings
from domain.catalog.entitlements.models import Privilege, SubscriptionFeatureRemoval
from domain.catalog.models import Plan
from domain.kernel.rows import table
from domain.subscriptions.entitlements.effective import EffectiveEntitlement, Removal, Terms, effective

__all__ = ["entitlements_of", "terms_of"]

_plans, _privileges, _removals = table(Plan), table(Privilege), table(SubscriptionFeatureRemoval)


async def terms_of(session: AsyncSession, plan_ids: Mapping[UUID, UUID]) -> dict[UUID, Terms]:
    """What decides over the entitlements of subscriptions. plan_ids: the plan of each, an override or not."""
    if not plan_ids:
        return {}
    plans = await session.execute(
        sa.select(_plans.c.id, _plans.c.parent_id).where(_plans.c.id.in_(set(plan_ids.values())))
    )
    source = {row.id: row.parent_id or row.id for row in plans}
    held = await holdings(session, plan_ids=set(source.values()), subscription_ids=plan_ids)
    features: dict[UUID, dict[UUID, Removal]] = defaultdict(dict)
    privileges: dict[UUID, dict[UUID, Removal]] = defaultdict(dict)
    removed = await session.execute(
        sa.select(*_removals.c, _privileges.c.feature_id.label("feature_of_privilege"))
        .outerjoin(_privileges, _privileges.c.id == _removals.c.privilege_id)
        .where(_removals.c.subscription_id.in_(plan_ids), _removals.c.deleted_at.is_(None))
    )
    for row in removed:
        if row.feature_id is not None:
            features[row.subscription_id][row.feature_id] = Removal(row.id, row.feature_id)
        else:
            privileges[row.subscription_id][row.privilege_id] = Removal(row.id, row.feature_of_privilege)
    return {
        key: Terms(held.get(source[plan_id], ()), held.get(key, ()), features[key], privileges[key])
        for key, plan_id in plan_ids.items()
    }


async def entitlements_of(
    session: AsyncSession, plan_ids: Mapping[UUID, UUID]
) -> dict[UUID, list[EffectiveEntitlement]]:
    """What subscriptions are entitled to. plan_ids: the plan of each."""
    return {key: effective(terms) for key, terms in (await terms_of(session, plan_ids)).items()}
