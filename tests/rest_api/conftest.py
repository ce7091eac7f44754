"""The REST interface over HTTP, against a real database, by organizations of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from cli.edge import failed, refused
from domain.identity.register import Registered, register
from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions
from infrastructure.database import engine


class Recorded(list[DomainEvent]):
    """The domain events of committed and failed commands alike, in order, instead of the jobs that follow them."""

    def of(self, kind: type[DomainEvent]) -> list[Any]:
        return [event for event in self if type(event) is kind]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """What commands record while this test runs."""
    events = Recorded()

    async def requests(work: UnitOfWork, happened: Sequence[DomainEvent]) -> Sequence[JobRequest]:
        events.extend(happened)
        return ()

    async def dispatch(rows: object) -> None:
        raise AssertionError("no jobs are asked for here")

    install_reactions(Reactions(requests, dispatch, {}))
    yield events
    install_reactions(None)


@dataclass(frozen=True)
class Api:
    """The interface as one organization uses it."""

    client: httpx.AsyncClient
    registered: Registered

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.registered.founded.organization.id)

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.registered.founded.api_key.value}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: object) -> httpx.Response:
        return await self.call("POST", path, body)

    async def put(self, path: str, body: object) -> httpx.Response:
        return await self.call("PUT", path, body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.call("DELETE", path)


def application() -> Starlette:
    """The REST routes with the answers of the edge to what nothing else answered."""
    from rest_api.app import rest_routes

    return Starlette(routes=rest_routes(), exception_handlers={HTTPException: refused, Exception: failed})


@pytest_asyncio.fixture(loop_scope="session")
async def client(migrated: str, recorded: Recorded) -> AsyncIterator[httpx.AsyncClient]:
    from rest_api.events import close_ingestion

    transport = httpx.ASGITransport(app=application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tarn.test") as client:
        yield client
    await close_ingestion()  # the next module has another database


async def founded(client: httpx.AsyncClient) -> Api:
    name = uuid4().hex[:12]
    registered = await register(
        {"email": f"{name}@example.com", "password": "a long password", "organization_name": f"Hooli {name}"}
    )
    return Api(client, registered)


@pytest_asyncio.fixture(loop_scope="session")
async def api(client: httpx.AsyncClient) -> Api:
    """A new organization."""
    return await founded(client)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(client: httpx.AsyncClient) -> Api:
    """Another new organization."""
    return await founded(client)


@pytest.fixture
def statements(migrated: str) -> Iterator[list[str]]:
    """The SQL statements sent while the test runs."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    target = engine().sync_engine
    sa.event.listen(target, "before_cursor_execute", note)
    yield sent
    sa.event.remove(target, "before_cursor_execute", note)
