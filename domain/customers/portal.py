"""The link to a customer's portal: a signed token that names the customer and ends by itself.

Source: handbook, platform 12.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from infrastructure import signing
from infrastructure.settings import settings

__all__ = ["PORTAL_PURPOSE", "portal_url"]

PORTAL_PURPOSE: Final = "customer_portal"
LIFETIME: Final = timedelta(hours=12)


def portal_url(organization_id: UUID, customer_id: UUID) -> str:
    """Good for twelve hours, made anew at every call; on the dashboard's address, else on this server's."""
    token = signing.sign(PORTAL_PURPOSE, [str(organization_id), str(customer_id)], LIFETIME)
    base = settings().front_url or settings().api_url
    return f"{base.rstrip('/')}/customer-portal/{token}"
