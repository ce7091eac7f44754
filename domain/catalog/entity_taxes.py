"""The taxes of a billing entity: put on and taken off by their codes (pricing handbook, section 13)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.applied_taxes import read_tax_codes, set_taxes, taxes_of
from domain.catalog.events import TaxChanged
from domain.catalog.models import BillingEntityTax
from domain.identity.models import BillingEntity
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = ["apply_entity_taxes", "kept_entity", "remove_entity_taxes"]

_entities = table(BillingEntity)


async def apply_entity_taxes(work: UnitOfWork, entity_id: UUID | None, params: Params) -> Sequence[UUID]:
    """Puts the taxes of `tax_codes` on a billing entity, beside those it has; their ids. Raises NotFound,
    ValidationFailed."""
    entity_id = await kept_entity(work, entity_id, locked=True)
    codes = read_tax_codes(params) or []
    before = await _codes(work, entity_id)
    await set_taxes(work, BillingEntityTax, entity_id, list(dict.fromkeys([*before, *codes])))
    return await _told(work, entity_id, codes)


async def remove_entity_taxes(work: UnitOfWork, entity_id: UUID | None, params: Params) -> Sequence[UUID]:
    """Takes the taxes of `tax_codes` off a billing entity; the ids of those that were on it. Raises NotFound,
    ValidationFailed."""
    entity_id = await kept_entity(work, entity_id, locked=True)
    codes = read_tax_codes(params) or []
    removed = await _told(work, entity_id, codes)
    before = await _codes(work, entity_id)
    await set_taxes(work, BillingEntityTax, entity_id, [code for code in before if code not in codes])
    return removed


async def kept_entity(work: UnitOfWork, entity_id: UUID | None, *, locked: bool = False) -> UUID:
    """The id of a billing entity that is there. Raises NotFound."""
    query = sa.select(_entities.c.id).where(_entities.c.id == entity_id, _entities.c.deleted_at.is_(None))
    found: UUID | None = await work.session.scalar(query.with_for_update(key_share=True) if locked else query)
    if found is None:
        raise NotFound("billing_entity")
    return found


async def _codes(work: UnitOfWork, entity_id: UUID) -> list[str]:
    found = await taxes_of(work.session, BillingEntityTax, [entity_id])
    return [row.code for row in found.get(entity_id, ())]


async def _told(work: UnitOfWork, entity_id: UUID, codes: Sequence[str]) -> list[UUID]:
    """The ids of those of the taxes that are on the entity; drafts are to be refreshed for them."""
    found = await taxes_of(work.session, BillingEntityTax, [entity_id])
    ids = [row.id for row in found.get(entity_id, ()) if row.code in codes]
    if ids:
        work.record(TaxChanged(tuple(ids)))
    return ids
