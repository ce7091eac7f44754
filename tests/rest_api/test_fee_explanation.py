"""GET /api/v1/fees/{id}/explanation: every fee tells how its amount came about."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api

MARCH = "2024-03-01T00:10:00Z"


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant(MARCH), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world


async def explained(api: Api, world: World, *charges: tuple[str, dict[str, Any]], amount: int = 4900) -> dict[str, Any]:
    """The explanations of a monthly invoice by the type of fee and model; the customer began on the 15th of 29 days."""
    name = uuid4().hex[:8]
    plan = world.plan(amount, name="Gold")
    for model, properties in charges:
        world.charge(plan, world.metric(f"{model}-{name}", "sum_agg"), model, properties)
    subscription = world.subscription(world.customer(external_id=name), plan, "2024-02-15T00:00:00Z", external_id=name)
    for model, _ in charges:
        for day, value in ((16, 100), (20, 21)):
            world.event(name, f"{model}-{name}", f"2024-02-{day}T00:00:00Z", str(value))
        world.event(name, f"{model}-{name}", "2024-01-20T00:00:00Z", "999")
    async with tenant_work(api.tenant) as work:
        (invoice,) = await bill_subscriptions(
            work, [BillRequest((subscription,), instant(MARCH), "subscription_periodic")]
        )
    found = {}
    for fee in (await api.get(f"/invoices/{invoice}")).json()["invoice"]["fees"]:
        answer = (await api.get(f"/fees/{fee['lago_id']}/explanation")).json()["fee_explanation"]
        found[fee["item"]["code"].partition("-")[0] if fee["item"]["type"] == "charge" else fee["item"]["type"]] = (
            answer
        )
    return found


async def test_a_base_fee_tells_its_days_and_its_rounding(api: Api, world: World) -> None:
    world.tax("20", "vat")
    shown = (await explained(api, world))["subscription"]
    assert shown["amount_cents"] == 2534  # 4900 x 15 / 29 = 2534.48…
    assert shown["proration"] == {
        "part": "15 days", "whole": "29 days", "factor": "0.5172413793",
        "reason": "the subscription began inside the period",
    }  # fmt: skip
    assert [step["reckoning"] for step in shown["steps"]] == ["49.0 for a period of 29 days", "49.0 x 15 / 29"]
    assert shown["steps"][-1]["amount"].startswith("25.3448275862")
    amount, tax = shown["roundings"]
    assert (amount["exact_cents"][:9], amount["rounded_cents"]) == ("2534.4827", 2534)
    assert (tax["what"], tax["exact_cents"], tax["rounded_cents"]) == ("tax vat", "506.8", 507)
    assert shown["taxes_amount_cents"] == 507
    assert shown["taxes"][0] | {"name": ""} == {
        "code": "vat", "name": "", "rate": 20.0, "base_amount_cents": "2534.0", "amount_cents": 507,
    }  # fmt: skip
    assert shown["period"]["from"] == "2024-02-15T00:00:00.000Z"
    assert "period" in shown["period"]["reason"]
    assert shown["usage"] is None


TIERS = [
    {"from_value": 0, "to_value": 100, "per_unit_amount": "0.5", "flat_amount": "1"},
    {"from_value": 101, "to_value": None, "per_unit_amount": "0.25", "flat_amount": "0"},
]


@pytest.mark.parametrize(
    ("model", "properties", "amount_cents", "reckonings"),
    [
        ("standard", {"amount": "0.25"}, 3025, ["121.0 x 0.25"]),
        ("graduated", {"graduated_ranges": TIERS}, 5625, ["100.0 x 0.5 + 1.0 flat", "21.0 x 0.25 + 0.0 flat"]),
        ("package", {"amount": "5", "package_size": 50, "free_units": 20}, 1500, ["beyond 20.0 free ones",
                                                                                   "of 50 units at 5.0"]),
        ("volume", {"volume_ranges": TIERS}, 3025, ["in the one range that holds them all", "of that range"]),
        ("percentage", {"rate": "1.5", "fixed_amount": "0.1"}, 202, None),
    ],
)  # fmt: skip
async def test_a_usage_fee_tells_its_price_steps_and_shows_the_events_counted(
    api: Api, world: World, model: str, properties: dict[str, Any], amount_cents: int, reckonings: list[str] | None
) -> None:
    shown = (await explained(api, world, (model, properties)))[model]
    assert (shown["amount_cents"], shown["units"]) == (amount_cents, "121.0")
    if reckonings is not None:
        assert [step["reckoning"] for step in shown["steps"]] == reckonings
    usage = shown["usage"]
    assert (usage["aggregation_type"], usage["field_name"], usage["events_total_count"]) == ("sum_agg", "units", 2)
    assert [(event["timestamp"], event["value"]) for event in usage["events"]] == [
        ("2024-02-20T00:00:00.000Z", "21"), ("2024-02-16T00:00:00.000Z", "100"),
    ]  # fmt: skip
    assert sum(Decimal(event["value"]) for event in usage["events"]) == Decimal(usage["units"])
    page = (await api.get(f"/fees/{shown['lago_fee_id']}/explanation?per_page=1&page=2")).json()["fee_explanation"]
    assert [event["value"] for event in page["usage"]["events"]] == ["100"]


async def test_an_explanation_stays_true_when_the_price_is_changed_later(api: Api, world: World) -> None:
    shown = (await explained(api, world, ("standard", {"amount": "0.25"})))["standard"]
    world.execute('UPDATE charges SET properties = \'{"amount": "9"}\'')
    again = (await api.get(f"/fees/{shown['lago_fee_id']}/explanation")).json()["fee_explanation"]
    assert again == shown


@pytest.mark.parametrize("fee_id", ["01a21ccc-bef7-74e2-ae09-735b6cd4d8a7", "no-id"])
async def test_a_fee_that_is_not_there_is_not_explained(api: Api, fee_id: str) -> None:
    answer = await api.get(f"/fees/{fee_id}/explanation")
    assert (answer.status_code, answer.json()["code"]) == (404, "fee_not_found")


async def test_another_organization_sees_no_explanation(api: Api, world: World) -> None:
    with World(instant(MARCH)) as other:
        plan = other.plan(4900)
        subscription = other.subscription(other.customer(), plan, "2024-02-01T00:00:00Z")
        async with tenant_work(other.tenant) as work:
            await bill_subscriptions(work, [BillRequest((subscription,), instant(MARCH), "subscription_periodic")])
        (fee,) = other.rows("fees", "id", subscription_id=subscription)
    assert (await api.get(f"/fees/{fee.id}/explanation")).status_code == 404
