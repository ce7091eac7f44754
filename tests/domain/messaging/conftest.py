"""An organization with a receiver of its webhooks, and a worker that runs the jobs of one organization."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from psycopg.rows import dict_row

from domain.identity.models import User
from domain.identity.organizations import found_organization
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import door_work, install_reactions, tenant_work
from domain.messaging.endpoints import create_endpoint
from infrastructure.settings import settings
from tests.databases import ask
from tests.domain.messaging.receiver import Receiver, receiver


@pytest.fixture(scope="module", autouse=True)
def jobs_follow(environment: dict[str, str]) -> Iterator[None]:
    """Events are followed by jobs as in every process; receivers on this machine may be called."""
    from tasks.app import install

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TARN_ALLOW_PRIVATE_OUTBOUND", "true")
        patch.setenv("LAGO_WEBHOOK_TIMEOUT_SECONDS", "0.5")
        settings.cache_clear()
        install()
        yield
        install_reactions(None)
    settings.cache_clear()


@dataclass(frozen=True)
class House:
    """An organization and the ledger of its work."""

    tenant: Tenant
    hmac_key: str
    api_key: str
    database_url: str

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Runs SQL as the owner of the tables; `%(me)s` is the organization."""
        return ask(self.database_url, query, {"me": self.tenant.organization_id, **values}, dict_row)

    def jobs(self, actor: str | None = None) -> list[dict[str, Any]]:
        """The ledger, oldest first."""
        query = "SELECT * FROM jobs WHERE organization_id = %(me)s AND (%(actor)s::text IS NULL OR actor = %(actor)s)"
        return self.rows(query + " ORDER BY created_at, id", actor=actor)

    def webhooks(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM webhooks WHERE organization_id = %(me)s ORDER BY created_at, id")

    def webhook(self) -> dict[str, Any]:
        """The only one there is."""
        (row,) = self.webhooks()
        return row

    async def work(self, prefix: str = "messaging.") -> None:
        """Runs what is due of the organization's jobs, and what follows from them, until nothing is."""
        from tasks.runner import run

        while True:
            query = "SELECT id FROM jobs WHERE organization_id = %(me)s AND starts_with(actor, %(prefix)s)"
            query += " AND status = 'pending' AND due_at <= clock_timestamp() ORDER BY id"
            found = self.rows(query, prefix=prefix)
            if not found:
                return
            for row in found:
                await run(row["id"])

    def wait(self) -> None:
        """As if the pauses of all waiting jobs were over."""
        self.rows("UPDATE jobs SET due_at = clock_timestamp() WHERE organization_id = %(me)s")

    async def endpoint(self, url: str, **params: Any) -> UUID:
        """A new endpoint."""
        async with tenant_work(self.tenant) as work:
            return (await create_endpoint(work, {"webhook_url": url, **params})).id


async def found_house(database_url: str, frozen_at: datetime | None = None) -> House:
    name = uuid4().hex[:12]
    async with door_work(Door.LOGIN) as work:
        user = User(email=f"{name}@example.com", password_hash="nobody logs in")
        work.session.add(user)
        await work.session.flush()
        founded = await found_organization(work, user.id, f"Hooli {name}", document_numbering="per_customer")
    organization = founded.organization
    house = House(Tenant(organization.id, frozen_at), organization.hmac_key, founded.api_key.value, database_url)
    if frozen_at is not None:
        house.rows("UPDATE organizations SET sandbox = true, frozen_at = %(at)s WHERE id = %(me)s", at=frozen_at)
    return house


@pytest_asyncio.fixture(loop_scope="session")
async def house(migrated: str) -> House:
    """A new organization."""
    return await found_house(migrated)


@pytest_asyncio.fixture(loop_scope="session")
async def neighbour(migrated: str) -> House:
    """Another new organization."""
    return await found_house(migrated)


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[Receiver]:
    """A receiver that says 200 until it is told otherwise."""
    async with receiver() as listening:
        yield listening
