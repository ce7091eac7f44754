"""Ticks: once each however many clocks there are, real organizations only; and the clock as a process."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

import tasks.ticks
from domain.identity.sandbox_clock import TASKS
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure.settings import settings
from tasks.runner import run
from tasks.schedule import SCHEDULE, SCHEDULED, Scheduled, next_tick
from tasks.ticks import tick
from tests.tasks.conftest import Start, World
from tests.tasks.sample_jobs import mark

AT = datetime.now(UTC).replace(minute=10, second=20, microsecond=0)


async def _mark(work: UnitOfWork) -> int:
    await mark(work, "ran")
    return 0


def _use(monkeypatch: pytest.MonkeyPatch, scheduled: Scheduled) -> None:
    monkeypatch.setattr(tasks.ticks, "SCHEDULED", {scheduled.name: scheduled})


async def test_two_clocks_run_a_tick_once(world: World) -> None:
    given = await asyncio.gather(*(tick("bill_customers", AT + timedelta(seconds=n)) for n in range(8)))
    assert sorted(given) == [0] * 7 + [len(world.sql("SELECT 1 FROM organizations WHERE NOT sandbox"))]
    assert world.sql("SELECT job, tick FROM clock_ticks") == [("bill_customers", AT.replace(second=0))]


async def test_the_next_tick_runs_again_but_does_not_pile_up_jobs(world: World) -> None:
    await tick("bill_customers", AT)
    before = world.sql("SELECT id FROM jobs ORDER BY id")
    assert await tick("bill_customers", AT + timedelta(hours=1)) > 0
    assert world.sql("SELECT id FROM jobs ORDER BY id") == before


async def test_the_real_clock_passes_sandboxes_by(world: World) -> None:
    sandbox = world.found(AT)
    await tick("bill_customers", AT)
    assert world.jobs(sandbox) == []
    assert len(world.jobs()) == 1


async def test_an_unknown_tick_does_nothing(world: World) -> None:
    assert await tick("made_up", AT) == 0
    assert world.sql("SELECT job FROM clock_ticks") == []


async def test_a_tick_that_fails_leaves_nothing_behind_and_can_be_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(work: UnitOfWork) -> list[object]:
        raise RuntimeError("no")

    _use(monkeypatch, Scheduled("x", "", "* * * * *", _mark, organizations=broken))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        await tick("x", AT)
    assert world.sql("SELECT job FROM clock_ticks") == []
    _use(monkeypatch, Scheduled("x", "", "* * * * *", _mark))
    assert await tick("x", AT) > 0


async def test_old_ticks_are_removed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, Scheduled("x", "", 10, _mark))
    await tick("x", clock.wall() - timedelta(days=8))
    await tick("x", clock.wall())
    assert len(world.sql("SELECT job FROM clock_ticks")) == 1


async def test_a_full_chunk_is_followed_by_another_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [3, 3, 1]

    async def some(work: UnitOfWork) -> int:
        await mark(work, "ran")
        return left.pop(0)

    _use(monkeypatch, Scheduled("x", "", "* * * * *", some, chunk=3))
    await world.ask(JobRequest("clock.run", {"task": "x"}, "x"))
    while rows := world.sql("SELECT id FROM jobs"):
        await run(rows[0][0])
    assert world.keys() == ["ran"] * 3


def test_every_scheduled_job_has_a_name_that_integrators_know() -> None:
    assert {each.name for each in SCHEDULE} <= TASKS
    assert len({each.name for each in SCHEDULE}) == len(SCHEDULE)
    assert all(each.slug.startswith("lago_") for each in SCHEDULE)


@pytest.mark.slow
async def test_two_clock_processes_beat_crontabs_and_seconds_once(world: World, start: Start) -> None:
    start("worker")
    if datetime.now(UTC).second > 45:
        await asyncio.sleep(16)
    clocks = [start("clock"), start("clock")]
    await world.until(lambda: len(world.sql("SELECT 1 FROM clock_ticks WHERE job = 'every_second'")) >= 4, 20)
    await world.until(lambda: bool(world.keys("minute")))
    for process in clocks:
        began = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - began < 3
    await asyncio.sleep(1)
    for job, key in (("every_minute", "minute"), ("every_second", "second")):
        ((ticks,),) = world.sql("SELECT count(*) FROM clock_ticks WHERE job = %s", job)
        mine = "SELECT count(*) FROM effects WHERE key = %s AND organization_id = %s"
        ((ran,),) = world.sql(mine, key, world.tenant.organization_id)
        assert 1 <= ran <= ticks
        assert ran == ticks or key == "second", "a second's job may still have run when the next one was asked for"


def test_intervals_are_settings_and_refreshes_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and defaults of the reference (handbook, jobs 3)."""
    expected = {
        "process_subscription_activity": ("LAGO_SUBSCRIPTION_ACTIVITY_PROCESSING_INTERVAL_SECONDS", 60, None),
        "refresh_lifetime_usages": (
            "LAGO_LIFETIME_USAGE_REFRESH_INTERVAL_SECONDS", 300, "LAGO_DISABLE_LIFETIME_USAGE_REFRESH",
        ),
        "refresh_wallets_ongoing_balance": (
            "LAGO_WALLET_ONGOING_BALANCE_REFRESH_INTERVAL_SECONDS", 300, "LAGO_DISABLE_WALLET_REFRESH",
        ),
        "post_validate_events": (None, "5 * * * *", "LAGO_DISABLE_EVENTS_VALIDATION"),
    }  # fmt: skip
    at = datetime(2024, 1, 1, 10, 4, 10, tzinfo=UTC)
    try:
        for name, (interval, beat, switch) in expected.items():
            scheduled = SCHEDULED[name]
            settings.cache_clear()
            assert (scheduled.beat, scheduled.on) == (beat, True)
            if interval is not None:
                monkeypatch.setenv(interval, "20")
                settings.cache_clear()
                assert (scheduled.beat, next_tick(scheduled, at)) == (20, at.replace(second=20))
            if switch is not None:
                monkeypatch.setenv(switch, "true")
                settings.cache_clear()
                assert scheduled.on is False
    finally:
        monkeypatch.undo()
        settings.cache_clear()
