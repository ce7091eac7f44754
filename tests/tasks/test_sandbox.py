"""Moving a sandbox's clock: what runs on the way, in which order, and what the caller is told."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

import tasks.sandbox
import tasks.ticks
from domain.identity.sandbox_clock import advance, run_scheduled_task, set_clock, settle
from domain.kernel.errors import Forbidden, NotAllowed, ValidationFailed
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import UnitOfWork
from tasks.runner import run
from tasks.schedule import SCHEDULE, Scheduled, last_tick, next_tick
from tests.tasks.conftest import Start, World
from tests.tasks.sample_jobs import mark

BEGIN = datetime(2024, 1, 15, 10, tzinfo=UTC)


@pytest.fixture
def sandbox(world: World) -> Tenant:
    return world.found(BEGIN)


class Table:
    """A table of schedules for the test, in the places that read it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def set(self, *schedule: Scheduled) -> None:
        for module in (tasks.sandbox, tasks.ticks):
            self.monkeypatch.setattr(module, "SCHEDULED", {each.name: each for each in schedule})
        self.monkeypatch.setattr(tasks.sandbox, "SCHEDULE", schedule)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    return Table(monkeypatch)


async def _never(work: UnitOfWork, after: datetime) -> datetime | None:
    return None


async def _daily(work: UnitOfWork, after: datetime) -> datetime | None:
    return after.replace(hour=0, minute=0) + timedelta(days=1)


def frozen_at(world: World, sandbox: Tenant) -> datetime:
    ((instant,),) = world.sql("SELECT frozen_at FROM organizations WHERE id = %s", sandbox.organization_id)
    assert isinstance(instant, datetime)
    return instant.astimezone(UTC)


async def advanced(world: World, sandbox: Tenant, to: datetime) -> tuple[int, tuple[str, ...]]:
    """Advances with this process as the only worker."""
    asked = asyncio.create_task(advance(sandbox.organization_id, to))
    await world.until(lambda: asked.done() or bool(world.sql("SELECT id FROM jobs WHERE actor = 'sandbox.advance'")))
    for (job_id,) in world.sql("SELECT id FROM jobs WHERE actor = 'sandbox.advance' AND status = 'pending'"):
        await run(job_id)
    answer = await asked
    return answer.pending, answer.failures


async def test_setting_the_clock_runs_nothing(world: World, sandbox: Tenant) -> None:
    await set_clock(sandbox.organization_id, BEGIN + timedelta(days=400))
    assert frozen_at(world, sandbox) == BEGIN + timedelta(days=400)
    await set_clock(sandbox.organization_id, BEGIN)
    assert frozen_at(world, sandbox) == BEGIN
    assert world.jobs(sandbox) == []


async def test_real_organizations_and_unknown_ones_are_refused(world: World) -> None:
    for organization_id in (world.tenant.organization_id, uuid4()):
        for refused in (
            set_clock(organization_id, BEGIN),
            settle(organization_id, 1),
            run_scheduled_task(organization_id, "bill_customers"),
            advance(organization_id, BEGIN),
        ):
            with pytest.raises(Forbidden) as caught:
                await refused
            assert caught.value.code == "not_a_sandbox"
    assert world.jobs() == []


async def test_an_unknown_task_is_a_validation_error(world: World, sandbox: Tenant) -> None:
    for name in ("bill", "", "x" * 10_000, "bill_customers\x00", "clock.run"):
        with pytest.raises(ValidationFailed) as caught:
            await run_scheduled_task(sandbox.organization_id, name)
        assert caught.value.details == {"name": ["value_is_invalid"]}
    assert world.jobs(sandbox) == []


async def test_advancing_back_or_beyond_reason_is_refused(world: World, sandbox: Tenant) -> None:
    for to in (BEGIN - timedelta(seconds=1), BEGIN + timedelta(days=20_000), datetime.max.replace(tzinfo=UTC)):
        with pytest.raises(ValidationFailed):
            await advance(sandbox.organization_id, to)
    assert world.jobs(sandbox) == []


async def test_two_advances_at_once_are_refused(world: World, sandbox: Tenant) -> None:
    first = asyncio.create_task(advance(sandbox.organization_id, BEGIN + timedelta(days=1), 2))
    await world.until(lambda: len(world.jobs(sandbox)) == 1)
    with pytest.raises(NotAllowed):
        await advance(sandbox.organization_id, BEGIN + timedelta(days=2))
    assert (await first).pending == 1


async def test_every_tick_on_the_way_runs_at_its_own_time_in_order(world: World, sandbox: Tenant, table: Table) -> None:
    async def a(work: UnitOfWork) -> None:
        await mark(work, "a")
        work.enqueue(JobRequest("test.mark", {"key": "after a"}))

    async def b(work: UnitOfWork) -> None:
        await mark(work, "b")

    table.set(Scheduled("a", "", "10 * * * *", a), Scheduled("b", "", "*/30 * * * *", b))
    assert await advanced(world, sandbox, BEGIN + timedelta(hours=1, minutes=10)) == (0, ())
    assert [(key, now.strftime("%H:%M")) for key, now in world.sql("SELECT key, now FROM effects ORDER BY id")] == [
        ("a", "10:10"), ("after a", "10:10"), ("b", "10:30"), ("b", "11:00"), ("a", "11:10"), ("after a", "11:10"),
    ]  # fmt: skip
    assert frozen_at(world, sandbox) == BEGIN + timedelta(hours=1, minutes=10)
    assert world.jobs(sandbox) == []


async def test_ticks_without_work_are_passed_over(world: World, sandbox: Tenant, table: Table) -> None:
    async def quiet(work: UnitOfWork) -> int:
        await mark(work, "quiet")
        return 0

    table.set(Scheduled("quiet", "", "10 * * * *", quiet, _never))
    await advanced(world, sandbox, BEGIN + timedelta(days=365))
    assert len(world.keys()) == 1, "once, because the clock may have been set over a due time"
    assert frozen_at(world, sandbox) == BEGIN + timedelta(days=365)


async def test_what_happens_at_a_stop_makes_every_job_look_again_at_its_next_tick(
    world: World, sandbox: Tenant, table: Table
) -> None:
    async def daily(work: UnitOfWork) -> int:
        return 1

    async def follower(work: UnitOfWork) -> int:
        await mark(work, "looked")
        return 0

    table.set(
        Scheduled("daily", "", "5 * * * *", daily, _daily), Scheduled("follower", "", "10 * * * *", follower, _never)
    )
    await advanced(world, sandbox, BEGIN + timedelta(days=2))
    looked = {now.strftime("%d %H:%M") for (now,) in world.sql("SELECT now FROM effects ORDER BY id")}
    assert {"15 10:10", "16 00:10", "17 00:10"} <= looked


async def test_a_failing_scheduled_job_is_reported_and_the_others_go_on(
    world: World, sandbox: Tenant, table: Table
) -> None:
    async def failing(work: UnitOfWork) -> None:
        await mark(work, "undone")
        await work.session.execute(sa.text("SELECT 1 / 0"))

    async def fine(work: UnitOfWork) -> None:
        await mark(work, "fine")

    table.set(Scheduled("failing", "", "10 * * * *", failing), Scheduled("fine", "", "20 * * * *", fine))
    pending, failures = await advanced(world, sandbox, BEGIN + timedelta(minutes=30))
    assert pending == 0
    assert len(failures) == 1
    assert "failing" in failures[0]
    assert "division by zero" in failures[0]
    assert world.keys() == ["fine"]


async def test_a_failing_background_job_is_reported(world: World, sandbox: Tenant, table: Table) -> None:
    async def asking(work: UnitOfWork) -> None:
        work.enqueue(JobRequest("test.patient", {"key": "oh"}))

    table.set(Scheduled("asking", "", "10 * * * *", asking))
    _, failures = await advanced(world, sandbox, BEGIN + timedelta(minutes=10))
    assert failures == ("test.patient: RuntimeError: oh",)


async def test_an_advance_that_is_cut_off_goes_on_where_it_was(world: World, sandbox: Tenant, table: Table) -> None:
    async def slow(work: UnitOfWork) -> None:
        await mark(work, "tick")
        await asyncio.sleep(0.1)

    table.set(Scheduled("slow", "", "*/10 * * * *", slow))
    asked = asyncio.create_task(advance(sandbox.organization_id, BEGIN + timedelta(hours=2)))
    await world.until(lambda: len(world.jobs(sandbox)) == 1)
    ((job_id,),) = world.sql("SELECT id FROM jobs")
    first = asyncio.create_task(run(job_id))
    await world.until(lambda: len(world.keys()) >= 3)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    world.sql("UPDATE jobs SET due_at = clock_timestamp()")  # the lease runs out
    await run(job_id)
    assert (await asked).pending == 0
    times = [now.strftime("%H:%M") for (now,) in world.sql("SELECT now FROM effects ORDER BY id")]
    assert times == [f"{10 + n // 6}:{n % 6}0" for n in range(1, 13)]


async def test_what_waits_for_somebody_outside_does_not_hold_up_an_advance(
    world: World, sandbox: Tenant, table: Table
) -> None:
    async def calling(work: UnitOfWork) -> None:
        work.enqueue(JobRequest("test.external", {"key": "call", "again": 9}))

    table.set(Scheduled("calling", "", "0 12 * * *", calling))
    pending, failures = await advanced(world, sandbox, BEGIN + timedelta(hours=3))
    assert (pending, failures) == (0, ())
    assert [waits for *_, waits in world.jobs(sandbox)] == [True]
    assert await settle(sandbox.organization_id, 0) == 0


async def test_settling_counts_what_is_left_when_the_time_is_over(world: World, sandbox: Tenant) -> None:
    await world.ask(*(JobRequest("test.mark", {"key": str(n)}) for n in range(3)), tenant=sandbox)
    began = time.monotonic()
    assert await settle(sandbox.organization_id, 0.2) == 3
    assert 0.2 <= time.monotonic() - began < 1
    waiting = asyncio.create_task(settle(sandbox.organization_id, 5))
    for (job_id,) in world.sql("SELECT id FROM jobs"):
        await run(job_id)
    assert await waiting == 0


@pytest.mark.slow
async def test_a_task_runs_to_the_end_with_one_worker_that_does_one_job_at_a_time(
    world: World, sandbox: Tenant, start: Start
) -> None:
    start("worker", "", "1")
    for name in ("bill_customers", "terminate_coupons", *(each.name for each in SCHEDULE)):
        answer = await run_scheduled_task(sandbox.organization_id, name, 10)
        assert (answer.pending, answer.failures) == (0, ())
    began = time.monotonic()
    answer = await advance(sandbox.organization_id, BEGIN + timedelta(days=366), 60)
    assert (answer.pending, answer.failures) == (0, ())
    assert frozen_at(world, sandbox) == BEGIN + timedelta(days=366)
    assert time.monotonic() - began < 20
    assert world.jobs(sandbox) == []


@pytest.mark.parametrize(
    ("cadence", "at", "before", "after"),
    [
        ("10 * * * *", "2024-02-29T23:10:00", "2024-02-29T23:10:00", "2024-03-01T00:10:00"),
        ("10 * * * *", "2024-02-29T23:09:59", "2024-02-29T22:10:00", "2024-02-29T23:10:00"),
        ("*/5 * * * *", "2024-12-31T23:57:30", "2024-12-31T23:55:00", "2025-01-01T00:00:00"),
        ("0 1 * * *", "2024-02-28T05:30:00", "2024-02-28T01:00:00", "2024-02-29T01:00:00"),
        ("0 1 * * *", "2024-02-28T00:30:00", "2024-02-27T01:00:00", "2024-02-28T01:00:00"),
        (10, "2024-01-01T00:00:09", "2024-01-01T00:00:00", "2024-01-01T00:00:10"),
        (60, "2024-01-01T00:01:00", "2024-01-01T00:01:00", "2024-01-01T00:02:00"),
    ],
)
def test_ticks_before_and_after_an_instant(cadence: str | int, at: str, before: str, after: str) -> None:
    async def nothing(work: UnitOfWork) -> None:
        return

    scheduled = Scheduled("x", "", cadence, nothing)
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert last_tick(scheduled, instant) == datetime.fromisoformat(before).replace(tzinfo=UTC)
    assert next_tick(scheduled, instant) == datetime.fromisoformat(after).replace(tzinfo=UTC)
