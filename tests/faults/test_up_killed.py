"""kill -9 of `tarn up` while it bills and takes events: it alone, or every process of it as when the power fails."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.faults.clients import Clients
from tests.faults.harness import Round, kill, recovered
from tests.faults.world import World
from tests.installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_the_next_start_goes_on_where_the_killed_one_was(
    world: World, installation: Installation, number: int, judge: Callable[[str, Round], None]
) -> None:
    everything = number % 2 == 1
    usual = world.usual_seconds()
    result = Round()
    clients = Clients(world, f"up-{number}")
    world.next_month()
    clients.start()
    clients.until_answered(100)
    world.ask_for_bills()
    world.until_billing()
    time.sleep(random.uniform(0, usual))
    result.middle = bool(world.open_jobs())
    told = len(clients.answered)
    assert installation.process is not None
    kill([installation.process.pid, *(installation.descendants() if everything else [])])
    installation.process.wait()
    since = time.monotonic()
    installation.start_until_healthy()
    clients.until_answered(told + 100)
    clients.end()
    recovered(result, since, lambda: world.wrong() + clients.lost() + clients.unlike_usage())
    judge("tarn up, every process" if everything else "tarn up, the supervisor alone", result)
