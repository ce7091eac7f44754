"""Creating and changing billing entities. Source: handbook, subscriptions-and-invoices 11 and platform 9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity.entity_terms import TERMS, check_country_rules, read_entity_terms
from domain.identity.events import BillingEntitiesCreated, BillingEntitiesUpdated, BillingTermsChanged
from domain.identity.logo import store_logo
from domain.identity.models import BillingEntity
from domain.identity.organizations import default_prefix
from domain.identity.security.log import changed, note_security
from domain.kernel.errors import NotFound
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["change_entity", "create_billing_entity", "update_billing_entity"]

NUMBERINGS: Final = {"per_customer": "per_customer", "per_billing_entity": "per_billing_entity"}
UNIQUE: Final = {"uq_billing_entities_code": "code"}

_entities = table(BillingEntity)


async def create_billing_entity(work: UnitOfWork, params: Params) -> BillingEntity:
    """Another entity that issues invoices. Raises ValidationFailed, also for a code that is taken."""
    read = Reader(_without_nulls(params))
    code, name = read.text("code", mandatory=True), read.text("name", mandatory=True)
    changes = read_entity_terms(read, NUMBERINGS)
    entity_id = new_id()
    entity = BillingEntity(
        id=entity_id,
        organization_id=work.organization_id,
        code=code or "",
        name=name or "",
        document_number_prefix=default_prefix(name or "", entity_id),
    )
    await change_entity(work, entity, read, changes, outside_eu="billing_entity_must_be_in_eu")
    async with unique(work, UNIQUE):
        work.session.add(entity)
    work.record(BillingEntitiesCreated((entity.id,)))
    about = {"billing_entity_code": entity.code, "billing_entity_name": entity.name}
    await note_security(work, "billing_entity.created", about)
    return entity


async def update_billing_entity(
    work: UnitOfWork, params: Params, *, entity_id: UUID | None = None, code: str | None = None
) -> BillingEntity:
    """Changes what is given; the code stays. Raises NotFound, ValidationFailed with every wrong field at once."""
    wanted = _entities.c.code == code if code is not None else _entities.c.id == entity_id
    kept = (_entities.c.deleted_at.is_(None), _entities.c.archived_at.is_(None))
    entity = await work.session.scalar(sa.select(BillingEntity).where(wanted, *kept).with_for_update())
    if entity is None:
        raise NotFound("billing_entity")
    read = Reader(_without_nulls(params))
    changes = read_entity_terms(read, NUMBERINGS)
    if "name" in read:
        changes["name"] = read.text("name", mandatory=True)
    await change_entity(work, entity, read, changes, outside_eu="billing_entity_must_be_in_eu")
    await work.session.flush()
    work.record(BillingEntitiesUpdated((entity.id,)))
    return entity


async def change_entity(
    work: UnitOfWork, entity: BillingEntity, read: Reader, changes: Mapping[str, Any], *, outside_eu: str
) -> None:
    """Puts what was read on the entity once nothing was wrong; drafts follow terms that changed. Raises
    ValidationFailed."""
    changes = dict(changes)
    now = {name: changes.get(name, getattr(entity, name)) for name in ("country", "eu_tax_management", "einvoicing")}
    check_country_rules(read, now, outside_eu=outside_eu)
    read.finish()
    logo = read.params.get("logo")
    if isinstance(logo, str) and logo:
        changes["logo_key"], changes["logo_content_type"] = await store_logo(entity.organization_id, logo)
    if any(name in changes and changes[name] != getattr(entity, name) for name in TERMS):
        work.record(BillingTermsChanged((entity.id,)))
    different = changed({name: getattr(entity, name) for name in changes}, changes)
    for name, value in changes.items():
        setattr(entity, name, value)
    if different and sa.inspect(entity).persistent:
        await note_security(work, "billing_entity.updated", {"billing_entity_code": entity.code, **different})


def _without_nulls(params: Params) -> Params:
    """A null leaves alone what cannot be empty."""
    filled = (
        "default_currency", "timezone", "net_payment_term", "finalize_zero_amount_invoice", "eu_tax_management",
        "einvoicing", "document_numbering", "document_number_prefix", "billing_configuration",
    )  # fmt: skip
    return {name: value for name, value in params.items() if value is not None or name not in filled}
