"""Drafts: refresh, finalize, and numbers without gap or double."""

from __future__ import annotations

import asyncio
from uuid import UUID

from domain.billing.bill import bill_subscriptions
from domain.billing.finalize import finalize, finalize_due, refresh
from domain.billing.requests import BillRequest
from domain.invoicing.events import InvoicesFinalized
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.world import World, instant

MARCH = "2024-03-01T00:10:00Z"


async def drafts(world: World, subscriptions: list[UUID], reason: str = "subscription_periodic") -> list[UUID]:
    async with tenant_work(world.tenant) as work:
        return await bill_subscriptions(work, [BillRequest((one,), world.now, reason) for one in subscriptions])


async def finalized(world: World, *invoice_ids: UUID) -> list[UUID]:
    async with tenant_work(world.tenant) as work:
        return await finalize(work, invoice_ids)


async def test_a_refreshed_draft_takes_late_usage_in_and_stays_a_draft(ledger: Ledger) -> None:
    with World(instant(MARCH), {"invoice_grace_period": 3}) as world:
        plan = world.plan(1000)
        world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
        subscription = world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z", external_id="sub")
        (draft,) = await drafts(world, [subscription])
        world.event("sub", "calls", "2024-02-28T00:00:00Z", "5")
        world.at("2024-03-02T00:00:00Z")
        ledger.events.clear()
        async with tenant_work(world.tenant) as work:
            assert await refresh(work, [draft]) == [draft]
        (invoice,) = world.rows("invoices")
        assert (invoice.status, invoice.fees_amount_cents, invoice.number) == ("draft", 1500, "NOR-1-DRAFT")
        fees = world.rows("fees")
        assert [fee.amount_cents for fee in sorted(fees, key=lambda fee: fee.position)] == [1000, 500]
        assert {fee.created_at for fee in fees} == {instant(MARCH)}
        assert ledger.events == []


async def test_a_finalized_draft_has_its_number_and_the_date_of_today(ledger: Ledger) -> None:
    with World(instant(MARCH), {"invoice_grace_period": 3, "net_payment_term": 30}) as world:
        world.tax("10", "vat")
        subscription = world.subscription(world.customer(), world.plan(1000), "2024-02-01T00:00:00Z")
        (draft,) = await drafts(world, [subscription])
        world.at("2024-03-05T00:20:00Z")
        ledger.events.clear()
        assert await finalized(world, draft) == [draft]
        (invoice,) = world.rows("invoices")
        assert (invoice.status, invoice.number, invoice.finalized_at) == ("finalized", "NOR-1-001-001", world.now)
        assert (str(invoice.issuing_date), str(invoice.payment_due_date)) == ("2024-03-05", "2024-04-04")
        assert (invoice.total_amount_cents, len(world.rows("fee_applied_taxes"))) == (1100, 1)
        assert ledger.events == [InvoicesFinalized((draft,))]


async def test_a_kept_anchor_keeps_the_issuing_date_of_a_periodic_draft() -> None:
    entity = {
        "invoice_grace_period": 3,
        "subscription_invoice_issuing_date_anchor": "current_period_end",
        "subscription_invoice_issuing_date_adjustment": "keep_anchor",
    }
    with World(instant(MARCH), entity) as world:
        subscription = world.subscription(world.customer(), world.plan(1000), "2024-02-01T00:00:00Z")
        (draft,) = await drafts(world, [subscription])
        world.at("2024-03-05T00:20:00Z")
        await finalized(world, draft)
        assert str(world.rows("invoices")[0].issuing_date) == "2024-02-29"


async def test_finalizing_twice_or_something_final_changes_nothing() -> None:
    with World(instant(MARCH), {"invoice_grace_period": 1}) as world:
        subscription = world.subscription(world.customer(), world.plan(1000), "2024-02-01T00:00:00Z")
        (draft,) = await drafts(world, [subscription])
        assert await finalized(world, draft, draft) == [draft]
        before = world.rows("invoices")
        assert await finalized(world, draft) == []
        async with tenant_work(world.tenant) as work:
            assert await refresh(work, [draft]) == []
        assert world.rows("invoices") == before


async def test_a_draft_of_another_tenant_is_left_alone() -> None:
    with World(instant(MARCH), {"invoice_grace_period": 1}) as world, World(instant(MARCH)) as other:
        subscription = world.subscription(world.customer(), world.plan(1000), "2024-02-01T00:00:00Z")
        (draft,) = await drafts(world, [subscription])
        assert await finalized(other, draft) == []
        assert world.rows("invoices")[0].status == "draft"


async def test_a_draft_of_a_termination_on_the_first_day_keeps_its_whole_period() -> None:
    with World(instant("2024-04-01T00:05:00Z"), {"invoice_grace_period": 2}) as world:
        subscription = world.subscription(
            world.customer(), world.plan(10000), "2024-02-01T00:00:00Z", status="terminated",
            terminated_at=instant("2024-04-01T00:05:00Z"),
        )  # fmt: skip
        (draft,) = await drafts(world, [subscription], "subscription_terminating")
        world.at("2024-04-03T00:20:00Z")
        await finalized(world, draft)
        assert world.rows("invoices")[0].fees_amount_cents == 10000


async def test_the_job_hands_out_what_is_due_by_the_date_in_utc(ledger: Ledger) -> None:
    with World(instant(MARCH), {"invoice_grace_period": 3}) as world:
        ids = await drafts(world, world.subscriptions(3, world.plan(100), "2024-02-01T00:00:00Z"))
        for when, count in (("2024-03-03T23:59:00Z", 0), ("2024-03-04T00:20:00Z", 3)):
            world.at(when)
            async with tenant_work(world.tenant) as work:
                assert await finalize_due(work) == count
        (job,) = ledger.arguments("billing.finalize_chunk")
        assert sorted(job["invoice_ids"]) == sorted(ids)


async def test_fifty_finalizations_at_once_number_without_gap_or_double() -> None:
    with World(instant(MARCH), {"invoice_grace_period": 1}) as world:
        customer, plan = world.customer(), world.plan(100)
        rows = [world.subscription(customer, plan, "2024-02-01T00:00:00Z") for _ in range(50)]
        ids = await drafts(world, rows)
        await asyncio.gather(*(finalized(world, one) for one in ids))
        numbers = sorted(row.number for row in world.rows("invoices"))
        assert numbers == [f"NOR-1-001-{n:03d}" for n in range(1, 51)]


async def test_fifty_finalizations_at_once_share_the_sequence_of_the_billing_entity() -> None:
    entity = {"invoice_grace_period": 1, "document_numbering": "per_billing_entity"}
    with World(instant(MARCH), entity) as world:
        ids = await drafts(world, world.subscriptions(50, world.plan(100), "2024-02-01T00:00:00Z"))
        await asyncio.gather(*(finalized(world, one) for one in ids))
        numbers = sorted(row.number for row in world.rows("invoices"))
        assert numbers == [f"NOR-1-202403-{n:03d}" for n in range(1, 51)]


async def test_a_billing_entity_that_turns_to_its_own_sequence_goes_on_from_what_it_issued() -> None:
    with World(instant(MARCH)) as world:
        plan = world.plan(100)
        await drafts(world, world.subscriptions(3, plan, "2024-02-01T00:00:00Z"))
        world.execute("UPDATE billing_entities SET document_numbering = 'per_billing_entity'")
        (last,) = await drafts(world, world.subscriptions(1, plan, "2024-02-01T00:00:00Z"))
        (invoice,) = world.rows("invoices", id=last)
        assert (invoice.number, invoice.sequential_id) == ("NOR-1-202403-004", 1)
        world.execute("UPDATE billing_entities SET document_numbering = 'per_customer'")
        await drafts(world, world.subscriptions(2, plan, "2024-02-01T00:00:00Z"))
        world.execute("UPDATE billing_entities SET document_numbering = 'per_billing_entity'")
        (again,) = await drafts(world, world.subscriptions(1, plan, "2024-02-01T00:00:00Z"))
        assert world.rows("invoices", id=again)[0].number == "NOR-1-202403-007"


async def test_self_billed_invoices_stay_out_of_the_sequence_of_the_billing_entity() -> None:
    with World(instant(MARCH), {"document_numbering": "per_billing_entity"}) as world:
        plan, start = world.plan(100), "2024-02-01T00:00:00Z"
        partner = world.subscription(world.customer(account_type="partner"), plan, start)
        usual = world.subscription(world.customer(), plan, start)
        await drafts(world, [partner, usual])
        assert sorted(row.number for row in world.rows("invoices")) == ["NOR-1-001-001", "NOR-1-202403-001"]


async def test_a_run_that_fails_after_numbering_gives_its_numbers_back() -> None:
    with World(instant(MARCH)) as world:
        one, two = world.subscriptions(2, world.plan(100), "2024-02-01T00:00:00Z")
        request = [BillRequest((one,), world.now, "subscription_periodic")]
        try:
            async with tenant_work(world.tenant) as work:
                await bill_subscriptions(work, request)
                raise RuntimeError
        except RuntimeError:
            pass
        assert world.rows("invoice_number_counters") == []
        await drafts(world, [one, two])
        assert sorted(row.number for row in world.rows("invoices")) == ["NOR-1-001-001", "NOR-1-002-001"]
