"""Changing an organization's settings, most of which stand on its default billing entity.

REST and GraphQL send the same names in snake case. Only what is given changes. Source: handbook, platform 6.
"""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from domain.identity.billing_entities import change_entity
from domain.identity.entity_terms import read_entity_terms
from domain.identity.events import BillingEntitiesUpdated
from domain.identity.models import BillingEntity, Organization
from domain.identity.settings import AUTHENTICATION_METHODS, NUMBERING_OF_BILLING_ENTITY
from domain.identity.slugs import slug_problem
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, MANDATORY, TAKEN, Params, Reader

__all__ = ["update_organization"]


async def update_organization(work: UnitOfWork, params: Params) -> Organization:
    """Changes the bound organization. Raises ValidationFailed with every wrong field at once.

    `billing_configuration` holds invoice_footer, invoice_grace_period and document_locale. `logo` is a data URI.
    """
    organization = (
        await work.session.execute(
            select(Organization).where(col(Organization.id) == work.organization_id).with_for_update()
        )
    ).scalar_one()
    entity = (
        await work.session.execute(
            select(BillingEntity).where(col(BillingEntity.id) == work.organization_id).with_for_update()
        )
    ).scalar_one()

    read = Reader(params)
    changes = read_entity_terms(read, NUMBERING_OF_BILLING_ENTITY)
    methods, slug = _authentication_methods(read), _slug(read)
    await change_entity(work, entity, read, changes, outside_eu="org_must_be_in_eu")
    if methods is not None:
        organization.authentication_methods = methods
    if slug is not None and slug != organization.slug:
        await _rename(work, organization, slug)
    await work.session.flush()
    work.record(BillingEntitiesUpdated((entity.id,)))
    return organization


def _authentication_methods(read: Reader) -> list[str] | None:
    """At least one has to remain."""
    if read.params.get("authentication_methods") is None:
        return None
    methods = read.texts("authentication_methods") or []
    if not methods:
        read.add("authentication_methods", MANDATORY)
    elif any(method not in AUTHENTICATION_METHODS for method in methods):
        read.add("authentication_methods", INVALID)
    return [method for method in AUTHENTICATION_METHODS if method in methods]


def _slug(read: Reader) -> str | None:
    if read.params.get("slug") is None:
        return None
    slug = read.text("slug", mandatory=True)
    if slug is not None and (problem := slug_problem(slug)):
        read.add("slug", problem)
    return slug


async def _rename(work: UnitOfWork, organization: Organization, slug: str) -> None:
    """Other organizations' slugs can't be seen from here: the unique index answers."""
    try:
        async with work.session.begin_nested():
            organization.slug = slug
            await work.session.flush()
    except IntegrityError:
        raise ValidationFailed({"slug": [TAKEN]}) from None
