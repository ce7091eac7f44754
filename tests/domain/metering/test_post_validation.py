"""The hourly look over received events. Source: handbook, metering 6."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.catalog.billable_metrics import create_billable_metric
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from domain.messaging.endpoints import create_endpoint
from domain.messaging.events_errors import post_validate_events
from infrastructure.settings import settings
from tasks import horizon
from tests.metering_world import Makers, World, event

NOON = datetime(2024, 3, 10, 12, 0, tzinfo=UTC)
METRICS = (
    {"code": "count", "aggregation_type": "count_agg", "filters": [{"key": "region", "values": ["eu", "us"]}]},
    {"code": "sum", "aggregation_type": "sum_agg", "field_name": "gb"},
    {"code": "unique", "aggregation_type": "unique_count_agg", "field_name": "user"},
)


async def watched(makers: Makers, *, endpoint: bool = True) -> World:
    """A sandbox at noon with three metrics, and an endpoint to be told."""

    async def requests(*_: object) -> list[JobRequest]:
        return []

    async def dispatch(*_: object) -> None:
        return None

    queues = dict.fromkeys(("metering.post_process", "metering.fill_values", "messaging.deliver"), "default")
    install_reactions(Reactions(requests, dispatch, queues))
    world = await makers.organization(frozen_at=NOON)
    async with tenant_work(world.tenant) as work:
        for metric in METRICS:
            await create_billable_metric(work, {"name": metric["code"], **metric})
        if endpoint:
            await create_endpoint(work, {"webhook_url": "https://example.com/hook"})
    return world


async def told(world: World, at: datetime) -> list[dict[str, Any]]:
    """Runs the job at an instant; the contents of the webhooks that stand there afterwards."""
    async with tenant_work(Tenant(world.tenant.organization_id, at)) as work:
        await post_validate_events(work)
    rows = world.rows(
        "SELECT payload::jsonb FROM webhooks WHERE organization_id = %s AND webhook_type = 'events.errors' ORDER BY id",
        world.tenant.organization_id,
    )
    assert all(row[0]["object_type"] == "events_errors" for row in rows)
    return [row[0]["events_errors"] for row in rows]


async def send(world: World, *events: dict[str, Any]) -> None:
    answer = await world.post("/events/batch", {"events": list(events)})
    assert answer.status_code == 200, answer.text


async def test_every_kind_of_wrong_event_is_listed_once(makers: Makers) -> None:
    world = await watched(makers)
    await send(
        world,
        event("unknown", code="nothing"),
        event("fine-count", code="count", properties={"region": "eu"}),
        event("no-region", code="count"),
        event("other-region", code="count", properties={"region": "asia"}),
        event("fine-sum", code="sum", properties={"gb": "-12.5"}),
        event("no-gb", code="sum"),
        event("null-gb", code="sum", properties={"gb": None}),
        event("bad-gb", code="sum", properties={"gb": "1e5"}),
        event("any-text", code="unique", properties={"user": "x"}),
        event("no-user", code="unique"),
    )
    await send(world, event("unknown", code="nothing", external_subscription_id="another"))
    assert await told(world, NOON + timedelta(hours=1, minutes=5)) == [
        {
            "invalid_code": ["unknown"],
            "missing_aggregation_property": ["no-gb", "null-gb", "bad-gb", "no-user"],
            "missing_group_key": None,
            "invalid_filter_values": ["other-region"],
        }
    ]


async def test_only_the_clock_hour_before_counts(makers: Makers) -> None:
    world = await watched(makers)
    await send(world, event("t", code="nothing"))
    assert await told(world, NOON + timedelta(minutes=5)) == []
    assert await told(world, NOON + timedelta(hours=2, minutes=5)) == []
    assert len(await told(world, NOON + timedelta(hours=1, minutes=59))) == 1


async def test_nobody_is_told_when_nothing_is_wrong_or_nobody_listens(
    makers: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick = NOON + timedelta(hours=1, minutes=5)
    world = await watched(makers)
    await send(world, event(code="count"))
    assert await told(world, tick) == []
    deaf = await watched(makers, endpoint=False)
    await send(deaf, event(code="nothing"))
    assert await told(deaf, tick) == []
    await send(world, event(code="nothing"))
    monkeypatch.setattr(settings(), "disable_events_validation", True)
    assert await told(world, tick) == []
    monkeypatch.undo()
    assert len(await told(world, tick)) == 1


async def test_another_organizations_metrics_do_not_count(makers: Makers) -> None:
    world, other = await watched(makers), await watched(makers)
    async with tenant_work(other.tenant) as work:
        await create_billable_metric(work, {"name": "own", "code": "own", "aggregation_type": "count_agg"})
    await send(world, event("t", code="own"))
    [content] = await told(world, NOON + timedelta(hours=1, minutes=5))
    assert content["invalid_code"] == ["t"]


async def test_a_sandbox_stops_only_where_events_wait_to_be_looked_over(makers: Makers) -> None:
    world = await watched(makers)

    async def due(after: datetime) -> datetime | None:
        with clock.at(NOON):
            async with tenant_work(world.tenant) as work:
                return await horizon.received_events(work, after)

    assert await due(NOON) is None
    await send(world, event(code="count"))
    assert await due(NOON + timedelta(minutes=5)) == NOON + timedelta(hours=1)
    assert await due(NOON + timedelta(hours=1, minutes=5)) is None
