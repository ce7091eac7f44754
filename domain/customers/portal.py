"""The link to a customer's portal: a signed token that names the customer and ends by itself.

Source: handbook, platform 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.identity.models import Organization
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from infrastructure import signing
from infrastructure.settings import settings

__all__ = ["PORTAL_PURPOSE", "PortalAccess", "portal_access", "portal_url"]

PORTAL_PURPOSE: Final = "customer_portal"
LIFETIME: Final = timedelta(hours=12)

_customers, _organizations = table(Customer), table(Organization)


@dataclass(frozen=True, slots=True)
class PortalAccess:
    """A kept customer who looks at its own account, and the organization, with its clock, that bills it."""

    tenant: Tenant
    customer_id: UUID


def portal_url(organization_id: UUID, customer_id: UUID) -> str:
    """Good for twelve hours, made anew at every call; on the dashboard's address, else on this server's."""
    token = signing.sign(PORTAL_PURPOSE, [str(organization_id), str(customer_id)], LIFETIME)
    base = settings().front_url or settings().api_url
    return f"{base.rstrip('/')}/customer-portal/{token}"


async def portal_access(token: str) -> PortalAccess | None:
    """Who a token speaks for. None for one that is forged, changed or past its end, and for a customer who was deleted
    since: all of these look the same."""
    named = signing.read_list(PORTAL_PURPOSE, token, 2)
    if named is None:
        return None
    organization_id, customer_id = (parse_id(each) for each in named)
    if organization_id is None or customer_id is None:
        return None
    kept = (
        sa.select(_organizations.c.frozen_at)
        .join_from(_customers, _organizations, _organizations.c.id == _customers.c.organization_id)
        .where(
            _customers.c.id == customer_id,
            _customers.c.organization_id == organization_id,
            _customers.c.deleted_at.is_(None),
        )
    )
    async with tenant_work(Tenant(organization_id)) as work:
        row = (await work.session.execute(kept)).first()
    return None if row is None else PortalAccess(Tenant(organization_id, row.frozen_at), customer_id)
