"""Events paid in advance are billed in their order, whatever the order of the jobs and the number of workers."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest

import domain.metering.post_process
from domain.billing.pay_in_advance import bill_events
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import tenant_work
from domain.metering.post_process import POST_PROCESS
from tasks.runner import run
from tests.domain.billing.world import World as Books
from tests.domain.billing.world import instant
from tests.tasks.conftest import World

TIERS = [
    {"from_value": 0, "to_value": 20, "per_unit_amount": "3", "flat_amount": "1"},
    {"from_value": 21, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "7"},
]


def books(values: list[list[str]], *, subscriptions: int = 2) -> tuple[Books, list[list[UUID]]]:
    """Subscriptions with a graduated charge paid in advance, and their events in order."""
    made = Books(instant("2024-06-10T08:00:00Z")).__enter__()
    plan = made.plan(0)
    made.charge(plan, made.metric("calls"), "graduated", {"graduated_ranges": TIERS}, pay_in_advance=True,
                invoiceable=False)  # fmt: skip
    stored: list[list[UUID]] = []
    for number in range(subscriptions):
        made.subscription(made.customer(), plan, "2024-06-01T00:00:00Z", external_id=f"s{number}")
    for number in range(subscriptions):
        for place, value in enumerate(values[number]):
            at = instant("2024-06-02T00:00:00Z") + timedelta(minutes=place // 2)  # two at a time: arrival decides
            made.event(f"s{number}", "calls", at.isoformat(), value)
        rows = made.rows("events", "id", external_subscription_id=f"s{number}", order="sequence")
        stored.append([UUID(str(row.id)) for row in rows])
    return made, stored


def amounts(made: Books) -> list[list[tuple[str, int]]]:
    """Units and cents of the fees of each subscription, in the order of their events."""
    query = """
        SELECT e.external_subscription_id, trim_scale(f.units)::text, f.amount_cents
        FROM fees f JOIN events e ON e.id = f.pay_in_advance_event_id
        WHERE f.organization_id = %s ORDER BY e.external_subscription_id, e.timestamp, e.created_at, e.sequence
    """
    found: dict[str, list[tuple[str, int]]] = {}
    for subscription, units, cents in made.execute(query, made.organization_id):
        found.setdefault(subscription, []).append((units, cents))
    return list(found.values())


async def test_jobs_of_many_flushes_run_at_once_and_shuffled_bill_in_the_order_of_events(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain.metering.post_process, "EVENTS_PER_JOB", 2)
    chance = random.Random(20240610)
    values = [[str(chance.choice([5, 3, -4, 8, "2.5", -1])) for _ in range(24)] for _ in range(2)]
    in_order, stored = books(values)
    for ids in stored:
        for event_id in ids:
            async with tenant_work(in_order.tenant) as work:
                await bill_events(work, [event_id])
    expected = amounts(in_order)
    assert [len(each) for each in expected] == [24, 24]

    made, stored = books(values)
    flushes = [ids[start : start + 3] for ids in stored for start in range(0, 24, 3)]
    async with tenant_work(made.tenant) as work:
        for number, ids in enumerate(flushes):
            asked = {"subscriptions": [f"s{number // 8}"], "codes": ["calls"], "ids": [str(min(ids)), str(max(ids))]}
            work.enqueue(JobRequest(POST_PROCESS, asked))
    for _ in range(20):
        jobs = [row[0] for row in world.sql("SELECT id FROM jobs WHERE status = 'pending'")]
        if not jobs:
            break
        chance.shuffle(jobs)
        await asyncio.gather(*map(run, jobs[:6]))
    assert world.sql("SELECT * FROM jobs") == []
    assert amounts(made) == expected


async def test_jobs_that_were_asked_for_late_first_bill_what_waits_for_their_subscription(world: World) -> None:
    values = [["10", "-4", "3", "5", "2", "30"]]
    made, (ids,) = books(values, subscriptions=1)
    async with tenant_work(made.tenant) as work:
        for event_id in ids:
            asked = {"event_ids": [str(event_id)], "subscriptions": ["s0"]}
            work.enqueue(JobRequest("billing.pay_in_advance", asked))
    jobs = [row[0] for row in world.sql("SELECT id FROM jobs ORDER BY id DESC")]
    await run(jobs[0])
    assert [units for units, _ in amounts(made)[0]] == ["10", "0", "3", "4", "2", "30"]
    for job in jobs[1:]:
        await run(job)
    assert len(amounts(made)[0]) == 6


async def test_an_event_that_cannot_be_billed_does_not_keep_the_others_from_it(world: World) -> None:
    made, (ids,) = books([["1", "2", "3"]], subscriptions=1)
    # The first event's fee breaks a rule of the database.
    made.execute(f"ALTER TABLE fees ADD CONSTRAINT broken CHECK (pay_in_advance_event_id <> '{ids[0]}') NOT VALID")
    try:
        async with tenant_work(made.tenant) as work:
            for event_id in ids:
                asked = {"event_ids": [str(event_id)], "subscriptions": ["s0"]}
                work.enqueue(JobRequest("billing.pay_in_advance", asked))
        for _ in range(12):
            jobs = [row[0] for row in world.sql("SELECT id FROM jobs WHERE status = 'pending' ORDER BY id DESC")]
            for job in jobs:
                await run(job)
        assert [units for units, _ in amounts(made)[0]] == ["2", "3"]
        assert {status for status, *_ in world.jobs(made.tenant)} == {"failed"}
    finally:
        made.execute("ALTER TABLE fees DROP CONSTRAINT broken")
