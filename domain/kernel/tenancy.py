"""Tenants are walls: which database role a transaction runs as, and for which organization.

A transaction bound to an organization runs as `tarn_tenant`, which row-level security keeps inside that organization.
The few doors that cross tenants each run as a narrow role of their own. The connecting user owns the tables and is
only itself while migrating. Roles are made by the first migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

__all__ = ["TENANTLESS_TABLES", "TENANT_ROLE", "Door", "Tenant", "assume"]

TENANT_ROLE = "tarn_tenant"

# Tables whose rows belong to no organization. `jobs` has one, but is kept by the relay, which serves all.
TENANTLESS_TABLES = frozenset({"users", "user_devices", "password_resets", "clock_ticks", "alembic_version"})


class Door(StrEnum):
    """A role that crosses tenants for one purpose."""

    LOGIN = "tarn_login"  # log-in, registration, invitations, forgotten passwords, API-key look-up, currentUser
    INGEST = "tarn_ingest"  # shared flushes: inserts events, jobs and the log of API calls, reads what a metric counts
    RELAY = "tarn_relay"  # the job ledger
    CLOCK = "tarn_clock"  # the scheduled jobs: finds which organizations have work, hands it to the ledger
    SANDBOX = "tarn_sandbox"  # creating sandboxes and setting their clocks


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization as a request or job is bound to it. `frozen_at` is set for sandboxes only."""

    organization_id: UUID
    frozen_at: datetime | None = None

    @property
    def sandbox(self) -> bool:
        return self.frozen_at is not None


_ASSUME = sa.text("SELECT set_config('role', :role, true), set_config('tarn.organization_id', :organization, true)")


async def assume(connection: AsyncSession | AsyncConnection, role: str, organization_id: UUID | None = None) -> None:
    """Makes the rest of the current transaction run as `role`, for that organization. One round trip."""
    await connection.execute(_ASSUME, {"role": role, "organization": str(organization_id or "")})
