"""The relay against lost messages, lost servers and lost leaders."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import redis

from domain.kernel.jobs import JobRequest
from infrastructure.embedded.binaries import redis_server
from infrastructure.process import free_port
from infrastructure.settings import settings
from tasks.dispatch import send
from tasks.relay import relay_once
from tests.tasks.conftest import Start, World


class OwnRedis:
    """A Redis that may be killed. It keeps nothing."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.directory = directory
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [str(redis_server(None)), "--port", str(self.port), "--save", "", "--dir", str(self.directory)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.client.ping()
            except redis.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    monkeypatch.setenv("REDIS_URL", server.url)
    settings.cache_clear()
    yield server
    monkeypatch.undo()
    settings.cache_clear()
    server.kill()


async def _once(world: World) -> int:
    async with await psycopg.AsyncConnection.connect(world.url, autocommit=True) as connection:
        await connection.execute("SET ROLE tarn_relay")
        return await relay_once(connection)


def _length(queue: redis.Redis, name: str = "default") -> int:
    length = queue.llen(f"dramatiq:{name}")
    assert isinstance(length, int)
    return length


async def test_a_job_has_one_message_however_often_it_is_sent(world: World, queue: redis.Redis) -> None:
    (job_id,) = await world.ask(JobRequest("test.mark", {"key": "one"}))
    assert await send([(job_id, "default")] * 3) == 0
    assert _length(queue) == 1


async def test_what_was_sent_a_moment_ago_is_left_alone(world: World, queue: redis.Redis) -> None:
    await world.ask(JobRequest("test.mark", {"key": "fresh"}))
    queue.flushdb()
    assert await _once(world) == 0
    world.sql("UPDATE jobs SET sent_at = sent_at - interval '6 seconds'")
    assert await _once(world) == 1
    assert _length(queue) == 1


async def test_what_was_never_sent_is_sent_when_it_is_due(world: World, queue: redis.Redis) -> None:
    await world.ask(JobRequest("test.mark", {"key": "later"}, delay=timedelta(seconds=1)))
    assert await _once(world) == 0
    await asyncio.sleep(1)
    assert await _once(world) == 1
    assert _length(queue) == 1


async def test_a_row_that_is_worked_on_or_failed_is_passed_over(world: World, queue: redis.Redis) -> None:
    await world.ask(JobRequest("test.mark", {"key": "running"}), JobRequest("test.mark", {"key": "failed"}))
    world.sql("UPDATE jobs SET sent_at = NULL")
    world.sql("UPDATE jobs SET status = 'failed' WHERE arguments ->> 'key' = 'failed'")
    queue.flushdb()
    with psycopg.connect(world.url) as worker:
        worker.execute("SELECT FROM jobs WHERE arguments ->> 'key' = 'running' FOR UPDATE")
        assert await _once(world) == 0


async def test_a_lost_message_behind_a_backlog_is_looked_for_after_a_minute(world: World, queue: redis.Redis) -> None:
    await world.ask(*(JobRequest("test.mark", {"key": str(n)}) for n in range(3)))
    first = queue.lpop("dramatiq:default")
    assert isinstance(first, bytes)
    queue.hdel("dramatiq:default.msgs", first.decode())
    world.sql("UPDATE jobs SET sent_at = sent_at - interval '30 seconds'")
    assert await _once(world) == 0
    world.sql("UPDATE jobs SET sent_at = sent_at - interval '31 seconds'")
    assert await _once(world) == 3
    assert _length(queue) == 3


async def test_a_command_succeeds_while_redis_is_away(world: World, own_redis: OwnRedis, start: Start) -> None:
    own_redis.kill()
    await world.ask(JobRequest("test.mark", {"key": "patient"}))
    own_redis.start()
    start("worker", REDIS_URL=own_redis.url)
    await world.until(lambda: world.keys() == ["patient"], 15)


@pytest.mark.slow
@pytest.mark.faults
async def test_a_killed_redis_that_comes_back_empty_costs_nothing_but_time(
    world: World, own_redis: OwnRedis, start: Start
) -> None:
    start("worker", "", "2", REDIS_URL=own_redis.url)
    await world.ask(*(JobRequest("test.slow", {"key": f"slow-{n}", "seconds": 0.2}) for n in range(30)))
    await world.until(lambda: len(world.keys()) >= 4)
    own_redis.kill()
    await asyncio.sleep(1)
    own_redis.start()
    took = await world.until(lambda: world.jobs() == [], 25)
    assert sorted(world.keys()) == sorted(f"slow-{n}" for n in range(30))
    print(f"drained {took:.1f} s after the restart")


@pytest.mark.slow
@pytest.mark.faults
async def test_another_process_leads_when_the_leader_is_killed(world: World, start: Start) -> None:
    leading = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    first = start("worker")
    await world.until(lambda: len(world.sql(leading)) == 1)
    ((backend,),) = world.sql(leading)
    start("worker")
    assert world.sql(leading) == [(backend,)]
    first.kill()
    took = await world.until(_changed(world, leading, backend), 10)
    assert took < 5


def _changed(world: World, query: str, before: object) -> Callable[[], bool]:
    def changed() -> bool:
        rows = world.sql(query)
        return len(rows) == 1 and rows[0][0] != before

    return changed
