"""Current usage over HTTP: what it counts and costs, and that no cached answer is behind an acknowledged event."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.kernel.unit_of_work import tenant_work
from domain.metering import usage_cache
from domain.metering.post_process import post_process
from infrastructure.settings import settings
from tests.metering_world import Makers, World, event, statements

NOW = datetime(2024, 3, 20, 12, tzinfo=UTC)
PER_UNIT = {"amount": "0.1"}


@pytest.fixture
async def sandbox(makers: Makers) -> World:
    return await makers.organization(frozen_at=NOW)


async def usage(world: World, **params: Any) -> dict[str, Any]:
    params = {"external_subscription_id": "sub"} | params
    answer = await world.get("/customers/cust/current_usage", **params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()["customer_usage"]
    return body


async def send(world: World, *values: Any, code: str = "calls", at: datetime = NOW) -> None:
    events = [event(code=code, timestamp=at.timestamp(), properties={"value": value}) for value in values]
    assert (await world.post("/events/batch", {"events": events})).status_code == 200


async def test_every_charge_of_the_plan_is_shown_and_priced(sandbox: World) -> None:
    calls = await sandbox.metric("calls")
    storage = await sandbox.metric("storage", "sum_agg", rounding_function="round", rounding_precision=1)
    tiers = {"graduated_ranges": [
        {"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"},
    ]}  # fmt: skip
    plan = await sandbox.plan(
        (storage, "standard", {"amount": "2.005"}), (calls, "standard", PER_UNIT), (calls, "graduated", tiers)
    )
    await sandbox.subscription(plan)
    await send(sandbox, 1, 2, 3)
    await send(sandbox, "1.26", code="storage")

    shown = await usage(sandbox)
    assert shown | {"charges_usage": None} == {
        "from_datetime": "2024-03-01T00:00:00Z", "to_datetime": "2024-03-31T23:59:59Z", "issuing_date": "2024-03-31",
        "currency": "EUR", "amount_cents": 30 + 800 + 261, "taxes_amount_cents": 0, "total_amount_cents": 1091,
        "lago_invoice_id": None, "charges_usage": None,
    }  # fmt: skip
    first, second, third = shown["charges_usage"]
    by_model = {(each["charge"]["code"], each["charge"]["charge_model"]): each for each in (first, second)}
    assert by_model[("calls-1", "standard")]["units"] == "3.0"
    assert by_model[("calls-1", "standard")]["amount_cents"] == 30
    assert by_model[("calls-2", "graduated")]["amount_cents"] == 800
    assert third["billable_metric"]["code"] == "storage"
    assert (third["units"], third["events_count"], third["amount_cents"]) == ("1.3", 1, 261)
    assert third["filters"] == third["grouped_usage"] == third["presentation_breakdowns"] == []


async def test_no_use_still_shows_the_charge_and_its_flat_amount(sandbox: World) -> None:
    metric = await sandbox.metric("calls")
    flat = {"graduated_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}]}
    await sandbox.subscription(await sandbox.plan((metric, "graduated", flat)))
    shown = await usage(sandbox)
    assert shown["charges_usage"][0]["units"] == "0.0"


async def test_taxes_are_rounded_for_each_charge_and_can_be_left_out(sandbox: World) -> None:
    calls, storage = await sandbox.metric("calls"), await sandbox.metric("storage")
    plan = await sandbox.plan((calls, "standard", {"amount": "0.05"}), (storage, "standard", {"amount": "0.05"}))
    await sandbox.subscription(plan)
    await sandbox.tax("10")
    await send(sandbox, 1)
    await send(sandbox, 1, code="storage")
    shown = await usage(sandbox)
    assert (shown["amount_cents"], shown["taxes_amount_cents"], shown["total_amount_cents"]) == (10, 2, 12)
    assert (await usage(sandbox, apply_taxes="false"))["taxes_amount_cents"] == 0


async def test_charges_can_be_chosen(sandbox: World) -> None:
    calls, storage = await sandbox.metric("calls"), await sandbox.metric("storage")
    plan = await sandbox.plan((calls, "standard", PER_UNIT), (storage, "standard", PER_UNIT))
    await sandbox.subscription(plan)

    async def chosen(**params: str) -> list[str]:
        return [each["charge"]["code"] for each in (await usage(sandbox, **params))["charges_usage"]]

    everything = (await usage(sandbox))["charges_usage"]
    assert await chosen(charge_id=everything[1]["charge"]["lago_id"], charge_code="calls-0") == ["storage-1"]
    assert await chosen(filter_by_charge_code="calls-0", billable_metric_code="storage") == ["calls-0"]
    assert await chosen(filter_by_metric_code="storage") == ["storage-1"]
    for params in ({"charge_id": "x"}, {"charge_code": "x"}, {"billable_metric_code": "x"}):
        answer = await sandbox.get("/customers/cust/current_usage", external_subscription_id="sub", **params)
        assert (answer.status_code, answer.json()["code"]) == (404, "charge_not_found")


async def test_what_does_not_exist_is_named(sandbox: World, makers: Makers) -> None:
    await sandbox.subscription(await sandbox.plan(), "ended", status="terminated")
    answer = await sandbox.get("/customers/nobody/current_usage", external_subscription_id="sub")
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_not_found")
    for params in ({}, {"external_subscription_id": "ended"}, {"external_subscription_id": "nothing"}):
        answer = await sandbox.get("/customers/cust/current_usage", **params)
        assert (answer.status_code, answer.json()["code"]) == (405, "no_active_subscription")
    await sandbox.subscription(await sandbox.plan(), "running")
    answer = await sandbox.get("/customers/cust/current_usage", external_subscription_id="running", full_usage="true")
    assert (answer.status_code, answer.json()["code"]) == (405, "full_usage_not_allowed")
    other = await makers.organization(frozen_at=NOW)
    answer = await other.get("/customers/cust/current_usage", external_subscription_id="ended")
    assert answer.json()["code"] == "customer_not_found"


async def test_periods_end_at_midnight_of_the_customer(sandbox: World) -> None:
    metric = await sandbox.metric("calls")
    await sandbox.subscription(await sandbox.plan((metric, "standard", PER_UNIT)), timezone="America/New_York")
    await send(sandbox, 1, at=datetime(2024, 4, 1, 3, 59, 59, tzinfo=UTC))
    await send(sandbox, 1, at=datetime(2024, 4, 1, 4, 0, 0, tzinfo=UTC))
    shown = await usage(sandbox)
    assert shown["charges_usage"][0]["units"] == "1.0"
    assert shown["to_datetime"] == "2024-04-01T03:59:59Z"


async def test_recurring_units_carry_over_from_earlier_periods(sandbox: World) -> None:
    metric = await sandbox.metric("calls", "sum_agg", recurring=True)
    await sandbox.subscription(await sandbox.plan((metric, "standard", PER_UNIT)))
    await send(sandbox, 3, at=NOW - timedelta(days=400))
    await send(sandbox, 4)
    assert (await usage(sandbox))["charges_usage"][0]["units"] == "7.0"


async def test_a_second_look_does_not_measure_again(sandbox: World) -> None:
    metric = await sandbox.metric("calls")
    await sandbox.subscription(await sandbox.plan((metric, "standard", PER_UNIT)))
    await send(sandbox, 1)
    first = await usage(sandbox)
    with statements() as seen:
        assert await usage(sandbox) == first
    assert not [statement for statement in seen if "FROM events" in statement]


async def test_usage_counts_every_event_that_was_answered(sandbox: World) -> None:
    metric = await sandbox.metric("calls")
    await sandbox.subscription(await sandbox.plan((metric, "standard", PER_UNIT)))
    for count in range(1, 8):
        await send(sandbox, count)
        assert (await usage(sandbox))["charges_usage"][0]["events_count"] == count


async def test_readers_and_writers_at_once_never_see_less_than_was_answered(world: World) -> None:
    metric = await world.metric("calls", "sum_agg")
    await world.subscription(await world.plan((metric, "standard", PER_UNIT)))
    answered = 0

    async def write() -> None:
        nonlocal answered
        for _ in range(40):
            assert (await world.post("/events", {"event": event(properties={"value": 1})})).status_code == 200
            answered += 1

    async def read() -> None:
        for _ in range(40):
            before = answered
            shown = await usage(world)
            assert shown["charges_usage"][0]["events_count"] >= before

    await asyncio.gather(write(), write(), read(), read(), read())
    assert (await usage(world))["charges_usage"][0]["units"] == "80.0"


async def test_a_price_change_shows_at_once(sandbox: World) -> None:
    metric = await sandbox.metric("calls")
    await sandbox.subscription(await sandbox.plan((metric, "standard", PER_UNIT)))
    await send(sandbox, 1)
    assert (await usage(sandbox))["amount_cents"] == 10
    with sandbox.owner() as owner:
        owner.execute(
            """UPDATE charges SET properties = '{"amount": "0.3"}' WHERE organization_id = %s""",
            [sandbox.tenant.organization_id],
        )
    assert (await usage(sandbox))["amount_cents"] == 30


async def test_without_the_cache_everything_works(sandbox: World, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = await sandbox.metric("calls")
    await sandbox.subscription(await sandbox.plan((metric, "standard", PER_UNIT)))
    monkeypatch.setattr(settings(), "redis_cache_url", "redis://127.0.0.1:1/0")
    for count in (1, 2):
        await send(sandbox, 1)
        assert (await usage(sandbox))["charges_usage"][0]["events_count"] == count
    await usage_cache.close()


async def test_post_processing_forgets_cached_usage_and_notes_the_local_day(sandbox: World) -> None:
    metric = await sandbox.metric("calls")
    subscription = await sandbox.subscription(
        await sandbox.plan((metric, "standard", PER_UNIT)), timezone="Pacific/Kiritimati"
    )
    await usage(sandbox)
    with sandbox.owner() as owner:
        # Stored by a server that was killed before it could tell anyone.
        owner.execute(
            """
            INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties,
                                event_metadata, created_at, timestamp)
            VALUES (uuidv7(), %s, 'sub', 'orphan', 'calls', '{}', '{}', %s, %s)
            """,
            [sandbox.tenant.organization_id, NOW, NOW],
        )
    for _ in range(2):
        async with tenant_work(sandbox.tenant) as work:
            await post_process(work, ["sub", "unknown"], ["calls"])
        assert (await usage(sandbox))["charges_usage"][0]["events_count"] == 1
    assert sandbox.rows("SELECT last_received_event_on::text FROM subscriptions WHERE id = %s", subscription.id) == [
        ("2024-03-21",)
    ]


async def test_one_run_does_the_work_of_all_jobs_that_wait(world: World) -> None:
    plan = await world.plan()
    for name in ("s1", "s2", "s3"):
        await world.subscription(plan, name)
        assert (await world.post("/events", {"event": event(external_subscription_id=name)})).status_code == 200
    organization = world.tenant.organization_id
    assert world.rows("SELECT count(*) FROM jobs WHERE organization_id = %s", organization) == [(3,)]
    async with tenant_work(world.tenant) as work:
        await post_process(work, ["s1"], ["calls"])
    assert world.rows("SELECT count(*) FROM jobs WHERE organization_id = %s", organization) == [(0,)]
    marked = world.rows(
        "SELECT count(*) FROM subscriptions WHERE organization_id = %s AND last_received_event_on IS NOT NULL",
        organization,
    )
    assert marked == [(3,)]
