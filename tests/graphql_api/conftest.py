"""A client of the GraphQL endpoint, on a real database and real Redis; a few users to speak for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from starlette.applications import Starlette

from domain.kernel.unit_of_work import Reactions, install_reactions
from graphql_api.app import graphql_routes
from infrastructure.database import engine

Answer = dict[str, Any]

REGISTER = """
    mutation Register($input: RegisterUserInput!) {
        registerUser(input: $input) { token organization { id } user { id email } membership { id } }
    }
"""


@dataclass
class Caller:
    """Someone who calls, with the headers they send."""

    http: httpx.AsyncClient
    token: str | None = None
    organization_id: str | None = None
    user_id: str | None = None
    email: str | None = None
    password: str | None = None

    async def send(self, query: str, variables: object = None, **headers: str) -> httpx.Response:
        """The raw answer."""
        sent = dict(headers)
        if self.token:
            sent.setdefault("authorization", f"Bearer {self.token}")
        if self.organization_id:
            sent.setdefault("x-lago-organization", self.organization_id)
        body = json.dumps({"query": query, "variables": variables})
        return await self.http.post("/graphql", content=body, headers=sent)

    async def ask(self, query: str, variables: object = None, **headers: str) -> Answer:
        """The whole body of an answer, HTTP 200 checked."""
        response = await self.send(query, variables, **headers)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def data(self, query: str, variables: object = None, **headers: str) -> Any:
        """The data of an answer without errors."""
        body = await self.ask(query, variables, **headers)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def error(self, query: str, variables: object = None, **headers: str) -> Answer:
        """The extensions of the only error of an answer, with its message."""
        body = await self.ask(query, variables, **headers)
        errors = body.get("errors") or []
        assert len(errors) == 1, body
        return {"message": errors[0]["message"], **errors[0]["extensions"]}


@pytest.fixture(scope="module")
def nothing_follows() -> Iterator[None]:
    """Commands record their events and no job follows."""

    async def requests(*_: object) -> list[Any]:
        return []

    async def dispatch(*_: object) -> None:
        return None

    install_reactions(Reactions(requests, dispatch, {}))
    yield
    install_reactions(None)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(migrated: str, nothing_follows: None) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=graphql_routes())
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://tarn.test") as client:
        yield client


@pytest.fixture(scope="module")
def anyone(http: httpx.AsyncClient) -> Caller:
    """A caller without a token."""
    return Caller(http)


@pytest.fixture(scope="module")
def sign_up(http: httpx.AsyncClient) -> Callable[..., Awaitable[Caller]]:
    """Registers a user with an organization of their own."""

    async def register(name: str = "Acme", password: str = "correct horse") -> Caller:
        email = f"user-{uuid4().hex}@example.com"
        variables = {"input": {"email": email, "password": password, "organizationName": name}}
        made = (await Caller(http).data(REGISTER, variables))["registerUser"]
        return Caller(http, made["token"], made["organization"]["id"], made["user"]["id"], email, password)

    return register


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def admin(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    """The admin of an organization."""
    return await sign_up()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stranger(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    """The admin of another organization."""
    return await sign_up("Other")


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
