"""Filling in the numbers of a metric that was made or changed after its events came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from domain.catalog.models import BillableMetric
from domain.kernel.jobs import Job
from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from domain.metering import fill_values as module
from domain.metering.fill_values import fill_values
from domain.metering.ingest_sql import ASSUME_INGEST
from infrastructure.database import bare_url
from tests.metering_world import World, event

PATIENCE = 30.0
MANY = 50


async def run_all(world: World, metric_id: UUID, most: int = MANY) -> int:
    """Runs the job and whatever it asks for next; how many runs it took.

    A run that only waits is not counted: the transactions of tests that run beside this one are waited for as well.
    """
    pending: list[Mapping[str, Any]] = [{"metric_id": str(metric_id)}]
    runs, deadline = 0, time.monotonic() + PATIENCE
    while pending and runs < most and time.monotonic() < deadline:
        arguments = pending.pop(0)
        async with tenant_work(world.tenant) as work:
            await fill_values(work, **arguments)
        runs += 1
        async with tenant_work(world.tenant) as work:
            jobs = table(Job)
            taken = sa.delete(jobs).where(jobs.c.actor == module.FILL_VALUES).returning(jobs.c.arguments)
            following = (await work.session.execute(taken)).scalars().all()
        if most == MANY and any("waits" in each for each in following):
            runs -= 1
            await asyncio.sleep(0.1)
            following = [{name: value for name, value in each.items() if name != "waits"} for each in following]
        pending += following
    return runs


def ready(world: World, metric: BillableMetric) -> bool:
    ((found,),) = world.rows("SELECT values_ready FROM billable_metrics WHERE id = %s", metric.id)
    return bool(found)


def values(world: World) -> list[Any]:
    rows = world.rows(
        "SELECT value FROM events WHERE organization_id = %s ORDER BY sequence", world.tenant.organization_id
    )
    return [row[0] for row in rows]


async def test_events_of_a_later_metric_get_their_numbers_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FILL", sa.text(module._FILL.text.replace("LIMIT 20000", "LIMIT 7")))
    monkeypatch.setattr(module, "PAGE", 7)
    sent = [event(code="gb" if n % 3 else "other", properties={"value": f"{n}.50"}) for n in range(30)]
    await world.post("/events/batch", {"events": [*sent, event(code="gb", properties={"value": "none"})]})
    metric = await world.metric("gb", "max_agg")
    assert await run_all(world, metric.id) == 5
    assert values(world) == [n + 0.5 if n % 3 else None for n in range(30)] + [None]
    assert ready(world, metric)
    assert await run_all(world, metric.id) == 5


async def test_a_changed_field_replaces_the_old_numbers(world: World) -> None:
    metric = await world.metric("gb", "sum_agg", field_name="a")
    await world.post("/events", {"event": event(code="gb", properties={"a": 1, "b": 2})})
    await world.post("/events", {"event": event(code="gb", properties={"a": 1})})
    assert values(world) == [1, 1]
    with world.owner() as owner:
        owner.execute("UPDATE billable_metrics SET field_name = 'b' WHERE id = %s", [metric.id])
    await run_all(world, metric.id)
    assert values(world) == [2, None]
    assert ready(world, metric)


async def test_an_insert_that_saw_the_old_metric_is_waited_for(world: World) -> None:
    with psycopg.connect(bare_url()) as inserting:
        inserting.execute(ASSUME_INGEST)
        metric = await world.metric("gb", "sum_agg")
        await run_all(world, metric.id, most=3)
        assert not ready(world, metric)
        inserting.rollback()
    await run_all(world, metric.id)
    assert ready(world, metric)


async def test_a_metric_deleted_or_changed_meanwhile_is_left_alone(world: World) -> None:
    metric = await world.metric("gb", "sum_agg")
    async with tenant_work(world.tenant) as work:
        await fill_values(work, metric.id, reads=["sum_agg", "another"])
    assert not ready(world, metric)
    with world.owner() as owner:
        owner.execute("UPDATE billable_metrics SET deleted_at = created_at WHERE id = %s", [metric.id])
    assert await run_all(world, metric.id) == 1
    assert not ready(world, metric)


async def test_a_metric_that_reads_no_number_is_ready_at_once(world: World) -> None:
    metric = await world.metric("users", "unique_count_agg")
    assert await run_all(world, metric.id) == 1
    assert ready(world, metric)
