"""Usage folded ahead of being asked for is what all events say: late ones, concurrent ones, changed questions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from msgspec import Raw
from sqlalchemy.ext.asyncio import AsyncSession

import domain.metering.fold
import domain.metering.ingest
import domain.metering.measured_charges
import domain.metering.rollups
from domain.kernel.tenancy import TENANT_ROLE, assume
from domain.kernel.unit_of_work import UnitOfWork, tenant_work
from domain.metering.current_usage import usage_questions
from domain.metering.event_columns import columns
from domain.metering.fold import fold_questions, fold_usage
from domain.metering.incoming import EventRow
from domain.metering.ingest_sql import ASSUME_INGEST, INSERT_EVENTS
from domain.metering.postgres_store import PostgresStore
from domain.metering.rolled_store import _ITEMS, RolledStore
from domain.metering.rollups import FOLD, can_be_rolled
from domain.metering.usage import AGGREGATIONS, UsageQuestion
from infrastructure import exact_json
from infrastructure.database import bare_url, engine
from tests.domain.metering.reference import ReferenceStore
from tests.domain.metering.test_event_store import FROM, comparable, question, store_all, store_more
from tests.domain.metering.test_event_store_buckets import random_event, random_question
from tests.metering_world import START, Makers, World, event, statements


@pytest.fixture(autouse=True)
def everything_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain.metering.fold, "LEAST_EVENTS", 0)


def newest(world: World) -> int:
    ((sequence,),) = world.rows(
        "SELECT coalesce(max(sequence), 0) FROM events WHERE organization_id = %s", world.tenant.organization_id
    )
    return int(sequence)


def rollups(world: World) -> int:
    ((count,),) = world.rows(
        "SELECT count(*) FROM usage_rollups WHERE organization_id = %s", world.tenant.organization_id
    )
    return int(count)


async def fold(world: World, questions: Sequence[UsageQuestion], upto: int | None = None) -> None:
    async with tenant_work(world.tenant) as work:
        await fold_questions(work, "sub", questions, newest(world) if upto is None else upto)


async def test_random_questions_folded_along_the_way_are_answered_as_the_reference_does(world: World) -> None:
    chance = random.Random(20240303)
    folded = 0
    for _ in range(12):
        events = [random_event(chance, place) for place in range(chance.randrange(20, 150))]
        questions = [random_question(chance, each) for each in sorted(AGGREGATIONS) for _ in range(5)]
        cuts = sorted(chance.sample(range(len(events)), 3))
        await store_all(world, events[: cuts[0]])
        await fold(world, questions, newest(world) - chance.choice([0, 0, 3]))
        await store_more(world, events[cuts[0] : cuts[1]])
        await fold(world, questions, newest(world) - chance.choice([0, 7]))
        await store_more(world, events[cuts[1] : cuts[2]])
        await fold(world, [each for each in questions if chance.random() < 0.9])
        await store_more(world, events[cuts[2] :])
        folded += rollups(world)
        async with tenant_work(world.tenant) as work:
            found = comparable(await RolledStore(work).aggregate(questions))
        expected = comparable(await ReferenceStore(events).aggregate(questions))
        for asked, one, other in zip(questions, found, expected, strict=True):
            assert one == other, asked
    assert folded > 100


async def test_a_rollup_is_read_and_what_came_since_is_added_in_a_fixed_number_of_statements(world: World) -> None:
    await store_all(world, [random_event(random.Random(1), place) for place in range(200)])
    questions = [question(each, group_by=("region",)) for each in sorted(AGGREGATIONS)]
    await fold(world, questions)
    for many in (1, 20):
        asked = [
            question(each.aggregation_type, group_by=("region",), weighting=each.weighting)
            for each in questions
            for _ in range(many)
        ]
        async with tenant_work(world.tenant) as work:
            with statements() as seen:
                await RolledStore(work).aggregate(asked)
        # The keys, the states, and for each type of aggregation what came since.
        assert len(seen) == 2 + len(AGGREGATIONS)


async def test_the_items_of_a_unique_count_are_looked_up_in_their_index_under_the_tenants_role(world: World) -> None:
    async with tenant_work(world.tenant) as work:
        await work.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        found = await work.session.execute(
            sa.text(f"EXPLAIN {_ITEMS.text}"),
            {"organization_id": str(work.organization_id), "questions": "[]"},
        )
        lines = [row[0] for row in found]
    place = next(n for n, line in enumerate(lines) if "pk_usage_rollup_items" in line)
    assert "rollup_id" in lines[place + 1], "\n".join(lines)
    assert "item" in lines[place + 1], "\n".join(lines)


async def test_another_question_is_not_answered_by_the_rollup_and_the_old_one_is_thrown_away(world: World) -> None:
    await store_all(world, [random_event(random.Random(2), place) for place in range(100)])
    await fold(world, [question("sum_agg"), question("unique_count_agg")])
    assert rollups(world) == 2
    late = question("sum_agg", from_=FROM + timedelta(days=3))
    async with tenant_work(world.tenant) as work:
        assert await RolledStore(work).aggregate([late]) == await PostgresStore(work).aggregate([late])
    far = question("sum_agg", to=FROM + timedelta(days=36500))
    await fold(world, [far])
    await fold(world, [question("count_agg")])
    # That of a window that is over for long and that of a window to come; what is asked now stays.
    assert rollups(world) == 1
    assert world.rows("SELECT count(*) FROM usage_rollup_items WHERE organization_id = %s",
                      world.tenant.organization_id) == [(0,)]  # fmt: skip


async def test_an_answer_of_too_many_groups_is_measured_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain.metering.rollups, "MOST_GROUPS", 1)
    asked = [question(each, group_by=("region",)) for each in ("sum_agg", "unique_count_agg")]
    events = [random_event(random.Random(3), place) for place in range(100)]
    await store_all(world, events[:50])
    await fold(world, asked)
    await store_more(world, events[50:])
    await fold(world, asked)
    async with tenant_work(world.tenant) as work:
        found = comparable(await RolledStore(work).aggregate(asked))
    assert found == comparable(await ReferenceStore(events).aggregate(asked))


def insert(connection: psycopg.Connection[Any], world: World, value: int) -> int:
    """One event as a flush of ingestion stores it, not committed; its sequence."""
    connection.execute(ASSUME_INGEST)
    moment = START.isoformat()
    row = EventRow(
        str(uuid4()), str(world.tenant.organization_id), "sub", uuid4().hex, "calls",
        Raw(exact_json.dump({"value": value})), None, Raw(b"{}"), moment, moment,
    )  # fmt: skip
    connection.execute(INSERT_EVENTS, columns([[row]]))
    connection.execute("RESET ROLE")
    drawn = connection.execute("SELECT currval(pg_get_serial_sequence('events', 'sequence'))").fetchone()
    assert drawn is not None
    return int(drawn[0])


async def step(world: World, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs these steps of a fold; those that follow."""
    following: list[dict[str, Any]] = []
    for arguments in jobs:
        async with tenant_work(world.tenant) as work:
            await fold_usage(work, **arguments)
            following += [dict(each.arguments) for each in work._requests if each.actor == FOLD]
    return following


async def test_a_fold_waits_for_a_transaction_that_may_still_store_an_event_below_it(world: World) -> None:
    metric = await world.metric("calls", "sum_agg", values_ready=True)
    await world.subscription(await world.plan((metric, "standard", {"amount": "1"})), started_at=START)
    asked = question("sum_agg")
    with psycopg.connect(bare_url()) as slow, psycopg.connect(bare_url()) as quick:
        early = insert(slow, world, 100)
        late = insert(quick, world, 1)
        assert early < late
        quick.commit()
        following = await step(world, [{"subscription": "sub"}])
        assert [each["upto"] for each in following] == [late]
        following = await step(world, following)
        following = await step(world, following)
        assert rollups(world) == 0, "folded below an event that is still to come"
        slow.commit()
        # Tests that run beside this one have transactions of their own, which are waited for as well.
        for _ in range(300):
            following = [{**each, "waits": 0} for each in await step(world, following)]
            if not following:
                break
            await asyncio.sleep(0.1)
    assert rollups(world) == 1
    async with tenant_work(world.tenant) as work:
        ((answer,),) = await RolledStore(work).aggregate([asked])
    assert answer.units == 101


async def test_folding_while_many_write_and_read_never_changes_an_answer(
    world: World, makers: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one snapshot the rolled answer is the measured one, at any moment."""
    metric = await world.metric("calls", "sum_agg", values_ready=True)
    people = await world.metric("people", "unique_count_agg", field_name="user")
    plan = await world.plan(
        (metric, "standard", {"amount": "1", "pricing_group_keys": ["region"]}),
        (metric, "standard", {"amount": "2"}),
        (people, "standard", {"amount": "3"}),
    )
    await world.subscription(plan, started_at=START)
    chance = random.Random(7)
    writing = True
    compared = folds = 0

    def some() -> dict[str, Any]:
        return event(
            code=chance.choice(["calls", "people"]),
            timestamp=chance.choice([None, None, int(START.timestamp()) + chance.randrange(-100_000, 3_000_000)]),
            properties={
                "value": chance.randrange(-3, 9), "user": chance.randrange(40), "region": chance.choice("ab"),
                "operation_type": chance.choice(["add", "add", "remove"]),
            },
        )  # fmt: skip

    async def write() -> None:
        for _ in range(25):
            batch = [some() for _ in range(chance.randrange(1, 30))]
            if chance.random() < 0.2:
                batch[-1] = batch[0]  # refused as a whole
            await world.post("/events/batch", {"events": batch})

    async def folding() -> None:
        nonlocal folds
        jobs: list[dict[str, Any]] = []
        while writing:
            jobs = await step(world, jobs or [{"subscription": "sub"}])
            folds += 1
            await asyncio.sleep(0.005)

    async def compare() -> None:
        nonlocal compared
        one_snapshot = engine().execution_options(isolation_level="REPEATABLE READ")
        async with AsyncSession(one_snapshot) as session, session.begin():
            await assume(session, TENANT_ROLE, world.tenant.organization_id)
            work = UnitOfWork(session, world.tenant)
            asked = await usage_questions(work, "sub")
            rolled = comparable(await RolledStore(work).aggregate(asked))
            measured = comparable(await PostgresStore(work).aggregate(asked))
        assert rolled == measured
        compared += 1

    async def reading() -> None:
        while writing:
            await compare()
            await asyncio.sleep(0.01)

    others = [asyncio.create_task(folding()), asyncio.create_task(reading()), asyncio.create_task(folding())]
    await asyncio.gather(*(write() for _ in range(4)))
    writing = False
    await asyncio.gather(*others)
    await compare()
    assert rollups(world) >= 3
    assert compared > 5
    assert folds > 5


async def test_every_so_often_an_event_asks_for_a_fold_and_so_does_a_costly_measurement(
    world: World, makers: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domain.metering.post_process import post_process

    monkeypatch.setattr(domain.metering.ingest, "DRAWN", "")
    monkeypatch.setattr(domain.metering.measured_charges, "MANY_EVENTS", 2)
    metric = await world.metric("calls", "sum_agg", values_ready=True)
    await world.subscription(await world.plan((metric, "standard", {"amount": "1"})), started_at=START)
    await world.post("/events/batch", {"events": [event(properties={"value": 2}) for _ in range(3)]})
    ((arguments,),) = world.rows("SELECT arguments FROM jobs WHERE organization_id = %s", world.tenant.organization_id)
    assert len(arguments["drawn"]) == 1
    async with tenant_work(world.tenant) as work:
        await post_process(work, **arguments)
    (asked,) = [row for row in makers.sent.rows if row["actor"] == FOLD]
    assert asked["arguments"] == {"subscription": "sub", "upto": newest(world)}
    assert asked["unique_key"] == "sub"

    makers.sent.rows.clear()
    used = await world.get("/customers/cust/current_usage", external_subscription_id="sub")
    assert used.json()["customer_usage"]["charges_usage"][0]["units"] == "6.0"
    (again,) = [row for row in makers.sent.rows if row["actor"] == FOLD]
    assert again["arguments"] == {"subscription": "sub"}


def test_questions_about_single_events_are_not_rolled() -> None:
    assert can_be_rolled(question("sum_agg"))
    assert not can_be_rolled(question("sum_agg", with_values=True))
