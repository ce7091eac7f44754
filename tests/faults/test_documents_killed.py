"""kill -9 of the worker while it makes the invoices' documents, which it does outside of any transaction."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.harness import Round, kill, recovered
from tests.faults.world import World
from tests.installation import Installation, running

pytestmark = [pytest.mark.faults, pytest.mark.slow]

DOCUMENTS = "invoicing.generate_documents"


@pytest.fixture(scope="module")
def installation(plain_environment: dict[str, str]) -> Iterator[Installation]:
    """A `tarn up` that makes documents."""
    with tempfile.TemporaryDirectory(prefix="tarn-fault-") as folder, running(Path(folder), plain_environment) as one:
        yield one


@pytest.fixture(scope="module")
def world(installation: Installation) -> World:
    """Few subscriptions: every invoice is rendered."""
    return World(installation, subscriptions=100)


def test_every_invoice_gets_its_document_though_the_worker_was_killed(
    world: World, installation: Installation, number: int, judge: Callable[[str, Round], None]
) -> None:
    result = Round()
    world.next_month()
    world.ask_for_bills()
    world.until_open(DOCUMENTS)
    time.sleep(random.uniform(0, 1))
    worker = installation.child("worker")
    result.middle = bool(world.open_jobs(DOCUMENTS))
    kill([worker])
    recovered(result, time.monotonic(), lambda: world.wrong() + world.undocumented())
    judge("worker, making documents", result)
