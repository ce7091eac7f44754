"""What all tests stand on: a real PostgreSQL and a real Redis for each of its three roles, with passwords.

They are started once per run, by the process that the others are started from, and end with it. Every test module
that asks for the database gets an empty one under a name of its own, so that modules see nothing of each other (see
`tests.databases`). Tests that ask for nothing start nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
import redis
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from psycopg import sql

from infrastructure import collecting, database, passwords
from infrastructure.embedded import Environment, start_embedded
from infrastructure.settings import settings
from tests.databases import TEMPLATE_LOCK, WorkerDatabase, named

collecting.load()

TEMPLATE = "tarn_template"
SLOW = tuple(f"tests/{folder}/" for folder in ("tasks", "infrastructure", "cli", "docs", "scenarios"))
SERVERS = pytest.StashKey[Environment]()
PLACE = pytest.StashKey[str]()


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[pytest.MonkeyPatch]:
    """Registering is what most tests begin with: their passwords cost a thousandth. Servers in processes of their own,
    and the tests of passwords themselves, keep the real cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher.from_parameters(CHEAPEST))
        yield patch


@dataclass(frozen=True)
class RedisUrls:
    """The addresses of the three roles, passwords included."""

    queue: str
    cache: str
    store: str


def _start(config: pytest.Config) -> Environment:
    """The servers of this run; made at the first call in the process that owns them."""
    if SERVERS not in config.stash:
        config.stash[PLACE] = tempfile.mkdtemp(prefix="tarn-tests-")
        config.stash[SERVERS] = start_embedded(config.stash[PLACE], who="pytest", durable=False)
    return config.stash[SERVERS]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """xdist: the controller starts the servers once and tells every worker where they are."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["tarn"] = json.dumps(dict(_start(config)))  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of real processes first: they wait much, and nothing else would be left to do meanwhile at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


def pytest_collection_finish() -> None:
    """Every test is imported by now: the collector need not walk through them all again during each."""
    collecting.settle()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that started the servers ends them and removes their files."""
    if SERVERS in config.stash:
        config.stash[SERVERS].stop()
        shutil.rmtree(config.stash[PLACE], ignore_errors=True)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment variables of the servers of this run: addresses, passwords, development secrets."""
    told = getattr(request.config, "workerinput", {}).get("tarn")
    return dict(json.loads(told)) if told else dict(_start(request.config))


@pytest.fixture(scope="session")
def template(servers: dict[str, str]) -> str:
    """The name of a migrated database without rows; nothing may connect to it, it is only copied."""
    import domain.registry  # noqa: F401 - all models, also in a process that finds the template made
    from cli.migrate import run_migrations

    with psycopg.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])  # one xdist worker makes it for all
        made = connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        if made is None:
            fresh = f"{TEMPLATE}_new"
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(fresh)))
            run_migrations(named(servers["DATABASE_URL"], fresh))
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(fresh), sql.Identifier(TEMPLATE))
            )
    return TEMPLATE


@pytest.fixture(scope="session")
def redis_urls(servers: dict[str, str], worker_id: str) -> RedisUrls:
    """Redis for the three roles, with passwords. Each xdist worker has a database number of its own."""
    number = 0 if worker_id == "master" else 1 + int(worker_id.removeprefix("gw"))
    roles = ("REDIS_URL", "LAGO_REDIS_CACHE_URL", "LAGO_REDIS_STORE_URL")
    return RedisUrls(*(servers[role].rpartition("/")[0] + f"/{number}" for role in roles))


@pytest.fixture(scope="session")
def worker_database(servers: dict[str, str], template: str) -> Iterator[WorkerDatabase]:
    """The one database of this process."""
    database = WorkerDatabase(servers["DATABASE_URL"], template)
    yield database
    database.close()


@pytest.fixture(scope="module")
def database_url(worker_database: WorkerDatabase) -> Iterator[str]:
    """The address of a migrated, empty database of this module alone: nobody who still knows it gets in afterwards."""
    yield worker_database.url
    worker_database.recycle()


@pytest.fixture(scope="module")
def environment(servers: dict[str, str], database_url: str, redis_urls: RedisUrls) -> Iterator[dict[str, str]]:
    """`settings()` of this process points at this module's database and Redis; the same dict suits a subprocess."""
    variables = {
        **servers,
        "TARN_ENV": "test",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_urls.queue,
        "LAGO_REDIS_CACHE_URL": redis_urls.cache,
        "LAGO_REDIS_STORE_URL": redis_urls.store,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield variables
    settings.cache_clear()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def migrated(environment: dict[str, str]) -> AsyncIterator[str]:
    """A migrated, empty database that `infrastructure.database.engine()` is connected to; its address."""
    await database.close()
    yield environment["DATABASE_URL"]
    await database.close()


@pytest.fixture
def empty_redis(environment: dict[str, str], redis_urls: RedisUrls) -> RedisUrls:
    """The three roles of Redis without a key, for tests that count what is in them."""
    for url in (redis_urls.queue, redis_urls.cache, redis_urls.store):
        with redis.Redis.from_url(url) as client:
            client.flushdb()
    return redis_urls


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder with pyproject.toml."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def plain_environment() -> dict[str, str]:
    """This process's environment without any setting of Tarn: what a stranger's shell has."""
    ours = ("TARN_", "LAGO_", "REDIS_", "DATABASE_", "ENCRYPTION_", "DRAMATIQ_", "SIDEKIQ_", "SENTRY_", "PROMETHEUS_")
    alone = {"SECRET_KEY_BASE", "RSA_PRIVATE_KEY", "PORT"}
    return {name: value for name, value in os.environ.items() if name not in alone and not name.startswith(ours)}
