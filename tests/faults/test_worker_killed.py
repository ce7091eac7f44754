"""kill -9 of the worker in the middle of a billing run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.faults.harness import Round, kill, recovered
from tests.faults.world import World

pytestmark = [pytest.mark.faults, pytest.mark.slow]

LEAST_ROUNDS = 5
"""Money: however few rounds are asked for, this one gets so many."""


def test_every_due_subscription_is_billed_once_though_the_worker_was_killed(
    world: World, number: int, judge: Callable[[str, Round], None]
) -> None:
    usual = world.usual_seconds()
    result = Round()
    world.next_month()
    world.ask_for_bills()
    world.until_billing()
    time.sleep(random.uniform(0, usual * 0.9))
    worker = world.installation.child("worker")
    result.middle = bool(world.open_jobs())
    kill([worker])
    recovered(result, time.monotonic(), world.wrong)
    judge("worker, in a billing run", result)
