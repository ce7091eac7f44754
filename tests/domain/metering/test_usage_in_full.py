"""Current and projected usage with filters, groups, breakdowns, pricing units, and charges paid in advance."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.kernel.unit_of_work import tenant_work
from domain.metering.current_usage import usages_of
from domain.metering.post_process import PAY_IN_ADVANCE, post_process
from tests.metering_world import Makers, World, event, statements

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
async def sandbox(makers: Makers) -> World:
    return await makers.organization(frozen_at=NOW)


async def usage(world: World, **params: Any) -> dict[str, Any]:
    answer = await world.get("/customers/cust/current_usage", **{"external_subscription_id": "sub"} | params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()["customer_usage"]
    return body


async def send(world: World, *properties: dict[str, Any], code: str = "calls", **fields: Any) -> None:
    events = [event(code=code, timestamp=NOW.timestamp(), properties=each, **fields) for each in properties]
    assert (await world.post("/events/batch", {"events": events})).status_code == 200


def add_filter(
    world: World, charge_id: UUID, metric_id: UUID, amount: str, name: str | None, **values: list[str]
) -> UUID:
    """A filter of a charge, with the metric's filters it needs."""
    filter_id, organization_id = uuid4(), world.tenant.organization_id
    with world.owner() as owner:
        owner.execute(
            "INSERT INTO charge_filters (id, organization_id, charge_id, code, invoice_display_name, properties,"
            " position, created_at, updated_at) SELECT %s, %s, %s, %s, %s, %s, count(*), %s, %s FROM charge_filters"
            " WHERE charge_id = %s",
            [
                filter_id,
                organization_id,
                charge_id,
                str(filter_id),
                name,
                json.dumps({"amount": amount}),
                NOW,
                NOW,
                charge_id,
            ],
        )
        for key, listed in values.items():
            known = owner.execute(
                "SELECT id FROM billable_metric_filters WHERE billable_metric_id = %s AND key = %s", [metric_id, key]
            ).fetchone()
            key_id = known[0] if known else uuid4()
            if not known:
                owner.execute(
                    "INSERT INTO billable_metric_filters (id, organization_id, billable_metric_id, key, values,"
                    " created_at, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    [key_id, organization_id, metric_id, key, ["eu", "us", "gold"], NOW, NOW],
                )
            owner.execute(
                "INSERT INTO charge_filter_values (id, organization_id, charge_filter_id, billable_metric_filter_id,"
                " values, created_at, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [uuid4(), organization_id, filter_id, key_id, listed, NOW, NOW],
            )
    return filter_id


def charge_of(world: World, plan_id: UUID) -> UUID:
    ((charge_id,),) = world.rows("SELECT id FROM charges WHERE plan_id = %s", plan_id)
    return UUID(str(charge_id))


def alter(world: World, charge_id: UUID, **columns: Any) -> None:
    with world.owner() as owner:
        for name, value in columns.items():
            owner.execute(f"UPDATE charges SET {name} = %s WHERE id = %s", [value, charge_id])


async def test_every_filter_and_the_default_bucket_are_shown_used_or_not(sandbox: World) -> None:
    calls = await sandbox.metric("calls")
    plan = await sandbox.plan((calls, "standard", {"amount": "1"}))
    charge = charge_of(sandbox, plan.id)
    add_filter(sandbox, charge, calls.id, "10", "Europe", region=["eu"])
    add_filter(sandbox, charge, calls.id, "100", "Gold in Europe", region=["eu"], tier=["__ALL_FILTER_VALUES__"])
    await sandbox.subscription(plan)
    await send(sandbox, {"region": "eu"}, {"region": "eu", "tier": "gold"}, {"region": "eu", "tier": "none"}, {})

    (shown,) = (await usage(sandbox))["charges_usage"]
    assert (shown["units"], shown["events_count"], shown["amount_cents"]) == ("4.0", 4, 2000 + 10000 + 100)
    assert [
        (each["invoice_display_name"], each["values"], each["units"], each["amount_cents"]) for each in shown["filters"]
    ] == [
        ("Europe", {"region": ["eu"]}, "2.0", 2000),
        ("Gold in Europe", {"region": ["eu"], "tier": ["__ALL_FILTER_VALUES__"]}, "1.0", 10000),
        (None, None, "1.0", 100),
    ]
    assert shown["grouped_usage"] == []


async def test_groups_have_their_own_prices_filters_and_breakdowns(sandbox: World) -> None:
    calls = await sandbox.metric("calls")
    properties = {
        "package_size": 2, "amount": "1", "free_units": 0, "pricing_group_keys": ["cloud"],
        "presentation_group_keys": [{"value": "team"}],
    }  # fmt: skip
    await sandbox.subscription(await sandbox.plan((calls, "package", properties)))
    await send(
        sandbox, {"cloud": "a", "team": "x"}, {"cloud": "a", "team": "y"}, {"cloud": "a", "team": "x"}, {"team": "x"}
    )
    (shown,) = (await usage(sandbox))["charges_usage"]
    assert (shown["units"], shown["amount_cents"]) == ("4.0", 300)
    groups = [(each["grouped_by"], each["units"], each["amount_cents"]) for each in shown["grouped_usage"]]
    assert groups == [({"cloud": None}, "1.0", 100), ({"cloud": "a"}, "3.0", 200)]
    assert shown["grouped_usage"][1]["presentation_breakdowns"] == [
        {"presentation_by": {"team": "x"}, "units": "2.0"}, {"presentation_by": {"team": "y"}, "units": "1.0"},
    ]  # fmt: skip

    (merged,) = (await usage(sandbox, skip_grouping="true"))["charges_usage"]
    assert (merged["amount_cents"], merged["grouped_usage"]) == (200, [])
    (only,) = (await usage(sandbox, **{"group[cloud]": "a"}))["charges_usage"]
    assert (only["units"], only["amount_cents"], only["grouped_usage"]) == ("3.0", 200, [])
    (same,) = (await usage(sandbox, group='{"cloud": ["a"]}'))["charges_usage"]
    assert same["units"] == "3.0"
    (plain,) = (await usage(sandbox, filter_by_presentation="[]"))["charges_usage"]
    assert plain["grouped_usage"][1]["presentation_breakdowns"] == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"group": "cloud"}, "group"), ({"group": "[1]"}, "group"), ({"group": '{"a": 1}'}, "group"),
        ({"filter_by_group": "{"}, "filter_by_group"), ({"filter_by_presentation": "x"}, "filter_by_presentation"),
        ({"filter_by_presentation": "[1]"}, "filter_by_presentation"), ({"group": '{"a": "\\u0000"}'}, "group"),
    ],
)  # fmt: skip
async def test_a_group_that_is_none_is_refused(sandbox: World, params: dict[str, str], field: str) -> None:
    await sandbox.subscription(await sandbox.plan())
    answer = await sandbox.get("/customers/cust/current_usage", external_subscription_id="sub", **params)
    assert (answer.status_code, answer.json()["error_details"]) == (422, {field: ["value_is_invalid"]})


async def test_full_usage_counts_since_the_start_and_only_what_was_asked_for(sandbox: World) -> None:
    calls = await sandbox.metric("calls")
    plan = await sandbox.plan((calls, "standard", {"amount": "1"}))
    await sandbox.subscription(plan, started_at=datetime(2024, 1, 5, tzinfo=UTC))
    old = event(code="calls", timestamp=datetime(2024, 1, 6, tzinfo=UTC).timestamp())
    assert (await sandbox.post("/events", {"event": old})).status_code == 200
    assert (await usage(sandbox))["amount_cents"] == 0
    full = await usage(sandbox, full_usage="true", billable_metric_code="calls")
    assert (full["amount_cents"], full["from_datetime"]) == (100, "2024-01-05T00:00:00Z")
    alter(sandbox, charge_of(sandbox, plan.id), prorated=True)
    for params in ({}, {"billable_metric_code": "calls"}):
        answer = await sandbox.get(
            "/customers/cust/current_usage", external_subscription_id="sub", full_usage="true", **params
        )
        assert (answer.status_code, answer.json()["code"]) == (405, "full_usage_not_allowed")


async def test_what_was_billed_in_advance_is_never_shown_lower(sandbox: World) -> None:
    storage = await sandbox.metric("storage", "sum_agg")
    plan = await sandbox.plan((storage, "standard", {"amount": "1"}))
    charge = charge_of(sandbox, plan.id)
    alter(sandbox, charge, pay_in_advance=True)
    await sandbox.subscription(plan)
    await send(sandbox, {"value": 10}, {"value": -4}, code="storage")
    with sandbox.owner() as owner:
        owner.execute(
            "INSERT INTO cached_aggregations (id, organization_id, external_subscription_id, charge_id,"
            " event_transaction_id, grouped_by, current_aggregation, max_aggregation, timestamp, created_at,"
            " updated_at) VALUES (%s, %s, 'sub', %s, 't', '{}', 6, 10, %s, %s, %s)",
            [uuid4(), sandbox.tenant.organization_id, charge, NOW, NOW, NOW],
        )
    (shown,) = (await usage(sandbox))["charges_usage"]
    assert (shown["units"], shown["amount_cents"]) == ("6.0", 1000)


@pytest.mark.parametrize(
    ("columns", "highest_prorated", "shown"),
    [({}, None, ("6.0", 1000)), ({"prorated": True}, "7.2", ("6.0", 800))],
)
async def test_what_was_billed_in_advance_is_rounded_with_the_rest(
    sandbox: World, columns: dict[str, Any], highest_prorated: str | None, shown: tuple[str, int]
) -> None:
    storage = await sandbox.metric(
        "storage", "sum_agg", recurring=bool(columns), rounding_function="ceil", rounding_precision=0
    )
    plan = await sandbox.plan((storage, "standard", {"amount": "1"}))
    charge = charge_of(sandbox, plan.id)
    alter(sandbox, charge, pay_in_advance=True, **columns)
    await sandbox.subscription(plan)
    await send(sandbox, {"value": "9.4"}, {"value": "-3.7"}, code="storage")
    # Billed so far: 9.4 where 5.7 are left, or 7.2 by the days.
    with sandbox.owner() as owner:
        owner.execute(
            "INSERT INTO cached_aggregations (id, organization_id, external_subscription_id, charge_id,"
            " event_transaction_id, grouped_by, current_aggregation, max_aggregation, max_aggregation_with_proration,"
            " timestamp, created_at, updated_at) VALUES (%s, %s, 'sub', %s, 't', '{}', 5.7, 9.4, %s, %s, %s, %s)",
            [uuid4(), sandbox.tenant.organization_id, charge, highest_prorated, NOW, NOW, NOW],
        )
    for _ in range(2):
        (found,) = (await usage(sandbox))["charges_usage"]
        assert (found["units"], found["amount_cents"]) == shown


async def test_projected_usage_extends_what_was_used_so_far(sandbox: World) -> None:
    calls, seats = await sandbox.metric("calls"), await sandbox.metric("seats", "sum_agg", recurring=True)
    plan = await sandbox.plan((calls, "standard", {"amount": "1"}), (seats, "standard", {"amount": "2"}))
    await sandbox.subscription(plan)
    await send(sandbox, *[{}] * 10)
    await send(sandbox, {"value": 3}, code="seats")
    answer = await sandbox.get("/customers/cust/projected_usage", external_subscription_id="sub")
    assert answer.status_code == 200, answer.text
    shown = answer.json()["customer_projected_usage"]
    first, second = shown["charges_usage"]
    assert (first["units"], first["projected_units"], first["projected_amount_cents"]) == ("10.0", "31.0", 3100)
    assert (second["units"], second["projected_units"], second["projected_amount_cents"]) == ("3.0", "3.0", 600)
    assert (shown["amount_cents"], shown["projected_amount_cents"]) == (1600, 3700)


async def test_any_number_of_subscriptions_costs_the_same_statements(sandbox: World) -> None:
    calls = await sandbox.metric("calls")
    plan = await sandbox.plan((calls, "standard", {"amount": "1", "pricing_group_keys": ["cloud"]}))
    counts = []
    for many in (1, 12):
        ids = [(await sandbox.subscription(plan, f"s-{many}-{n}")).id for n in range(many)]
        async with tenant_work(sandbox.tenant) as work:
            with statements() as seen:
                found = await usages_of(work, ids)
        assert [each.subscription_id for each in found] == ids
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_only_events_paid_in_advance_are_handed_to_billing(sandbox: World) -> None:
    calls, views = await sandbox.metric("calls"), await sandbox.metric("views")
    plan = await sandbox.plan((calls, "standard", {"amount": "1"}), (views, "standard", {"amount": "1"}))
    with sandbox.owner() as owner:
        owner.execute(
            "UPDATE charges SET pay_in_advance = true WHERE plan_id = %s AND billable_metric_id = %s",
            [plan.id, calls.id],
        )
    await sandbox.subscription(plan)
    await send(sandbox, {}, {})
    await send(sandbox, {}, code="views")
    await send(sandbox, {}, external_subscription_id="unknown")
    early = event(code="calls", timestamp=datetime(2023, 1, 1, tzinfo=UTC).timestamp())
    assert (await sandbox.post("/events", {"event": early})).status_code == 200
    organization = sandbox.tenant.organization_id
    ((low, high),) = sandbox.rows(
        "SELECT min(id::text), max(id::text) FROM events WHERE organization_id = %s", organization
    )
    async with tenant_work(sandbox.tenant) as work:
        await post_process(work, ["sub", "unknown"], ["calls", "views"], [low, high])
    ((arguments,),) = sandbox.rows(
        "SELECT arguments FROM jobs WHERE organization_id = %s AND actor = %s", organization, PAY_IN_ADVANCE
    )
    wanted = sandbox.rows(
        "SELECT id::text FROM events WHERE organization_id = %s AND code = 'calls' AND timestamp = %s"
        " AND external_subscription_id = 'sub' ORDER BY sequence",
        organization, NOW,
    )  # fmt: skip
    assert arguments == {"event_ids": [row[0] for row in wanted], "subscriptions": ["sub"]}
    assert len(wanted) == 2
