"""POST /api/v1/invoices/preview"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine

from domain.registry import metadata
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded

NOW = "2024-02-10T12:00:00Z"


@pytest.fixture
def world(api: Api, recorded: Recorded) -> Iterator[World]:
    with (
        time_machine.travel(instant(NOW), tick=False),
        World(instant(NOW), organization_id=api.tenant.organization_id, adopted=True) as world,
    ):
        yield world
        assert recorded == [], "a preview announces nothing"


def counted(world: World) -> dict[str, int]:
    """How many rows every table holds."""
    return {name: world.execute(f"SELECT count(*) FROM {name}")[0][0] for name in metadata.tables}


async def previewed(api: Api, world: World, **body: Any) -> dict[str, Any]:
    """The invoice of a preview that left everything as it was."""
    before = counted(world)
    answer = await api.post("/invoices/preview", body)
    assert answer.status_code == 200, answer.text
    assert counted(world) == before
    invoice: dict[str, Any] = answer.json()["invoice"]
    assert (invoice["lago_id"], invoice["number"], invoice["sequential_id"]) == (None, "", None)
    return invoice


def subscribed(world: World, amount_cents: int = 2900, **more: Any) -> tuple[str, UUID]:
    """A customer on a plan since January with five calls at 1.00 this month; the external id of both, the plan."""
    name = f"c-{uuid4().hex}"
    plan = world.plan(amount_cents, code=f"plan-{name}", name="Gold", **more)
    world.charge(plan, world.metric(name), "standard", {"amount": "1"})
    world.subscription(world.customer(external_id=name), plan, "2024-01-01T00:00:00Z", external_id=name)
    world.event(name, name, "2024-02-05T00:00:00Z", "5")
    return name, plan


async def test_the_first_invoice_of_a_plan_in_arrears_covers_the_rest_of_the_period(api: Api, world: World) -> None:
    plan = world.plan(2900, code=f"p-{uuid4().hex}")
    world.fixed_charge(plan, "3", "1")
    (code,) = [row.code for row in world.rows("plans", id=plan)]
    world.tax("20", "vat")
    name = f"c-{uuid4().hex}"
    world.customer(external_id=name)
    invoice = await previewed(api, world, customer={"external_id": name}, plan_code=code, billing_time="calendar")
    # 20 of 29 days of 29.00, one unit at 3.00, 20 %.
    assert (invoice["fees_amount_cents"], invoice["taxes_amount_cents"]) == (2300, 460)
    assert (invoice["total_amount_cents"], invoice["issuing_date"]) == (2760, "2024-03-01")
    assert [each["item"]["type"] for each in invoice["fees"]] == ["subscription", "fixed_charge"]
    assert {each["lago_id"] for each in invoice["fees"]} == {None}
    assert invoice["billing_periods"][0]["lago_subscription_id"] is None
    assert invoice["customer"]["external_id"] == name


async def test_a_customer_that_is_not_there_may_be_given_coupons(api: Api, world: World) -> None:
    plan = world.plan(2900, code=f"p-{uuid4().hex}", pay_in_advance=True)
    (code,) = [row.code for row in world.rows("plans", id=plan)]
    invoice = await previewed(
        api,
        world,
        customer={"name": "Ada", "currency": "USD", "country": "FR", "timezone": "Europe/Paris"},
        plan_code=code,
        billing_time="anniversary",
        subscription_at="2024-05-05T22:30:00Z",
        coupons=[{"code": "NEW", "coupon_type": "percentage", "percentage_rate": "10"}],
    )
    assert (invoice["fees_amount_cents"], invoice["coupons_amount_cents"], invoice["total_amount_cents"]) == (
        2900,
        290,
        2610,
    )
    assert (invoice["customer"]["name"], invoice["customer"]["lago_id"]) == ("Ada", None)
    assert invoice["customer"]["external_id"] is None
    # The local date in Paris.
    assert invoice["issuing_date"] == "2024-05-06"
    assert invoice["credits"][0]["item"]["type"] == "coupon"


async def test_the_next_invoice_has_the_usage_so_far_and_its_grace_period(api: Api, world: World) -> None:
    name, _ = subscribed(world)
    world.execute("UPDATE customers SET invoice_grace_period = 3 WHERE external_id = %s", name)
    world.coupon(world.rows("customers", external_id=name)[0].id, amount_cents=100, amount_currency="USD")
    invoice = await previewed(api, world, customer={"external_id": name}, subscriptions={"external_ids": [name]})
    assert (invoice["fees_amount_cents"], invoice["coupons_amount_cents"], invoice["total_amount_cents"]) == (
        3400,
        100,
        3300,
    )
    assert (invoice["status"], invoice["issuing_date"]) == ("finalized", "2024-03-04")
    assert invoice["billing_periods"][0]["charges_to_datetime"] == "2024-02-29T23:59:59Z"
    assert invoice["subscriptions"][0]["external_id"] == name


async def test_the_last_invoice_ends_where_the_subscription_ends(api: Api, world: World) -> None:
    name, _ = subscribed(world)
    ended = {"external_ids": [name], "terminated_at": "2024-02-20T10:00:00Z"}
    invoice = await previewed(api, world, customer={"external_id": name}, subscriptions=ended)
    assert invoice["fees_amount_cents"] == 2000 + 500
    assert invoice["billing_periods"][0]["invoicing_reason"] == "subscription_terminating"
    world.execute("UPDATE subscriptions SET ending_at = '2024-02-15T00:00:00Z' WHERE external_id = %s", name)
    planned = await previewed(api, world, customer={"external_id": name}, subscriptions={"external_ids": [name]})
    assert planned["fees_amount_cents"] == 1500 + 500


async def test_a_change_of_plan_bills_now_or_at_the_end_of_the_period(api: Api, world: World) -> None:
    name, _ = subscribed(world)
    dearer = world.plan(5800, code=f"dear-{name}", pay_in_advance=True)
    cheaper = world.plan(290, code=f"cheap-{name}", pay_in_advance=True)
    assert dearer != cheaper

    async def changed(code: str) -> dict[str, Any]:
        wanted = {"external_ids": [name], "plan_code": code}
        return await previewed(api, world, customer={"external_id": name}, subscriptions=wanted)

    upgrade = await changed(f"dear-{name}")
    # Nine days of the old plan, twenty of the new one; the usage of the old one.
    assert (upgrade["issuing_date"], upgrade["fees_amount_cents"]) == ("2024-02-10", 900 + 500 + 4000)
    downgrade = await changed(f"cheap-{name}")
    assert (downgrade["issuing_date"], downgrade["fees_amount_cents"]) == ("2024-03-01", 2900 + 500 + 290)


async def test_what_cannot_be_previewed_is_refused(api: Api, world: World) -> None:
    name, _ = subscribed(world)
    other = f"o-{uuid4().hex}"
    (customer,) = world.rows("customers", external_id=name)
    world.subscription(customer.id, world.plan(100, "yearly"), "2024-01-01T00:00:00Z", external_id=other)
    code = f"plan-{name}"

    async def refused(**body: Any) -> tuple[int, Any]:
        answer = await api.post("/invoices/preview", body)
        content = answer.json()
        return answer.status_code, content.get("error_details") or content.get("code") or content["error"]

    one = {"customer": {"external_id": name}}
    both: dict[str, Any] = {"external_ids": [name, other]}
    assert await refused(**one, coupons="x") == (400, "BadRequest: coupons_must_be_an_array")
    assert await refused(**one, subscriptions=[]) == (400, "BadRequest: subscriptions_must_be_an_object")
    assert await refused() == (404, "customer_not_found")
    assert await refused(customer={"external_id": "nobody"}, plan_code=code) == (404, "customer_not_found")
    assert await refused(**one) == (404, "plan_not_found")
    assert await refused(**one, plan_code=code, billing_entity_code="x") == (404, "billing_entity_not_found")
    assert await refused(**one, subscriptions={"external_ids": ["x"]}) == (404, "subscription_not_found")
    assert await refused(customer={"name": "x"}, subscriptions=both) == (422, {"customer": ["must_be_persisted"]})
    assert await refused(**one, subscriptions=both) == (422, {"base": ["billing_periods_does_not_match"]})
    assert await refused(**one, subscriptions={**both, "terminated_at": "2024-03-01", "plan_code": code}) == (
        422,
        {
            "subscriptions": [
                "only_one_subscription_allowed_for_termination",
                "only_one_subscription_allowed_for_plan_change",
            ]
        },
    )
    single = {"external_ids": [name]}
    for sent, wrong in (
        ("2024-02-01", "cannot_be_in_past"), ("soon", "invalid_timestamp"), ("9999-12-31", "value_is_out_of_range"),
    ):  # fmt: skip
        assert await refused(**one, subscriptions={**single, "terminated_at": sent}) == (
            422,
            {"terminated_at": [wrong]},
        )
    assert await refused(**one, subscriptions={**single, "plan_code": code}) == (
        422,
        {"base": ["new_plan_should_be_different_from_existing_plan"]},
    )
    assert await refused(**one, plan_code=code, billing_time="noon", subscription_at="x") == (
        422,
        {"billing_time": ["value_is_invalid"], "subscription_at": ["invalid_date"]},
    )
    world.execute("UPDATE plans SET amount_currency = 'EUR' WHERE code = %s", code)
    assert await refused(**one, subscriptions=both) == (422, {"base": ["subscription_currencies_does_not_match"]})
