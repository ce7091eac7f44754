"""Founding an organization: what registration and a new sandbox have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from domain.identity.api_keys import new_api_key
from domain.identity.models import ApiKey, BillingEntity, Membership, MembershipRole, Organization, Role
from domain.identity.slugs import parameterized, slug_with_tail, suggested_slug
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["LONGEST_NAME", "Founded", "default_prefix", "found_organization"]

LONGEST_NAME = 255
SLUG_TRIES = 8


@dataclass(frozen=True, slots=True)
class Founded:
    """A new organization with what it starts with."""

    organization: Organization
    billing_entity: BillingEntity
    membership: Membership
    api_key: ApiKey


async def found_organization(
    work: UnitOfWork, user_id: UUID, name: str, document_numbering: str, frozen_at: datetime | None = None
) -> Founded:
    """Organization, default billing entity of the same id, the user's admin membership and an API key for everything.

    Called through a door that may insert organizations; `work` is bound to the new organization afterwards.
    `document_numbering` as a billing entity has it. Source: handbook, platform 5.
    """
    with clock.at(frozen_at):
        organization = await _insert_organization(work, name, frozen_at)
        await work.bind(Tenant(organization.id, frozen_at))
        billing_entity = BillingEntity(
            id=organization.id,
            organization_id=organization.id,
            code=parameterized(name, "_")[:LONGEST_NAME] or "default",
            name=name,
            document_numbering=document_numbering,
            document_number_prefix=default_prefix(name, organization.id),
        )
        membership = Membership(organization_id=organization.id, user_id=user_id)
        api_key = new_api_key(organization.id)
        work.session.add_all([billing_entity, membership, api_key])
        await work.session.flush()
        roles = table(Role)
        admin = select(roles.c.id).where(roles.c.code == "admin", roles.c.organization_id.is_(None))
        role_id = (await work.session.execute(admin)).scalar_one()
        work.session.add(MembershipRole(organization_id=organization.id, membership_id=membership.id, role_id=role_id))
        await work.session.flush()
    return Founded(organization, billing_entity, membership, api_key)


async def _insert_organization(work: UnitOfWork, name: str, frozen_at: datetime | None) -> Organization:
    wished = suggested_slug(name)
    slugs = table(Organization).c.slug
    taken = (await work.session.execute(select(slugs).where(slugs == wished))).first()
    slug = slug_with_tail(wished) if taken else wished
    for attempt in range(SLUG_TRIES):
        organization = Organization(
            id=new_id(),
            name=name,
            slug=slug,
            hmac_key=str(uuid4()),
            authentication_methods=["email_password", "google_oauth"],
            sandbox=frozen_at is not None,
            frozen_at=frozen_at,
        )
        try:
            async with work.session.begin_nested():
                work.session.add(organization)
                await work.session.flush()
            return organization
        except IntegrityError:
            # Another organization took the slug between the look and the write.
            slug = slug_with_tail(wished, 3 + attempt)
    raise RuntimeError(f"no free slug found beside {wished!r}")


def default_prefix(name: str, entity_id: UUID) -> str:
    """Of a billing entity: `Acme` with an id ending in 12ab is `ACM-12AB`; at most ten characters."""
    return f"{name[:3].upper()[:5]}-{str(entity_id)[-4:].upper()}"
