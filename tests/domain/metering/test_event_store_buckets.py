"""Questions with filters, groups, lists, proration: PostgreSQL against the naive reference, and the plans it makes."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from domain.kernel.unit_of_work import tenant_work
from domain.metering.matching import condition_of
from domain.metering.postgres_sql import KINDS, rich_statement
from domain.metering.usage import AGGREGATIONS, EventPosition, Proration, UsageQuestion
from infrastructure import exact_json
from tests.domain.metering.reference import Used
from tests.domain.metering.test_event_store import FROM, comparable, in_postgres, in_reference, question
from tests.metering_world import World

VALUES = ["1", "2", "2.50", 3, Decimal("0.1"), "-4", "x", "", None]
ZONES = [ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")]


def random_event(chance: random.Random, place: int) -> Used:
    properties: dict[str, Any] = {}
    if chance.random() < 0.9:
        properties["value"] = chance.choice(VALUES)
    for key, texts in (("region", ["eu", "us", "", None, 7]), ("tier", ["gold", "free", True])):
        if chance.random() < 0.7:
            properties[key] = chance.choice(texts)
    if chance.random() < 0.5:
        properties["operation_type"] = chance.choice(["add", "remove", "remove", "other"])
    return Used(
        "sub", "calls", FROM + timedelta(hours=chance.randrange(-200, 700), microseconds=chance.choice([0, 1500])),
        properties, FROM + timedelta(seconds=chance.randrange(3)), place,
    )  # fmt: skip


def random_condition(chance: random.Random) -> Any:
    keys = chance.sample([("region", ("eu", "us", "7", "")), ("tier", ("gold", "free", "true"))], chance.choice([1, 2]))
    return condition_of({key: chance.sample(texts, chance.randrange(1, 3)) for key, texts in keys})


def random_question(chance: random.Random, aggregation_type: str) -> UsageQuestion:
    start = FROM + timedelta(hours=chance.randrange(-200, 500), microseconds=chance.choice([0, 1501]))
    end = start + timedelta(hours=chance.randrange(400))
    recurring = chance.random() < 0.5
    history = recurring and aggregation_type in ("sum_agg", "unique_count_agg")
    return question(
        aggregation_type, from_=start, to=end, recurring=recurring,
        values_ready=chance.random() < 0.5,
        matching=random_condition(chance) if chance.random() < 0.5 else (),
        ignored=tuple(random_condition(chance) for _ in range(chance.choice([0, 0, 1, 2]))),
        empty=chance.choice([(), (), ("region",)]),
        group_by=chance.choice([(), ("region",), ("region", "tier")]),
        proration=Proration(chance.choice(ZONES), 31) if history and chance.random() < 0.7 else None,
        with_values=aggregation_type in ("sum_agg", "max_agg", "unique_count_agg") and chance.random() < 0.5,
        before=EventPosition(end - timedelta(hours=5), FROM + timedelta(seconds=1), 0)
        if chance.random() < 0.3
        else None,
    )  # fmt: skip


async def test_filters_groups_proration_and_lists_agree_with_the_reference_on_random_events(world: World) -> None:
    chance = random.Random(20240302)
    for _ in range(25):
        events = [random_event(chance, place) for place in range(chance.randrange(150))]
        questions = [random_question(chance, each) for each in sorted(AGGREGATIONS) for _ in range(6)]
        measured = comparable(await in_postgres(world, events, questions))
        for asked, found, expected in zip(
            questions, measured, comparable(await in_reference(world, events, questions)), strict=True
        ):
            assert found == expected, asked


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_questions_with_filters_and_groups_read_a_range_of_the_index_too(world: World, kind: str) -> None:
    with world.owner() as owner:
        owner.execute(
            """
            INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties, value,
                                event_metadata, created_at, timestamp)
            SELECT uuidv7(), %s, 'many-' || n %% 400, 'bucket-' || %s || n, 'calls', '{"value": 1}', 1, '{}',
                   '2024-03-01', timestamptz '2024-03-01' + n * interval '1 minute'
            FROM generate_series(1, 20000) AS n
            """,
            [world.tenant.organization_id, kind],
        )
        owner.execute("VACUUM ANALYZE events")
    asked = [
        {
            "n": n, "subscription": f"many-{n}", "code": "calls", "field": "value", "stored": True,
            "first": "2024-03-01", "last": "2024-04-01", "start": "2024-03-01", "matching": {"region": ["eu"]},
            "group_by": ["cloud"], "with_values": False,
        }
        for n in range(50)
    ]  # fmt: skip
    async with tenant_work(world.tenant) as work:
        await work.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = await work.session.execute(
            sa.text("EXPLAIN " + rich_statement(kind)),
            {"questions": exact_json.dump_text(asked), "organization_id": str(work.organization_id)},
        )
        lines = [row[0] for row in plan]
    condition = next(line for line in lines if "Index Cond" in line)
    for column in ("organization_id", "external_subscription_id", "code", '"timestamp"'):
        assert column in condition, "\n".join(lines)
