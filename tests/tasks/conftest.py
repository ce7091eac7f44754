"""Workers and clocks as real processes, and a table in which jobs leave marks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis

import tests.tasks.sample_jobs as sample_jobs
from domain.kernel.ids import new_id
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from tasks.app import install
from tests.databases import ask

Rows = list[tuple[Any, ...]]


class Nursery:
    """A process that has imported everything, and forks workers and clocks: each starts in a hundredth of the time."""

    def __init__(self, environment: Mapping[str, str], root: Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.tasks.process"],
            env=dict(environment), cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        order = {"arguments": list(arguments), "environment": dict(environment), "output": str(log)}
        print(json.dumps(order), file=self.popen.stdin, flush=True)
        return Forked(int(self.popen.stdout.readline()), Path(f"{log}.status"))

    def close(self) -> None:
        self.popen.communicate(timeout=20)


@dataclass
class Forked:
    """What `subprocess.Popen` says of a child, of a process that is nobody's child here."""

    pid: int
    status: Path

    def poll(self) -> int | None:
        return int(self.status.read_text()) if self.status.exists() else None

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (60 if timeout is None else timeout)
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 60)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Process:
    """A worker or clock. Its lines stand in a file."""

    def __init__(self, popen: subprocess.Popen[bytes] | Forked, log: Path) -> None:
        self.popen = popen
        self.log = log

    def wait_ready(self, word: str = "ready", seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while word not in self.log.read_text():
            assert self.popen.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def stop(self, grace: float = 40) -> int:
        """SIGTERM; the status it ended with."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(grace)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


Start = Callable[..., Process]


class World:
    """The database of this module as its owner sees it, and an organization in it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tenant = self.found()

    def sql(self, query: str, *values: object) -> Rows:
        return ask(self.url, query, values)

    def found(self, frozen_at: datetime | None = None) -> Tenant:
        """A new organization, a sandbox if it has a time."""
        organization_id, now = new_id(), datetime.now(UTC)
        self.sql(
            "INSERT INTO organizations (id, created_at, updated_at, name, slug, hmac_key, authentication_methods,"
            " sandbox, frozen_at) VALUES (%s, %s, %s, 'Acme', %s, '', '{}', %s, %s)",
            organization_id, now, now, str(organization_id), frozen_at is not None, frozen_at,
        )  # fmt: skip
        return Tenant(organization_id, frozen_at)

    def keys(self, like: str = "%") -> list[str]:
        return [key for (key,) in self.sql("SELECT key FROM effects WHERE key LIKE %s ORDER BY id", like)]

    def jobs(self, tenant: Tenant | None = None) -> Rows:
        """Status, attempts, error and waits of the organization's rows."""
        chosen = (tenant or self.tenant).organization_id
        return self.sql(
            "SELECT status, attempts, error, waits FROM jobs WHERE organization_id = %s ORDER BY id", chosen
        )  # fmt: skip

    async def ask(self, *requests: JobRequest, tenant: Tenant | None = None) -> list[UUID]:
        """Writes jobs as a command does; the ids of the organization's rows."""
        chosen = tenant or self.tenant
        async with tenant_work(chosen) as work:
            for request in requests:
                work.enqueue(request)
        return [row[0] for row in self.sql("SELECT id FROM jobs WHERE organization_id = %s", chosen.organization_id)]

    async def until(self, true: Callable[[], bool], seconds: float = 15) -> float:
        """Waits until something holds; how long it took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() - began < seconds, self.sql("SELECT actor, status, attempts, error FROM jobs")
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def marks(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sample_jobs.EFFECTS)
    return database_url


@pytest.fixture
def world(marks: str, migrated: str, empty_redis: object) -> World:
    """An empty ledger and an empty queue."""
    install()
    world = World(marks)
    world.sql("DELETE FROM jobs")
    world.sql("DELETE FROM effects")
    world.sql("DELETE FROM clock_ticks")
    return world


@pytest.fixture(scope="session")
def nursery(servers: dict[str, str], project_root: Path) -> Iterator[Nursery]:
    nursery = Nursery(servers, project_root)
    yield nursery
    nursery.close()


@pytest.fixture
def start(
    environment: dict[str, str], tmp_path: Path, project_root: Path, world: World, nursery: Nursery
) -> Iterator[Start]:
    """Starts processes, forked from one that has imported everything or, if `forked` is false, from nothing; all are
    gone after the test."""
    started: list[Process] = []

    def launch(*arguments: str, ready: bool = True, forked: bool = True, **extra: str) -> Process:
        log = tmp_path / f"process-{len(started)}.log"
        variables = {**environment, **extra}
        log.touch()
        if forked:
            process = Process(nursery.fork(arguments, variables, log), log)
        else:
            command = [sys.executable, "-m", "tests.tasks.process", *arguments]
            with log.open("wb") as output:
                popen = subprocess.Popen(
                    command, env=variables, stdout=output, stderr=subprocess.STDOUT, cwd=project_root
                )
            process = Process(popen, log)
        started.append(process)
        if ready:
            process.wait_ready()
        return process

    yield launch
    for process in started:
        if process.popen.poll() is None:
            process.kill()


@pytest.fixture
def queue(environment: dict[str, str], empty_redis: object) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(environment["REDIS_URL"])
    yield client
    client.close()
