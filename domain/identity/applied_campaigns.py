"""Which dunning campaign a billing entity has for its customers."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["apply_campaign_to_entity", "take_campaign_from_entities"]

_entities = table(BillingEntity)


async def apply_campaign_to_entity(work: UnitOfWork, entity_id: UUID, campaign_id: UUID | None) -> bool:
    """Gives the billing entity this campaign, or none; whether that changed anything."""
    e = _entities.c
    changed = await work.session.execute(
        sa.update(_entities)
        .where(e.id == entity_id, e.applied_dunning_campaign_id.is_distinct_from(campaign_id))
        .values(applied_dunning_campaign_id=campaign_id, updated_at=clock.now())
        .returning(e.id)
    )
    return changed.first() is not None


async def take_campaign_from_entities(work: UnitOfWork, campaign_id: UUID, *, only: UUID | None = None) -> list[UUID]:
    """Billing entities (or one of them) that have this campaign have none afterwards; which ones."""
    e = _entities.c
    query = sa.update(_entities).where(e.applied_dunning_campaign_id == campaign_id)
    if only is not None:
        query = query.where(e.id == only)
    changed = await work.session.scalars(
        query.values(applied_dunning_campaign_id=None, updated_at=clock.now()).returning(e.id)
    )
    return list(changed.all())
