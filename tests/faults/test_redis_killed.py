"""kill -9 of Redis, all three roles, with messages queued; every second time it has also lost what it held."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import pytest
import redis

from tests.faults.clients import Clients
from tests.faults.harness import Round, kill, recovered
from tests.faults.world import World
from tests.installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow]

ROLES = ("REDIS_URL", "LAGO_REDIS_CACHE_URL", "LAGO_REDIS_STORE_URL")


def test_no_job_is_lost_though_redis_was_killed_with_messages_queued(
    world: World, installation: Installation, number: int, judge: Callable[[str, Round], None]
) -> None:
    emptied = number % 2 == 1
    clients = Clients(world, f"redis-{number}")
    worker = installation.child("worker")
    result = Round()
    world.next_month()
    assert clients.unlike_usage() == []  # and the cache knows it now
    os.kill(worker, signal.SIGSTOP)
    try:
        world.ask_for_bills()
        world.subscribe_in_advance(10)
        clients.start()
        clients.until_answered(100)
        time.sleep(random.uniform(0, 0.5))
        result.middle = _queued(installation) > 0
        if emptied:
            for role in ROLES:
                with redis.Redis.from_url(installation.environment()[role]) as client:
                    client.flushall()
        told = len(clients.answered)
        kill(installation.servers("redis-server"))
        since = time.monotonic()
        time.sleep(random.uniform(0, 0.5))
    finally:
        os.kill(worker, signal.SIGCONT)
    clients.until_answered(told + 100)
    clients.end()
    recovered(result, since, lambda: world.wrong() + clients.lost() + clients.unlike_usage())
    judge(f"Redis, with messages queued{', and emptied' if emptied else ''}", result)


def _queued(installation: Installation) -> int:
    with redis.Redis.from_url(installation.environment()["REDIS_URL"]) as client:
        return sum(client.llen(key) for key in client.keys("dramatiq:*") if client.type(key) == b"list")
