"""Billing subscriptions: what an invoice contains, and that nothing is billed twice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions, tenant_work
from tests.domain.billing.world import World, instant

PERIODIC = "subscription_periodic"


@pytest.fixture(autouse=True)
def no_reactions(migrated: str) -> Iterator[None]:
    async def requests(work: UnitOfWork, events: object) -> list[JobRequest]:
        return []

    async def dispatch(rows: object) -> None:
        return None

    install_reactions(Reactions(requests, dispatch, {}))
    yield
    install_reactions(None)


async def test_a_month_of_usage_on_three_charge_models_comes_to_109_55_dollars() -> None:
    with World(instant("2023-11-01T00:00:00Z")) as world:
        plan = world.plan(4900)
        first = world.metric("input")
        second = world.metric("output")
        third = world.metric("calls")
        world.charge(plan, first, "standard", {"amount": "0.000003"}, 0)
        ranges = [
            {"from_value": 0, "to_value": 200000, "per_unit_amount": "0.00001", "flat_amount": "0"},
            {"from_value": 200001, "to_value": None, "per_unit_amount": "0.000008", "flat_amount": "0"},
        ]
        world.charge(plan, second, "graduated", {"graduated_ranges": ranges}, 1)
        world.charge(plan, third, "package", {"amount": "0.50", "package_size": 1000, "free_units": 1000}, 2)
        customer = world.customer()
        subscription = world.subscription(customer, plan, "2023-11-01T00:00:00Z", external_id="code")
        world.event("code", "input", "2023-11-05T00:00:00Z", "18059000")
        world.event("code", "input", "2023-12-01T00:00:00Z", "7")
        world.event("code", "output", "2023-11-30T23:59:59.999Z", "246250")
        world.event("code", "calls", "2023-11-01T00:00:00Z", "8400")
        async with tenant_work(world.at("2023-12-01T00:10:00Z")) as work:
            made = await bill_subscriptions(work, [BillRequest((subscription,), world.now, PERIODIC)])
        invoice = world.invoice_of(made)
        fees = world.rows("fees", order="position", invoice_id=invoice.id)
        assert [fee.amount_cents for fee in fees] == [4900, 5418, 237, 400]
        assert invoice.total_amount_cents == 10955
        assert (invoice.number, invoice.status, invoice.payment_status) == ("NOR-1-001-001", "finalized", "pending")
        assert fees[1].units == Decimal(18059000)
        assert str(invoice.issuing_date) == "2023-12-01"
