"""`/health`, `/ready` and `/metrics`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata

import sqlalchemy as sa
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cli.migrate import schema_heads
from infrastructure.database import engine
from infrastructure.metrics import CONTENT_TYPE, exposition, queue_depths
from infrastructure.settings import settings

__all__ = ["Probes"]

PATIENCE = 5.0  # seconds for all checks of one probe together


def _about() -> dict[str, str]:
    try:
        about = metadata("tarn")
    except PackageNotFoundError:
        return {"version": "", "github_url": ""}
    links = dict(link.split(", ", 1) for link in about.get_all("Project-URL", []))
    return {"version": about["Version"], "github_url": links.get("Source", "")}


class Probes:
    """The probes of one API process. `draining` turns true when it begins to end."""

    def __init__(self) -> None:
        self.draining = False
        self.about = _about()
        self._clients: dict[str, Redis] = {}
        self._heads: set[str] | None = None
        self._migrated = False

    def routes(self) -> list[Route]:
        return [
            Route("/health", self.health, methods=["GET"]),
            Route("/ready", self.ready, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def health(self, request: Request) -> Response:
        """200 when this process can serve; else 503 whose `details` say why."""
        problem = await self._problem()
        if problem is None:
            return JSONResponse({**self.about, "message": "Success"})
        return JSONResponse({**self.about, "message": "Unhealthy", "details": problem}, 503)

    async def ready(self, request: Request) -> Response:
        """As `health`, and 503 while the process ends, so that a load balancer takes it out."""
        if self.draining:
            return JSONResponse({"status": "shutting down"}, 503)
        problem = await self._problem()
        if problem is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "not ready", "details": problem}, 503)

    async def metrics(self, request: Request) -> Response:
        """Counters of the processes and, if the queue Redis answers, the depth and age of every queue."""
        depths = []
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                depths = await queue_depths(self._client("queue", settings().queue_redis))
        return Response(await asyncio.to_thread(exposition, depths), media_type=CONTENT_TYPE)

    async def _problem(self) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._database() or await self._redis()
        except TimeoutError:
            return f"no answer from the database or Redis within {PATIENCE:.0f} s"

    async def _database(self) -> str | None:
        try:
            async with engine().connect() as connection:
                if self._migrated:
                    await connection.execute(sa.text("SELECT 1"))
                    return None
                found = await connection.scalar(sa.text("SELECT to_regclass('alembic_version')::text"))
                versions = sa.text("SELECT version_num FROM alembic_version")
                have = set(await connection.scalars(versions)) if found else set()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            return f"database: {_first_line(error)}"
        if self._heads is None:
            self._heads = await asyncio.to_thread(schema_heads)
        if have != self._heads:
            return "migrations: the database's schema is not this version's; run `tarn migrate`"
        self._migrated = True
        return None

    async def _redis(self) -> str | None:
        roles = {
            "queue": settings().queue_redis,
            "cache": settings().cache_redis,
            "store": settings().store_redis,
        }
        for role, url in roles.items():
            if not url:
                return f"redis: no address for the {role} role"
            try:
                await self._client(role, url).ping()
            except (RedisError, OSError) as error:
                return f"redis, {role} role: {_first_line(error)}"
        return None

    def _client(self, role: str, url: str) -> Redis:
        if role not in self._clients:
            self._clients[role] = Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
        return self._clients[role]


def _first_line(error: BaseException) -> str:
    """What a driver says, without the statement and the address (which may carry a password)."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]
