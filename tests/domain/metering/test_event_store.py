"""The contract of a store of events, and PostgreSQL against a naive reference on random events."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from domain.metering.event_store import RawUsage
from domain.metering.models import Event, UsageRollup, UsageRollupItem
from domain.metering.postgres_sql import number_of, plain_statement
from domain.metering.postgres_store import PostgresStore
from domain.metering.usage import AGGREGATIONS, UsageQuestion, Weighting, measure
from infrastructure import exact_json
from tests.domain.metering.reference import ReferenceStore, Used
from tests.metering_world import World, statements

FROM = datetime(2024, 3, 1, tzinfo=UTC)
TO = datetime(2024, 3, 31, 23, 59, 59, 999999, tzinfo=UTC)

Ask = Callable[..., Any]
Answers = list[list[RawUsage]]


def question(aggregation_type: str = "sum_agg", **fields: Any) -> UsageQuestion:
    fields = fields_with_defaults(fields)
    if aggregation_type == "weighted_sum_agg":
        fields.setdefault("weighting", Weighting(31))
    return UsageQuestion(aggregation_type=aggregation_type, **fields)


def fields_with_defaults(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": uuid4(), "external_subscription_id": "sub", "code": "calls", "field_name": "value",
        "from_": FROM, "to": TO,
    } | fields  # fmt: skip


def used(at: str | datetime, value: Any = None, *, place: int = 0, **fields: Any) -> Used:
    timestamp = datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at
    properties = fields.pop("properties", {} if value is None else {"value": value})
    created_at = fields.pop("created_at", FROM + timedelta(days=60))
    return Used(
        fields.pop("subscription", "sub"), fields.pop("code", "calls"), timestamp,
        properties | fields, created_at, place,
    )  # fmt: skip


async def store_all(world: World, events: Sequence[Used]) -> None:
    """As ingestion stores them under a metric that reads `value`; those of before are gone, and their rollups."""
    async with tenant_work(world.tenant) as work:
        for model in (Event, UsageRollup, UsageRollupItem):
            await work.session.execute(sa.delete(table(model)))
    await store_more(world, events)


async def store_more(world: World, events: Sequence[Used]) -> None:
    async with tenant_work(world.tenant) as work:
        if not events:
            return
        rows = [
            {
                "id": uuid4(), "subscription": event.subscription, "transaction_id": uuid4().hex, "code": event.code,
                "properties": event.properties, "created_at": event.created_at, "timestamp": event.timestamp,
            }
            for event in sorted(events, key=lambda event: event.place)
        ]  # fmt: skip
        await work.session.execute(
            sa.text(
                f"""
                INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties,
                                    value, event_metadata, created_at, timestamp)
                SELECT e.id, CAST(:organization_id AS uuid), e.subscription, e.transaction_id, e.code, e.properties,
                       {number_of("(e.properties ->> 'value')")}, '{{}}', e.created_at, e.timestamp
                FROM ROWS FROM (jsonb_to_recordset(CAST(:rows AS jsonb)) AS (id uuid, subscription text,
                    transaction_id text, code text, properties jsonb, created_at timestamptz, timestamp timestamptz))
                    WITH ORDINALITY AS e(id, subscription, transaction_id, code, properties, created_at, timestamp, n)
                ORDER BY n
                """
            ),
            {"rows": exact_json.dump_text(rows), "organization_id": str(work.organization_id)},
        )


async def in_postgres(world: World, events: Sequence[Used], questions: Sequence[UsageQuestion]) -> Answers:
    await store_all(world, events)
    async with tenant_work(world.tenant) as work:
        return await PostgresStore(work).aggregate(questions)


async def in_reference(world: World, events: Sequence[Used], questions: Sequence[UsageQuestion]) -> Answers:
    return await ReferenceStore(events).aggregate(questions)


def comparable(answers: Answers) -> Answers:
    """Without what only one store tells, and without groups in which nothing counts."""
    return [
        sorted(
            (
                replace(raw, last_event_at=None, position=None)
                for raw in groups
                if raw.units or raw.events_count or raw.values or raw.weighed
            ),
            key=lambda raw: [text or "" for text in raw.group],
        )
        for groups in answers
    ]


@pytest.fixture(params=[in_postgres, in_reference], ids=["postgres", "reference"])
def ask(request: pytest.FixtureRequest, world: World) -> Ask:
    """Puts one question to a store that holds these events: units and number of events."""

    async def one(events: Sequence[Used], asked: UsageQuestion) -> tuple[Decimal, int]:
        (groups,) = await request.param(world, events, [asked])
        if not groups:
            return Decimal(0), 0
        (answer,) = groups
        return answer.units, answer.events_count

    return one


async def test_nothing_used_is_zero(ask: Ask) -> None:
    for aggregation_type in AGGREGATIONS:
        assert await ask([], question(aggregation_type)) == (0, 0)


async def test_both_ends_of_the_window_are_included_and_the_start_is_cut_to_the_millisecond(ask: Ask) -> None:
    start = FROM + timedelta(microseconds=1999)
    events = [
        used(FROM + timedelta(microseconds=999)), used(FROM + timedelta(microseconds=1000)),
        used(TO), used(TO + timedelta(microseconds=1)),
    ]  # fmt: skip
    assert await ask(events, question("count_agg", from_=start)) == (2, 2)


async def test_only_events_of_the_subscription_and_code_count(ask: Ask) -> None:
    events = [used(FROM), used(FROM, subscription="sub2"), used(FROM, code="other")]
    assert await ask(events, question("count_agg")) == (1, 1)


@pytest.mark.parametrize("stored", [True, False])
async def test_numbers_are_read_from_texts_of_digits_only(ask: Ask, stored: bool) -> None:
    values = [
        "1.5",
        2,
        Decimal("0.25"),
        "-1",
        "+3",
        "1e5",
        ".5",
        " 5",
        "5 ",
        "5\n",
        True,
        "",
        "x",
        "9" * 101,
        [1],
        {"a": 1},
        "\u0663",
    ]
    events = [used(FROM, value) for value in values] + [used(FROM)]
    assert await ask(events, question("sum_agg", values_ready=stored)) == (Decimal("2.75"), 4)
    assert await ask(events, question("max_agg", values_ready=stored)) == (2, 4)


@pytest.mark.parametrize("stored", [True, False])
async def test_a_sum_is_exact_beyond_any_float(ask: Ask, stored: bool) -> None:
    events = [used(FROM, "9" * 99), used(FROM, "0." + "1" * 97), used(FROM, "1")]
    units, count = await ask(events, question("sum_agg", values_ready=stored))
    assert (format(units, "f"), count) == ("1" + "0" * 99 + "." + "1" * 97, 3)


async def test_a_sum_may_be_negative_and_so_may_a_greatest_value(ask: Ask) -> None:
    events = [used(FROM, -5), used(FROM, "-3")]
    assert await ask(events, question("sum_agg")) == (-8, 2)
    assert await ask(events, question("max_agg")) == (-3, 2)


@pytest.mark.parametrize("stored", [True, False])
async def test_the_latest_value_is_by_time_then_by_arrival(ask: Ask, stored: bool) -> None:
    latest = question("latest_agg", values_ready=stored)
    later = FROM + timedelta(days=61)
    assert await ask([used("2024-03-05", 5), used("2024-03-04", 9)], latest) == (5, 2)
    assert await ask([used("2024-03-05", 5, created_at=later), used("2024-03-05", 9)], latest) == (5, 2)
    assert await ask([used("2024-03-05", 5, place=1), used("2024-03-05", 9, place=2)], latest) == (9, 2)
    assert await ask([used("2024-03-05", 5), used("2024-03-06", "none")], latest) == (5, 1)
    assert await ask([used("2024-03-05", 5), used("2024-03-06", -2)], latest) == (0, 2)


@pytest.mark.parametrize(
    ("operations", "units"),
    [
        ([("A", None), ("A", "add")], 1),
        ([("A", "add"), ("A", "remove")], 0),
        ([("A", "remove")], 0),
        ([("A", "add"), ("A", "remove"), ("A", "add")], 1),
        ([("A", "add"), ("B", "add"), ("B", "remove"), ("B", "remove")], 1),
        ([("A", "add"), ("A", "pause")], 1),
        ([(None, "add"), (None, "add"), ("null", "add")], 1),
        ([(1, "add"), ("1", "remove")], 0),
    ],
)
async def test_unique_values_are_counted_by_their_last_operation(
    ask: Ask, operations: Sequence[tuple[Any, str | None]], units: int
) -> None:
    events = [
        used(
            FROM + timedelta(hours=n),
            properties={
                name: text for name, text in (("value", value), ("operation_type", operation)) if text is not None
            },
        )
        for n, (value, operation) in enumerate(operations)
    ]
    assert await ask(events, question("unique_count_agg")) == (units, units)


async def test_recurring_sums_and_unique_counts_read_all_history(ask: Ask) -> None:
    events = [used("2020-01-01", 3), used("2024-03-05", 4), used("2024-04-02", 100)]
    assert await ask(events, question("sum_agg", recurring=True)) == (7, 2)
    assert await ask(events, question("unique_count_agg", recurring=True)) == (2, 2)
    assert await ask(events, question("sum_agg")) == (4, 1)


async def test_postgres_agrees_with_the_reference_on_random_events(world: World) -> None:
    chance = random.Random(20240301)
    values = ["1", "2", "2.50", 3, Decimal("0.1"), "-4", "x", "", None, True, "1e3", "null", 2]
    operations = [None, None, "add", "add", "remove", "remove", "other", ""]

    def event(place: int) -> Used:
        properties: dict[str, Any] = {}
        if chance.random() < 0.9:
            properties["value"] = chance.choice(values)
        if (operation := chance.choice(operations)) is not None:
            properties["operation_type"] = operation
        return Used(
            chance.choice(["sub", "sub2"]), chance.choice(["calls", "gb"]),
            FROM + timedelta(hours=chance.randrange(-200, 1000), microseconds=chance.choice([0, 1, 999, 1000])),
            properties, FROM + timedelta(seconds=chance.randrange(3)), place,
        )  # fmt: skip

    for _ in range(25):
        events = [event(place) for place in range(chance.randrange(120))]
        questions = []
        for aggregation_type in sorted(AGGREGATIONS):
            for _ in range(8):
                start = FROM + timedelta(hours=chance.randrange(-200, 800), microseconds=chance.choice([0, 500]))
                questions.append(
                    question(
                        aggregation_type, external_subscription_id=chance.choice(["sub", "sub2", "none"]),
                        code=chance.choice(["calls", "gb"]), from_=start,
                        to=start + timedelta(hours=chance.randrange(400)),
                        recurring=chance.random() < 0.3, values_ready=chance.random() < 0.5,
                    )
                )  # fmt: skip
        assert comparable(await in_postgres(world, events, questions)) == comparable(
            await in_reference(world, events, questions)
        )


async def test_any_number_of_questions_costs_one_statement_for_each_aggregation_and_one_for_rollups(
    world: World,
) -> None:
    for many in (1, 300):
        questions = [
            question(aggregation_type, external_subscription_id=f"sub-{n}", values_ready=True)
            for aggregation_type in sorted(AGGREGATIONS)
            for n in range(many)
        ]
        async with tenant_work(world.tenant) as work:
            with statements() as seen:
                usage = await measure(work, questions)
        assert len(seen) == len(AGGREGATIONS) + 1
        assert usage.keys() == {each.key for each in questions}


async def test_usage_of_another_organization_does_not_count(world: World, makers: Any) -> None:
    other = await makers.organization()
    await store_all(other, [used(FROM, 5)])
    async with tenant_work(world.tenant) as work:
        usage = await measure(work, [question("sum_agg", key="mine")])
    assert usage["mine"].units == 0


async def test_units_are_rounded_as_the_metric_says(world: World) -> None:
    await store_all(world, [used(FROM, "2.345"), used(FROM, "10")])
    async with tenant_work(world.tenant) as work:
        usage = await measure(
            work,
            [
                question(key="none"),
                question(key="round", rounding_function="round", rounding_precision=2),
                question(key="ceil", rounding_function="ceil"),
                question(key="floor", rounding_function="floor", rounding_precision=-1),
            ],
        )
    assert {key: str(each.units + 0) for key, each in usage.items() if key != "floor"} == {
        "none": "12.345", "round": "12.35", "ceil": "13",
    }  # fmt: skip
    assert usage["floor"].units == 10


@pytest.mark.parametrize("aggregation_type", sorted(AGGREGATIONS - {"weighted_sum_agg"}))
async def test_the_index_is_used_under_the_tenants_role(world: World, aggregation_type: str) -> None:
    with world.owner() as owner:
        owner.execute(
            """
            INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties, value,
                                event_metadata, created_at, timestamp)
            SELECT uuidv7(), %s, 'many-' || n %% 400, 'plan-' || %s || n, 'calls', '{"value": 1}', 1, '{}',
                   '2024-03-01', timestamptz '2024-03-01' + n * interval '1 minute'
            FROM generate_series(1, 20000) AS n
            """,
            [world.tenant.organization_id, aggregation_type],
        )
        owner.execute("VACUUM ANALYZE events")
    asked = [
        {
            "n": n,
            "subscription": f"many-{n}",
            "code": "calls",
            "field": "value",
            "first": "2024-03-01",
            "last": "2024-04-01",
        }
        for n in range(50)
    ]
    async with tenant_work(world.tenant) as work:
        plan = await work.session.execute(
            sa.text("EXPLAIN " + plain_statement(aggregation_type, stored=True)),
            {"questions": exact_json.dump_text(asked), "organization_id": str(work.organization_id)},
        )
        lines = [row[0] for row in plan]
    assert any("ix_events_usage" in line for line in lines), "\n".join(lines)
    condition = next(line for line in lines if "Index Cond" in line)
    for column in ("organization_id", "external_subscription_id", "code", '"timestamp"'):
        assert column in condition, "\n".join(lines)
    if aggregation_type in ("count_agg", "sum_agg", "max_agg"):
        assert any("Index Only Scan" in line for line in lines), "\n".join(lines)
