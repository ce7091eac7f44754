"""/api/v1/analytics"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import tenant_work
from domain.metering.daily_usages import keep_days
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api

NAMES = ("gross_revenue", "mrr", "invoice_collection", "invoiced_usage", "overdue_balance")


@pytest.fixture
def world(api: Api) -> Any:
    """The organization of the interface, as of the first of March 2024, made in January."""
    organization_id = api.registered.founded.organization.id
    with World(instant("2024-03-01T00:00:00Z"), organization_id=organization_id, adopted=True) as world:
        world.execute(
            "UPDATE organizations SET created_at = '2024-01-10', sandbox = true, frozen_at = %s WHERE id = %s",
            world.now, organization_id,
        )  # fmt: skip
        yield world


async def bill(world: World, subscription: UUID) -> UUID:
    async with tenant_work(world.tenant) as work:
        request = BillRequest((subscription,), world.now, "subscription_periodic")
        (invoice_id,) = await bill_subscriptions(work, [request])
    return invoice_id


async def figures(api: Api, name: str, query: str = "") -> Any:
    answer = await api.get(f"/analytics/{name}{query}")
    assert answer.status_code == 200, answer.text
    (rows,) = answer.json().values()
    return rows


def month(text: str) -> str:
    return f"2024-{text}-01T00:00:00.000Z"


async def test_figures_of_a_month(api: Api, stranger: Api, world: World) -> None:
    world.tax("20", "vat")
    plan = world.plan(10_000)
    world.charge(plan, world.metric("calls"), "standard", {"amount": "10"})
    customer = world.customer()
    subscription = world.subscription(customer, plan, "2024-02-01T00:00:00Z", external_id="s")
    world.event("s", "calls", "2024-02-05T00:00:00Z", "3")
    world.coupon(customer, plan, percentage_rate="10", frequency="once")
    invoice_id = await bill(world, subscription)
    other = await bill(world, world.subscription(world.customer(), world.plan(500, amount_currency="EUR"),
                                                 "2024-02-01T00:00:00Z"))  # fmt: skip
    world.execute("UPDATE invoices SET payment_overdue = true, payment_due_date = '2024-02-20' WHERE id = %s",
                  invoice_id)  # fmt: skip
    world.execute("UPDATE invoices SET payment_status = 'succeeded', total_paid_amount_cents = total_amount_cents"
                  " WHERE id = %s", other)  # fmt: skip
    # 10000 and 3000 less a tenth, with tax.
    euros = {"month": month("03"), "amount_cents": 600, "currency": "EUR", "invoices_count": 1}
    dollars = {"month": month("03"), "amount_cents": 14040, "currency": "USD", "invoices_count": 1}
    assert await figures(api, "gross_revenue") == [euros, dollars]
    assert await figures(api, "gross_revenue", "?currency=USD&external_customer_id=customer-1") == [dollars]
    assert await figures(api, "gross_revenue", "?external_customer_id=customer-2&months=1") == [euros]
    assert await figures(api, "mrr") == [
        {"month": month("01"), "amount_cents": None, "currency": None},
        {"month": month("02"), "amount_cents": None, "currency": None},
        {"month": month("03"), "amount_cents": 600, "currency": "EUR"},
        {"month": month("03"), "amount_cents": 10800, "currency": "USD"},
    ]
    nothing = {"payment_status": None, "invoices_count": 0, "amount_cents": 0, "currency": None}
    assert await figures(api, "invoice_collection", "?months=2") == [
        {"month": month("02"), **nothing},
        {"month": month("03"), "payment_status": "pending", "invoices_count": 1, "amount_cents": 14040,
         "currency": "USD"},
        {"month": month("03"), "payment_status": "succeeded", "invoices_count": 1, "amount_cents": 600,
         "currency": "EUR"},
    ]  # fmt: skip
    assert await figures(api, "invoiced_usage") == [
        {"month": month("03"), "code": "calls", "amount_cents": 2700, "currency": "USD"}
    ]
    assert await figures(api, "overdue_balance") == [
        {"month": month("02"), "amount_cents": 14040, "currency": "USD", "lago_invoice_ids": [str(invoice_id)]}
    ]
    assert await figures(api, "overdue_balance", "?months=1") == []
    assert await figures(api, "overdue_balance", "?is_customer_tin_empty=false") == []
    for name in NAMES:
        rows = await figures(stranger, name)
        assert all(not row.get("amount_cents") for row in rows)


async def test_what_is_longer_than_a_month_is_spread(api: Api, world: World) -> None:
    year = world.plan(12_000, "yearly", pay_in_advance=True)
    subscription = world.subscription(world.customer(), year, "2024-01-01T00:00:00Z")
    world.at("2024-01-01T00:00:00Z")
    async with tenant_work(world.tenant) as work:
        await bill_subscriptions(work, [BillRequest((subscription,), world.now, "subscription_starting")])
    weekly = world.subscription(world.customer(), world.plan(1000, "weekly"), "2024-01-01T00:00:00Z")
    for day in ("2024-01-08T00:00:00Z", "2024-01-15T00:00:00Z"):
        world.at(day)
        await bill(world, weekly)
    world.at("2024-03-01T00:00:00Z")
    assert [row["amount_cents"] for row in await figures(api, "mrr")] == [5330, 1000, 1000]


async def test_wrong_filters_and_a_key_without_the_right(api: Api, world: World) -> None:
    answer = await api.get(f"/analytics/mrr?billing_entity_id={new_id()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "billing_entity_not_found")
    answer = await api.get(f"/analytics/mrr?billing_entity_id={new_id()}&billing_entity_code=x")
    assert answer.status_code == 422
    assert len(await figures(api, "mrr", "?months=-3&currency=XXX")) == 3


async def test_usage_of_days_weeks_and_months(api: Api, stranger: Api, world: World) -> None:
    plan, dear = world.plan(0), world.plan(0, amount_currency="EUR", code="dear")
    calls, seats = world.metric("calls"), world.metric("seats", recurring=True)
    world.charge(plan, calls, "standard", {"amount": "1"})
    world.charge(plan, seats, "standard", {"amount": "5"}, 1)
    world.charge(dear, calls, "standard", {"amount": "2"})
    one = world.subscription(world.customer(country="FR"), plan, "2024-02-01T00:00:00Z", external_id="one")
    two = world.subscription(world.customer(), dear, "2024-02-01T00:00:00Z", external_id="two")
    for day, units in (("03", "1.5"), ("04", "2"), ("05", "4")):  # Saturday, Sunday, Monday
        world.event("one", "calls", f"2024-02-{day}T12:00:00Z", units)
        if day == "05":
            world.event("one", "seats", "2024-02-05T12:00:00Z", "1")
            world.event("two", "calls", "2024-02-05T12:00:00Z", "1")
        world.at(f"2024-02-{int(day) + 1:02}T00:15:00Z")
        async with tenant_work(world.tenant) as work:
            await keep_days(work, [one, two])
    world.execute("UPDATE billable_metrics SET deleted_at = %s WHERE code = 'seats'", world.now)
    world.execute("UPDATE organizations SET frozen_at = '2024-03-01' WHERE id = %s", world.organization_id)

    def row(first: str, last: str, amount: int, units: str, code: str = "calls", currency: str = "USD") -> Any:
        return {"organization_id": str(world.organization_id), "start_of_period_dt": f"2024-{first}",
                "end_of_period_dt": f"2024-{last}", "amount_currency": currency, "amount_cents": amount,
                "billable_metric_code": code, "units": units,
                "is_billable_metric_deleted": code == "seats"}  # fmt: skip

    euros = row("02-05", "02-05", 200, "1.0", currency="EUR")
    assert await figures(api, "usage") == [
        row("02-03", "02-03", 150, "1.5"),
        row("02-04", "02-04", 200, "2.0"),
        euros,
        row("02-05", "02-05", 400, "4.0"),
        row("02-05", "02-05", 500, "1.0", "seats"),
    ]
    week = [row("01-29", "02-04", 350, "3.5"), row("02-05", "02-11", 400, "4.0")]
    assert await figures(api, "usage", "?time_granularity=weekly&currency=USD&billable_metric_code=calls") == week
    month = [row("02-01", "02-29", 750, "7.5"), row("02-01", "02-29", 500, "1.0", "seats")]
    assert await figures(api, "usage", "?time_granularity=monthly&external_customer_id=customer-1") == month
    assert await figures(api, "usage", "?time_granularity=monthly&customer_country=FR") == month
    for wanted in ("plan_code=dear", "external_subscription_id=two", "currency=EUR",
                   "from_date=2024-02-05&to_date=2024-02-05&currency=EUR"):  # fmt: skip
        assert await figures(api, "usage", f"?{wanted}") == [euros]
    assert len(await figures(api, "usage", "?is_billable_metric_recurring=true")) == 1
    for nothing in ("customer_type=company", "from_date=2024-02-06", "to_date=2024-02-02", "to_date=0001-01-01"):
        assert await figures(api, "usage", f"?{nothing}") == []
    assert await figures(stranger, "usage", "?from_date=2024-01-01&to_date=9999-12-31") == []
    answer = await api.get("/analytics/usage?time_granularity=hourly&from_date=soon&is_billable_metric_recurring=x")
    assert (answer.status_code, answer.json()["error_details"]) == (422, {
        "time_granularity": ["value_is_invalid"], "from_date": ["invalid_date"],
        "is_billable_metric_recurring": ["value_is_invalid"],
    })  # fmt: skip
