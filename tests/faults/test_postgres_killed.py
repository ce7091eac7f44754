"""kill -9 of PostgreSQL while clients send events."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.faults.clients import Clients
from tests.faults.harness import Round, kill, recovered
from tests.faults.world import World

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_every_event_answered_200_is_there_once_though_postgresql_was_killed(
    world: World, number: int, judge: Callable[[str, Round], None]
) -> None:
    clients = Clients(world, f"postgres-{number}")
    clients.start()
    clients.until_answered(300)
    time.sleep(random.uniform(0, 1))
    (server,) = world.installation.servers("postgres")
    told = len(clients.answered)
    kill([server])
    since = time.monotonic()
    result = Round(middle=True)
    clients.until_answered(told + 300)
    clients.end()
    recovered(result, since, lambda: clients.lost() + clients.unlike_usage() + world.wrong())
    judge("PostgreSQL, while events come in", result)
