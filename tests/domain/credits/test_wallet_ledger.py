"""Whatever happens at once, a wallet holds what its movements say, and nothing is spent twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.one_off import create_one_off_invoice
from domain.billing.requests import BillRequest
from domain.credits.wallets.allocation import Bucket
from domain.credits.wallets.create import create_wallet
from domain.credits.wallets.give_back import give_back
from domain.credits.wallets.ongoing_balance import refresh_ongoing_balances
from domain.credits.wallets.spend import open_purses, record_spendings
from domain.credits.wallets.threshold import top_up_on_interval
from domain.credits.wallets.top_up_invoices import follow_payments, invoice_top_ups
from domain.credits.wallets.transactions import create_transactions
from domain.credits.wallets.verify import verify_wallets
from domain.customers.models import Customer
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import tenant_work
from tests.background import background
from tests.domain.billing.test_runs import counted
from tests.domain.billing.world import World, instant

NOW = "2024-03-01T00:00:00Z"


@pytest.fixture
def world(migrated: str) -> Iterator[World]:
    with background(), World(instant(NOW)) as world:
        yield world


async def wallet(world: World, customer: UUID, priority: int = 50) -> UUID:
    params = {"customer_id": str(customer), "rate_amount": "1", "currency": "USD", "priority": priority}
    async with tenant_work(world.tenant) as work:
        return await create_wallet(work, {**params, "code": f"wallet-{priority}"})


def invoice(world: World, customer: UUID, cents: int) -> UUID:
    amounts = dict.fromkeys(
        ("coupons_amount_cents", "credit_notes_amount_cents", "progressive_billing_credit_amount_cents",
         "taxes_amount_cents", "total_paid_amount_cents", "prepaid_credit_amount_cents", "taxes_rate"), 0
    )  # fmt: skip
    sums = dict.fromkeys(
        ("fees_amount_cents", "sub_total_excluding_taxes_amount_cents", "sub_total_including_taxes_amount_cents",
         "total_amount_cents"), cents
    )  # fmt: skip
    required = {row[0] for row in world.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'invoices' AND is_nullable = 'NO'"
        " AND column_default IS NULL"
    )}  # fmt: skip
    known = {
        "organization_id": world.organization_id, "customer_id": customer, "billing_entity_id": world.organization_id,
        "number": "", "invoice_type": "subscription", "status": "finalized", "payment_status": "pending",
        "payment_overdue": False, "currency": "USD", "timezone": "UTC", "issuing_date": "2024-03-01",
        "expected_finalization_date": "2024-03-01", "payment_due_date": "2024-03-01", "net_payment_term": 0,
        "version_number": 4, "skip_charges": False, "self_billed": False, **amounts, **sums,
    }  # fmt: skip
    more = dict.fromkeys(required - known.keys() - {"id", "created_at", "updated_at"}, False)
    return world.insert("invoices", **known, **more)


async def spend(world: World, customer: UUID, invoice_id: UUID, cents: int) -> None:
    async with tenant_work(world.tenant) as work:
        purses = await open_purses(work.session, [customer])
        spending = purses.pay(customer, "USD", [(Bucket("charge"), Decimal(cents))], cents)
        await record_spendings(work, {invoice_id: spending})
    world.execute("UPDATE invoices SET prepaid_credit_amount_cents = %s WHERE id = %s", spending.cents, invoice_id)


async def move(world: World, wallet_id: UUID, **credits: str) -> list[UUID]:
    async with tenant_work(world.tenant) as work:
        return await create_transactions(work, {"wallet_id": str(wallet_id), **credits})


async def buy(world: World, wallet_id: UUID, credits: str, paid: str) -> None:
    (transaction_id,) = await move(world, wallet_id, paid_credits=credits)
    async with tenant_work(world.tenant) as work:
        (invoice_id,) = await invoice_top_ups(work, [transaction_id])
        assert not await invoice_top_ups(work, [transaction_id]), "a purchase has one invoice"
    world.execute("UPDATE invoices SET payment_status = %s WHERE id = %s", paid, invoice_id)
    for _ in range(2):
        async with tenant_work(world.tenant) as work:
            await follow_payments(work, [invoice_id])


async def proved(world: World) -> None:
    async with tenant_work(world.tenant) as work:
        found = await verify_wallets(work)
    assert not found.differences


@pytest.mark.parametrize("seed", range(3))
async def test_fifty_movements_at_once_leave_what_they_sum_up_to(world: World, seed: int) -> None:
    rng = random.Random(seed)
    customer = world.customer()
    wallets = [await wallet(world, customer, priority) for priority in (1, 2, 3)]
    for each in wallets:
        await move(world, each, granted_credits="30", priority="1")
    refused = 0

    async def step() -> None:
        nonlocal refused
        target = rng.choice(wallets)
        amount = str(rng.randint(1, 2000) / Decimal(100))
        kind = rng.choice(("spend", "spend", "grant", "void", "buy", "fail", "return"))
        try:
            if kind == "grant":
                await move(world, target, granted_credits=amount, priority=str(rng.randint(1, 5)))
            elif kind == "void":
                await move(world, target, voided_credits=amount)
            elif kind in ("buy", "fail"):
                await buy(world, target, amount, "succeeded" if kind == "buy" else "failed")
            else:
                cents = rng.randint(1, 6000)
                paid = invoice(world, customer, cents)
                await spend(world, customer, paid, cents)
                if kind == "return":
                    async with tenant_work(world.tenant) as work:
                        await give_back(work, [paid])
                        await give_back(work, [paid])
        except ValidationFailed:
            refused += 1

    await asyncio.gather(*(step() for _ in range(50)))
    await proved(world)
    rows = world.rows("wallets")
    assert all(row.balance_cents >= 0 for row in rows)
    moved = world.rows("wallet_transactions", status="settled")
    assert len(moved) > 20
    assert sum(row.balance_cents for row in rows) == sum(
        row.amount_cents if row.transaction_type == "inbound" else -row.amount_cents for row in moved
    )


async def test_many_invoices_at_once_spend_a_wallet_once(world: World) -> None:
    customer = world.customer()
    only = await wallet(world, customer)
    await move(world, only, granted_credits="10")
    invoices = [invoice(world, customer, 300) for _ in range(10)]
    await asyncio.gather(*(spend(world, customer, each, 300) for each in invoices))
    assert world.rows("wallets")[0].balance_cents == 0
    spent = world.rows("wallet_transactions", transaction_status="invoiced")
    assert sorted(row.amount_cents for row in spent) == [100, 300, 300, 300]
    await proved(world)


async def test_the_database_keeps_an_invoice_from_taking_twice_and_a_balance_from_falling_below_zero(
    world: World,
) -> None:
    customer = world.customer()
    only = await wallet(world, customer)
    await move(world, only, granted_credits="10")
    paid = invoice(world, customer, 300)
    await spend(world, customer, paid, 300)
    with pytest.raises(Exception, match="uq_wallet_transactions_invoiced"):
        await spend(world, customer, paid, 300)
    with pytest.raises(psycopg.errors.CheckViolation, match="balance_not_negative"):
        world.execute("UPDATE wallets SET balance_cents = -1 WHERE id = %s", only)
    await proved(world)


async def test_a_balance_that_is_not_the_sum_of_its_movements_is_found(world: World) -> None:
    customer = world.customer()
    only = await wallet(world, customer)
    await move(world, only, granted_credits="10")
    world.execute("UPDATE wallets SET balance_cents = 999 WHERE id = %s", only)
    async with tenant_work(world.tenant) as work:
        found = await verify_wallets(work)
    (difference,) = found.differences
    assert (difference.kind, difference.what, difference.stored, difference.found) == (
        "wallet", "balance_cents", "999", "1000"
    )  # fmt: skip


async def test_top_ups_by_rule_cost_the_same_statements_for_any_number_of_wallets(world: World) -> None:
    counts = []
    # More than a few each: what is logged of a few is written at once, of many by a job.
    for size in (6, 12):
        wallets = [await wallet(world, world.customer()) for _ in range(size)]
        for each in wallets:
            world.insert(
                "recurring_transaction_rules", organization_id=world.organization_id, wallet_id=each,
                trigger="interval", interval="weekly", method="fixed", paid_credits=2, granted_credits=1,
                threshold_credits=0, started_at=instant("2024-02-09T00:00:00Z"), transaction_metadata=[],
            )  # fmt: skip
        world.at("2024-03-08T00:00:00Z")
        with counted() as statements:
            async with tenant_work(world.tenant) as work:
                made = await top_up_on_interval(work, wallets)
                assert len(made) == 2 * size
                assert await top_up_on_interval(work, wallets) == [], "once a day"
        counts.append(len(statements))
        world.at(NOW)
    assert counts[0] == counts[1]
    await proved(world)


async def test_an_invoice_that_waits_for_its_taxes_is_reckoned_with_unless_no_wallet_pays_it(world: World) -> None:
    customer = world.customer()
    world.insert(
        "pending_vies_checks", organization_id=world.organization_id, customer_id=customer,
        tax_identification_number="DE136695976",
    )  # fmt: skip
    await move(world, await wallet(world, customer), granted_credits="30")
    subscription = world.subscription(customer, world.plan(1000), "2024-02-01T00:00:00Z")
    add_on = {"code": "setup", "name": "Setup", "amount_cents": 700, "amount_currency": "USD"}
    world.insert("add_ons", organization_id=world.organization_id, **add_on)
    async with tenant_work(world.at("2024-03-01T00:10:00Z")) as work:
        await bill_subscriptions(work, [BillRequest((subscription,), world.now, "subscription_periodic")])
        payer = await work.session.get_one(Customer, customer)
        await create_one_off_invoice(work, payer, {"fees": [{"add_on_code": "setup"}]})
    assert {row.status for row in world.rows("invoices", customer_id=customer)} == {"pending"}
    async with tenant_work(world.tenant) as work:
        await refresh_ongoing_balances(work, [customer])
    (found,) = world.rows("wallets", customer_id=customer)
    assert (found.ongoing_usage_balance_cents, found.ongoing_balance_cents) == (1000, 2000)
    world.at(NOW)


async def test_a_refresh_costs_the_same_statements_for_any_number_of_wallets(world: World) -> None:
    world.tax("20", "vat")
    plan = world.plan(1000)
    world.charge(plan, world.metric("input"), "standard", {"amount": "0.1"}, 0)
    world.charge(plan, world.metric("calls", "count_agg", None), "standard", {"amount": "1"}, 1)
    counts = []
    for size in (2, 20):
        customers = []
        for _ in range(size):
            customers.append(world.customer())
            world.subscription(customers[-1], plan, "2024-02-01T00:00:00Z", external_id=str(customers[-1]))
            world.event(str(customers[-1]), "input", "2024-03-01T00:00:00Z", "5")
            await move(world, await wallet(world, customers[-1]), granted_credits="3")
        world.at("2024-03-02T00:00:00Z")
        with counted() as statements:
            async with tenant_work(world.tenant) as work:
                await refresh_ongoing_balances(work, customers)
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert {(row.ongoing_usage_balance_cents, row.ongoing_balance_cents) for row in world.rows("wallets")} == {
        (60, 240)
    }
    await proved(world)
