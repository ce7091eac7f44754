"""Drafts follow the terms and prices they were built from; planned changes of plan follow prices."""

from __future__ import annotations

from domain.billing.customers import update_customer
from domain.billing.drafts import move_draft_dates, refresh_drafts
from domain.billing.plan_amounts import follow_amounts
from domain.catalog.events import CustomerTaxesChanged
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.test_bill import bill
from tests.domain.billing.world import World, instant


async def test_a_changed_grace_period_moves_the_dates_of_a_customers_drafts_and_finalizes_what_is_due() -> None:
    with World(instant("2024-05-01T00:00:00Z"), entity={"invoice_grace_period": 5}) as world:
        customer = world.customer()
        subscription = world.subscription(customer, world.plan(1000), "2024-05-01T00:00:00Z")
        world.at("2024-06-01T00:10:00Z")
        (draft,) = await bill(world, subscription)
        world.execute("UPDATE customers SET invoice_grace_period = 9, net_payment_term = 30 WHERE id = %s", customer)
        async with tenant_work(world.tenant) as work:
            assert await move_draft_dates(work, customer_ids=[customer]) == 1
            assert not work.recorded[1], "nothing is due yet"
        (row,) = world.rows("invoices", id=draft)
        assert (str(row.expected_finalization_date), str(row.issuing_date)) == ("2024-06-10", "2024-06-10")
        assert (str(row.payment_due_date), row.net_payment_term) == ("2024-07-10", 30)
        world.execute("UPDATE customers SET invoice_grace_period = 0 WHERE id = %s", customer)
        async with tenant_work(world.tenant) as work:
            await move_draft_dates(work, customer_ids=[customer])
            assert work.recorded[1] == 1, "what became due is handed over to be finalized"
            work.forget_since((0, 0))
        async with tenant_work(world.tenant) as work:
            await move_draft_dates(work, billing_entity_ids=[world.organization_id])
            assert not work.recorded[1], "a change on the billing entity only moves dates"


async def test_only_drafts_of_the_plans_with_an_active_subscription_are_refreshed() -> None:
    with World(instant("2024-05-01T00:00:00Z"), entity={"invoice_grace_period": 5}) as world:
        plans = [world.plan(1000) for _ in range(3)]
        child = world.plan(500, parent_id=plans[0])
        subscriptions = [world.subscription(world.customer(), plan, "2024-05-01T00:00:00Z") for plan in (*plans, child)]
        world.at("2024-06-01T00:10:00Z")
        for each in subscriptions:
            await bill(world, each)
        world.execute("UPDATE subscriptions SET status = 'terminated', terminated_at = %s WHERE id = %s",
                      world.now, subscriptions[2])  # fmt: skip
        async with tenant_work(world.tenant) as work:
            assert await refresh_drafts(work, [plans[0], plans[2]]) == 2
            assert await refresh_drafts(work, None) == 3
            customer = world.rows("subscriptions", id=subscriptions[1])[0].customer_id
            assert await refresh_drafts(work, [], [customer]) == 1
            work.forget_since((0, 0))


async def test_other_taxes_of_a_customer_are_an_event_and_the_same_ones_are_none(ledger: Ledger) -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        customer = world.customer()
        world.tax_alone("20", "vat")
        for codes, changed in ((["vat"], True), (["vat"], False), (None, False), ([], True), ([], False)):
            ledger.events.clear()
            async with tenant_work(world.tenant) as work:
                await update_customer(work, customer, {"tax_codes": codes})
            assert (CustomerTaxesChanged((customer,)) in ledger.events) is changed


async def test_a_planned_downgrade_to_what_is_dearer_now_is_called_off_or_starts_at_once() -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        old, new = world.plan(1000), world.plan(800)
        for _ in range(2):
            customer = world.customer()
            current = world.subscription(customer, old, "2024-05-01T00:00:00Z")
            world.subscription(
                customer, new, "2024-05-01T00:00:00Z", status="pending", activated_at=None,
                previous_subscription_id=current, external_id=f"sub-{current}",
            )  # fmt: skip
        async with tenant_work(world.tenant) as work:
            await follow_amounts(work, [old, new])
        assert {row.status for row in world.rows("subscriptions", plan_id=new)} == {"pending"}, "nothing turned round"
        world.execute("UPDATE plans SET amount_cents = 500 WHERE id = %s", old)
        async with tenant_work(world.tenant) as work:
            await follow_amounts(work, [old])
        assert {row.status for row in world.rows("subscriptions", plan_id=new)} == {"canceled"}
        world.execute("UPDATE subscriptions SET status = 'pending', canceled_at = NULL WHERE plan_id = %s", new)
        async with tenant_work(world.tenant) as work:
            await follow_amounts(work, [new])
        assert {row.status for row in world.rows("subscriptions", plan_id=old)} == {"terminated"}
        assert sorted(row.status for row in world.rows("subscriptions", plan_id=new)) == [
            "active", "active", "canceled", "canceled",
        ]  # fmt: skip
