"""What running a job promises: once, completely, or not at all; and what happens when it fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import tenant_work
from tasks.runner import run
from tests.tasks.conftest import World


async def test_a_job_takes_effect_once_however_often_its_message_comes(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.mark", {"key": "once"}))
    ran = await asyncio.gather(*(run(job_id) for _ in range(20)))
    assert sum(ran) == 1
    assert world.keys() == ["once"]
    assert world.jobs() == []


async def test_a_message_without_a_row_is_dropped(world: World) -> None:
    assert await run(uuid4()) is False


async def test_a_rolled_back_command_leaves_no_job(world: World) -> None:
    async def command() -> None:
        async with tenant_work(world.tenant) as work:
            work.enqueue(JobRequest("test.mark", {"key": "never"}))
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await command()
    assert world.jobs() == []


async def test_an_unknown_job_is_refused_when_it_is_asked_for(world: World) -> None:
    with pytest.raises(KeyError):
        await world.ask(JobRequest("test.nobody_declared_this"))
    assert world.jobs() == []


async def test_a_row_of_an_undeclared_job_fails_with_a_sentence(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.mark", {"key": "renamed"}))
    world.sql("UPDATE jobs SET actor = 'test.gone'")
    assert await run(job_id)
    ((status, attempts, error, _),) = world.jobs()
    assert (status, attempts) == ("failed", 1)
    assert "test.gone" in error


async def test_children_and_the_end_of_the_row_are_one_transaction(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.children", {"key": "parent", "count": 3}))
    await run(job_id)
    assert world.keys() == ["parent"]
    assert [status for status, *_ in world.jobs()] == ["pending"] * 3


async def test_a_job_is_bound_to_its_organization_and_its_clock(world: World) -> None:
    frozen_at = datetime(2024, 2, 29, 12, tzinfo=UTC)
    sandbox = world.found(frozen_at)
    (job_id,) = await world.ask(JobRequest("test.mark", {"key": "then"}), tenant=sandbox)
    await run(job_id)
    assert world.sql("SELECT organization_id, now FROM effects") == [(sandbox.organization_id, frozen_at)]


async def test_children_of_a_sandbox_do_not_wait(world: World) -> None:
    sandbox = world.found(datetime(2024, 2, 29, 12, tzinfo=UTC))
    await world.ask(JobRequest("test.mark", {"key": "late"}, delay=timedelta(hours=1)), tenant=sandbox)
    ((waits,),) = world.sql("SELECT due_at - created_at FROM jobs")
    assert waits == timedelta(0)


async def test_a_unique_key_keeps_a_second_request_away_until_the_work_is_done(world: World) -> None:
    request = JobRequest("test.mark", {"key": "unique"}, unique_key="k")
    ids = await world.ask(request, request)
    assert len(ids) == 1
    assert len(await world.ask(request)) == 1
    other = world.found()
    assert len(await world.ask(request, tenant=other)) == 1
    await run(ids[0])
    assert len(await world.ask(request)) == 1
    assert world.keys() == ["unique"]


async def test_a_key_that_is_unique_until_the_start_lets_the_next_one_in_while_the_first_runs(world: World) -> None:
    request = JobRequest("test.unique_start", {"key": "again", "seconds": 0.5}, unique_key="k")
    (first,) = await world.ask(request, request)
    running = asyncio.create_task(run(first))
    await asyncio.sleep(0.25)
    assert len(await world.ask(request, request)) == 2
    assert await running
    ((left,),) = world.sql("SELECT id FROM jobs")
    await run(left)
    assert world.keys() == ["again", "again"]
    assert world.jobs() == []


async def test_asking_for_a_unique_job_does_not_wait_for_the_running_one(world: World) -> None:
    await world.ask(JobRequest("test.slow", {"key": "busy", "seconds": 1}, unique_key="k"))
    ((job_id,),) = world.sql("SELECT id FROM jobs")
    running = asyncio.create_task(run(job_id))
    await asyncio.sleep(0.2)
    async with asyncio.timeout(0.5):
        await world.ask(JobRequest("test.slow", {"key": "busy", "seconds": 1}, unique_key="k"))
    await running
    assert world.jobs() == []


async def test_a_refusal_is_never_retried_and_stays_with_its_reason(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.refused", {"key": "no"}, unique_key="k"))
    await run(job_id)
    assert world.keys() == []
    ((status, attempts, error, _),) = world.jobs()
    assert (status, attempts) == ("failed", 1)
    assert "feature_unavailable" in error
    assert await run(job_id) is False
    assert len(await world.ask(JobRequest("test.refused", {"key": "no"}, unique_key="k"))) == 2


async def test_an_error_is_retried_as_often_as_its_rule_says(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.broken", {"key": "three times"}))
    for attempt in (1, 2):
        await run(job_id)
        ((status, attempts, error, _),) = world.jobs()
        assert (status, attempts, error) == ("pending", attempt, "LookupError: three times")
        assert await run(job_id) is False, "not due yet"
        await asyncio.sleep(0.6)
    await run(job_id)
    ((status, attempts, _, _),) = world.jobs()
    assert (status, attempts) == ("failed", 3)
    assert world.keys() == []


async def test_an_error_that_no_database_can_store_is_stored_all_the_same(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.hostile"))
    await run(job_id)
    ((status, _, error, _),) = world.jobs()
    assert status == "failed"
    assert error == "ValueError: a?b?"


async def test_the_default_rule_waits_three_seconds_then_eighteen(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.patient", {"key": "slow"}))
    for least, most in ((3, 3.2), (18, 20.5)):
        await run(job_id)
        ((wait,),) = world.sql("SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM jobs")
        assert least - 0.5 < wait < most
        world.sql("UPDATE jobs SET due_at = clock_timestamp()")


async def test_in_a_sandbox_retries_do_not_wait_but_come_to_an_end(world: World) -> None:
    sandbox = world.found(datetime(2024, 1, 1, tzinfo=UTC))
    (job_id,) = await world.ask(JobRequest("test.patient", {"key": "now"}), tenant=sandbox)
    async with asyncio.timeout(5):
        await run(job_id)
    ((status, attempts, _, _),) = world.jobs(sandbox)
    assert (status, attempts) == ("failed", 5)


async def test_a_job_over_its_time_limit_is_cut_off_and_rolled_back(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.limited", {"key": "too long"}))
    async with asyncio.timeout(2):
        await run(job_id)
    ((status, _, error, _),) = world.jobs()
    assert status == "failed"
    assert "TimeoutError" in error
    assert world.keys() == []


async def test_a_lost_connection_is_retried_without_counting(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.disconnected", {"key": "cut"}))
    for _ in range(8):  # more often than any rule allows
        await run(job_id)
        ((status, attempts, error, _),) = world.jobs()
        assert (status, attempts) == ("pending", 0), error
        ((wait,),) = world.sql("SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM jobs")
        assert 0.5 < wait < 2
        world.sql("UPDATE jobs SET due_at = clock_timestamp()")
    assert world.keys() == []


async def test_an_external_job_holds_no_transaction_while_it_calls(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.external", {"key": "out", "seconds": 0.6}))
    running = asyncio.create_task(run(job_id))
    await asyncio.sleep(0.3)
    assert world.keys() == ["out-called"]
    idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%%'"
    assert world.sql(idle) == [(0,)]
    assert await run(job_id) is False, "leased"
    assert await running
    assert world.keys() == ["out-called", "out-settled"]
    assert world.jobs() == []


async def test_an_external_job_that_waits_for_its_receiver_keeps_its_row(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.external", {"key": "again", "again": 1}))
    await run(job_id)
    assert world.jobs() == [("pending", 1, "no answer", True)]
    assert await run(job_id) is False, "not due yet"
    await asyncio.sleep(1.05)
    await run(job_id)
    assert world.keys("%settled") == ["again-settled"] * 2
    assert world.jobs() == []


async def test_a_lost_lease_writes_nothing(world: World) -> None:
    (job_id,) = await world.ask(JobRequest("test.external", {"key": "stolen", "seconds": 0.4}))
    running = asyncio.create_task(run(job_id))
    await asyncio.sleep(0.2)
    world.sql("UPDATE jobs SET due_at = due_at + interval '1 second'")
    assert await running is False
    assert world.keys("%settled") == []
    assert [status for status, *_ in world.jobs()] == ["pending"]
