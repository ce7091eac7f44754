"""Billing runs: who is due, chunks, and that nothing is billed twice whatever happens at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from domain.billing import due
from domain.billing.build import build
from domain.billing.chunk import bill_chunk
from domain.billing.due import bill_due
from domain.billing.requests import Line, Target
from domain.invoicing.write import insert_invoices
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import tenant_work
from infrastructure.database import engine
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.world import World, instant

MARCH = "2024-03-01T00:10:00Z"


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent inside the block."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(engine().sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine().sync_engine, "before_cursor_execute", note)


def priced_plan(world: World) -> UUID:
    plan = world.plan(4900)
    world.charge(plan, world.metric("input"), "standard", {"amount": "0.01"}, 0)
    world.charge(plan, world.metric("calls", "count_agg", None), "standard", {"amount": "1"}, 1)
    world.charge(plan, world.metric("peak", "max_agg"), "standard", {"amount": "1"}, 2)
    return plan


async def due_of(world: World, ledger: Ledger) -> list[list[UUID]]:
    """The groups that the hourly selection hands out now."""
    ledger.jobs.clear()
    async with tenant_work(world.tenant) as work:
        await bill_due(work)
    return [group for job in ledger.arguments("billing.bill_chunk") for group in job["groups"]]


async def run(world: World, groups: list[list[UUID]]) -> int:
    async with tenant_work(world.tenant) as work:
        return await bill_chunk(work, groups, world.now)


async def test_a_chunk_costs_the_same_statements_at_10_100_and_500_subscriptions() -> None:
    counts = []
    for size in (10, 100, 500):
        with World(instant(MARCH)) as world:
            world.tax("20", "vat")
            plan = priced_plan(world)
            groups = [[one] for one in world.subscriptions(size, plan, "2024-02-01T00:00:00Z")]
            for code in ("input", "calls", "peak"):
                external_id = world.rows("subscriptions")[0].external_id
                world.event(external_id, code, "2024-02-03T00:00:00Z", "5")
            with counted() as statements:
                assert await run(world, groups) == size
            counts.append(len(statements))
    assert counts[0] == counts[1] == counts[2]
    assert counts[0] < 35


async def test_two_runs_at_once_bill_each_period_once(ledger: Ledger) -> None:
    with World(instant(MARCH)) as world:
        groups = [[one] for one in world.subscriptions(40, priced_plan(world), "2024-02-01T00:00:00Z")]
        made = await asyncio.gather(*(run(world, groups) for _ in range(3)))
        assert sum(made) == 40
        assert len(world.rows("invoices")) == len(world.rows("invoice_subscriptions")) == 40
        assert {row.number.rpartition("-")[2] for row in world.rows("invoices")} == {"001"}


async def test_a_run_an_hour_later_finds_nothing_left_to_bill(ledger: Ledger) -> None:
    with World(instant(MARCH)) as world:
        world.subscriptions(3, world.plan(100), "2024-02-01T00:00:00Z")
        groups = await due_of(world, ledger)
        assert len(groups) == 3
        assert await run(world, groups) == 3
        world.at("2024-03-01T01:10:00Z")
        assert await due_of(world, ledger) == []
        assert await run(world, groups) == 0


async def test_overlapping_groups_bill_what_is_left() -> None:
    with World(instant(MARCH)) as world:
        customer, plan = world.customer(), world.plan(100)
        one, two = (world.subscription(customer, plan, "2024-02-01T00:00:00Z") for _ in range(2))
        assert await run(world, [[one]]) == 1
        assert await run(world, [[one, two]]) == 1
        assert sorted(row.subscription_id for row in world.rows("invoice_subscriptions")) == sorted([one, two])
        assert [row.fees_amount_cents for row in world.rows("invoices")] == [100, 100]


async def test_the_selection_follows_billing_days_zones_and_states(ledger: Ledger) -> None:
    with World(instant("2024-03-01T02:10:00Z")) as world:
        monthly, weekly = world.plan(100), world.plan(100, "weekly")
        start = "2024-01-15T00:00:00Z"
        due_today = world.subscription(world.customer(), monthly, start)
        world.subscription(world.customer(), weekly, start)  # a Friday
        still_february = world.customer(timezone="America/New_York")
        world.subscription(still_february, monthly, start)
        fifteenth = world.customer()
        world.subscription(fifteenth, monthly, start, billing_time="anniversary")
        world.subscription(world.customer(), monthly, "2024-03-01T00:00:00Z")  # started today
        world.subscription(world.customer(), monthly, start, ending_at=instant("2024-03-01T20:00:00Z"))
        world.subscription(world.customer(), monthly, start, status="terminated")
        world.subscription(world.customer(), monthly, start, created_at=instant("2024-03-02T00:00:00Z"))
        assert await due_of(world, ledger) == [[due_today]]


async def test_an_anchor_on_the_31st_is_due_on_the_last_day_of_a_shorter_month(ledger: Ledger) -> None:
    with World(instant("2024-02-29T00:10:00Z")) as world:
        plan = world.plan(100)
        anchored = world.subscription(world.customer(), plan, "2024-01-31T10:00:00Z", billing_time="anniversary")
        assert await due_of(world, ledger) == [[anchored]]
        world.at("2024-03-01T00:10:00Z")
        assert await due_of(world, ledger) == []


async def test_rows_of_a_customer_share_an_invoice_unless_something_parts_them(ledger: Ledger) -> None:
    with World(instant(MARCH)) as world:
        customer, plan, euros = world.customer(), world.plan(100), world.plan(100, amount_currency="EUR")
        start = "2024-02-01T00:00:00Z"
        together = {world.subscription(customer, plan, start) for _ in range(2)}
        alone = world.subscription(customer, plan, start, consolidate_invoice=False)
        ordered = world.subscription(customer, plan, start, purchase_order_number="PO-7")
        foreign = world.subscription(customer, euros, start)
        by_hand = world.subscription(customer, plan, start, payment_method_type="manual")
        default, other = (
            world.insert("payment_methods", organization_id=world.organization_id, customer_id=customer,
                         provider_method_id=name, is_default=name == "default", details={})
            for name in ("default", "other")
        )  # fmt: skip
        together.add(world.subscription(customer, plan, start, payment_method_id=default))
        by_card = world.subscription(customer, plan, start, payment_method_id=other)
        groups = [set(group) for group in await due_of(world, ledger)]
        assert together in groups
        assert all({one} in groups for one in (alone, ordered, foreign, by_hand, by_card))
        assert len(groups) == 6
        assert await run(world, [list(group) for group in groups]) == 6


async def test_chunks_hold_whole_customers(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "CHUNK_CUSTOMERS", 2)
    with World(instant(MARCH)) as world:
        plan = world.plan(100)
        for _ in range(5):
            customer = world.customer()
            for _ in range(2):
                world.subscription(customer, plan, "2024-02-01T00:00:00Z")
        await due_of(world, ledger)
        chunks = [job["groups"] for job in ledger.arguments("billing.bill_chunk")]
        assert [len(chunk) for chunk in chunks] == [2, 2, 1]
        assert all(len(group) == 2 for chunk in chunks for group in chunk)


async def test_the_same_chunk_waits_once_in_the_ledger(ledger: Ledger) -> None:
    with World(instant(MARCH)) as world:
        world.subscriptions(2, world.plan(100), "2024-02-01T00:00:00Z")
        await due_of(world, ledger)
        await due_of(world, ledger)
        assert len(world.rows("jobs")) == 1


async def test_a_planned_downgrade_is_handed_to_the_switch(ledger: Ledger) -> None:
    with World(instant(MARCH)) as world:
        customer, plan = world.customer(), world.plan(100)
        old = world.subscription(customer, plan, "2024-02-01T00:00:00Z", external_id="sub")
        world.subscription(
            customer, world.plan(50), MARCH, external_id="sub", status="pending", previous_subscription_id=old
        )
        assert await due_of(world, ledger) == []
        (job,) = ledger.arguments("billing.switch_to_next")
        assert job["subscription_ids"] == [old]


async def test_a_bad_row_is_cornered_by_halving_and_the_others_are_billed(ledger: Ledger) -> None:
    with World(instant(MARCH)) as world:
        good = [[one] for one in world.subscriptions(6, world.plan(100), "2024-02-01T00:00:00Z")]
        priceless = world.plan(100)
        bad = world.subscription(world.customer(), priceless, "2024-02-01T00:00:00Z", external_id="bad")
        world.charge(priceless, world.metric("calls"), "standard", {"amount": "no number"})
        groups = [*good[:3], [bad], *good[3:]]
        waiting, failed, rounds = [groups], [], 0
        while waiting:
            rounds += 1
            ledger.jobs.clear()
            part = waiting.pop()
            try:
                await run(world, part)
            except Exception:
                failed.append(part)
            waiting += [job["groups"] for job in ledger.arguments("billing.bill_chunk")]
        assert failed == [[[bad]]]
        assert rounds <= 7
        assert len(world.rows("invoices")) == 6
        assert len(world.rows("invoice_number_counters")) == 6


async def test_a_refused_group_leaves_nothing_behind_and_costs_no_number(ledger: Ledger) -> None:
    with World(instant(MARCH)) as world:
        customer, plan = world.customer(), world.plan(100)
        one = world.subscription(customer, plan, "2024-02-01T00:00:00Z", purchase_order_number="A")
        two = world.subscription(customer, plan, "2024-02-01T00:00:00Z", purchase_order_number="B")
        with pytest.raises(ValidationFailed):
            await run(world, [[one, two]])
        assert ledger.events == []
        assert await run(world, [[one]]) == 1
        assert [row.number for row in world.rows("invoices")] == ["NOR-1-001-001"]


async def test_a_period_that_another_hand_writes_between_check_and_write_is_dropped_without_a_number() -> None:
    with World(instant(MARCH)) as world:
        (one,) = world.subscriptions(1, world.plan(100), "2024-02-01T00:00:00Z")
        target = Target(new_id(), world.now, (Line(one, world.now, "subscription_periodic"),))
        async with tenant_work(world.tenant) as work:
            (built,) = await build(work, [target])
            taken = {**built.rows.subscriptions[0], "id": new_id(), "invoice_id": other_invoice(world)}
            world.insert("invoice_subscriptions", organization_id=world.organization_id, **taken)
            assert await insert_invoices(work, [built.rows]) == {}
        assert [row.number for row in world.rows("invoices")] == ["other"]
        assert world.rows("fees") == []


def other_invoice(world: World) -> UUID:
    """An invoice written by another hand."""
    today = world.now.date()
    amounts = ("fees", "coupons", "credit_notes", "prepaid_credit", "progressive_billing_credit", "taxes", "total")
    names = [f"{name}_amount_cents" for name in (*amounts, "sub_total_excluding_taxes", "sub_total_including_taxes")]
    return world.insert(
        "invoices",
        organization_id=world.organization_id,
        customer_id=world.rows("customers")[0].id,
        billing_entity_id=world.organization_id,
        number="other",
        invoice_type="subscription",
        status="finalized",
        payment_status="pending",
        payment_overdue=False,
        currency="USD",
        timezone="UTC",
        issuing_date=today,
        expected_finalization_date=today,
        payment_due_date=today,
        net_payment_term=0,
        taxes_rate=0,
        total_paid_amount_cents=0,
        version_number=4,
        skip_charges=False,
        self_billed=False,
        **dict.fromkeys(names, 0),
    )
