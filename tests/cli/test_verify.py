"""`tarn verify`: what was billed is computed again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest

from cli.verify import verified
from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.credits.wallets.create import create_wallet
from domain.credits.wallets.transactions import create_transactions
from domain.kernel.unit_of_work import install_reactions, tenant_work
from tasks.app import install
from tests.domain.billing.world import World, instant

MARCH = "2024-03-01T00:10:00Z"


@pytest.fixture
def world(migrated: str) -> Iterator[World]:
    install()
    with World(instant(MARCH)) as world:
        yield world
    install_reactions(None)


async def billed(world: World, name: str) -> UUID:
    """An invoice with a base fee for part of a month, two groups of usage under a minimum, and tax."""
    plan = world.plan(4900)
    properties = {"amount": "0.25", "pricing_group_keys": ["region"]}
    world.charge(plan, world.metric(f"calls-{name}"), "standard", properties, min_amount_cents=9000)
    world.commitment(plan, 20000)
    subscription = world.subscription(world.customer(external_id=name), plan, "2024-02-15T00:00:00Z", external_id=name)
    world.event(name, f"calls-{name}", "2024-02-16T00:00:00Z", "3")
    async with tenant_work(world.tenant) as work:
        (made,) = await bill_subscriptions(
            work, [BillRequest((subscription,), instant(MARCH), "subscription_periodic")]
        )
    return made


async def test_what_was_billed_is_found_again_from_its_events(world: World) -> None:
    world.tax("19", "vat")
    await billed(world, "ada")
    await billed(world, "bob")
    found = await verified([world.tenant], None, None)
    assert (found.invoices, found.recomputed, found.differences) == (2, 2, [])


async def test_a_late_event_is_a_difference_of_that_customer_only(world: World) -> None:
    invoice_id = await billed(world, "ada")
    await billed(world, "bob")
    world.event("ada", "calls-ada", "2024-02-20T00:00:00Z", "2")
    (invoice,) = world.rows("invoices", "number", id=invoice_id)
    (difference,) = (await verified([world.tenant], None, None)).differences
    assert str(difference) == f"{invoice.number}: units of calls-ada: billed 3.0, now 5.0"
    assert not (await verified([world.tenant], "bob", None)).differences
    assert (await verified([world.tenant], None, date(2023, 12, 1))).invoices == 0
    assert (await verified([world.tenant], None, date(2024, 3, 1))).invoices == 2


async def test_a_progressive_invoice_is_found_again_as_of_its_instant(world: World) -> None:
    plan, name = world.plan(4900), "ada"
    world.charge(plan, world.metric("calls"), "standard", {"amount": "2"})
    subscription = world.subscription(world.customer(external_id=name), plan, "2024-03-01T00:00:00Z", external_id=name)
    world.event(name, "calls", "2024-03-02T00:00:00Z", "3")
    world.at("2024-03-10T00:00:00Z")
    async with tenant_work(world.tenant) as work:
        (made,) = await bill_subscriptions(work, [BillRequest((subscription,), world.now, "progressive_billing")])
    world.event(name, "calls", "2024-03-20T00:00:00Z", "5")
    found = await verified([world.tenant], None, None)
    assert (found.invoices, found.recomputed, found.differences, found.skipped) == (1, 1, [], {})
    world.event(name, "calls", "2024-03-09T00:00:00Z", "1")
    (difference,) = (await verified([world.tenant], None, None)).differences
    assert (difference.what, difference.billed, difference.found) == ("units of calls", "3.0", "4.0")
    world.execute("UPDATE invoices SET invoice_type = 'one_off' WHERE id = %s", made)
    found = await verified([world.tenant], None, None)
    assert (found.recomputed, found.skipped) == (0, {"one-off: the lines were given": 1})


@pytest.mark.parametrize(
    ("column", "what"),
    [("fees_amount_cents", "fees"), ("taxes_amount_cents", "taxes"), ("total_amount_cents", "total")],
)
async def test_an_amount_that_was_tampered_with_is_named(world: World, column: str, what: str) -> None:
    world.tax("19", "vat")
    invoice_id = await billed(world, "ada")
    world.execute(f"UPDATE invoices SET {column} = {column} + 1 WHERE id = %s", invoice_id)
    (difference,) = (await verified([world.tenant], None, None)).differences
    assert difference.what == what


async def test_the_command_says_what_differs_and_leaves_with_1(
    world: World, environment: dict[str, str], database_url: str
) -> None:
    await billed(world, "ada")

    async def run(*arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", "verify", *arguments,
            env={**os.environ, **environment, "DATABASE_URL": database_url},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    identical = await run("--organization", str(world.organization_id))
    assert identical == (0, "1 invoice added up, 1 of them recomputed from its events: 1 identical, 0 different.\n")
    world.event("ada", "calls-ada", "2024-02-20T00:00:00Z", "2")
    status, output = await run("--organization", str(world.organization_id))
    assert status == 1
    assert "units of calls-ada" in output
    assert (await run("--month", "2024-13"))[0] == 2


async def test_the_balances_of_wallets_are_computed_again(
    world: World, environment: dict[str, str], database_url: str
) -> None:
    customer = world.customer(external_id="ada", currency="EUR")
    params = {"customer_id": str(customer), "rate_amount": "1", "currency": "EUR"}
    async with tenant_work(world.tenant) as work:
        wallet_id = await create_wallet(work, params)
    async with tenant_work(world.tenant) as work:
        await create_transactions(work, {"wallet_id": str(wallet_id), "granted_credits": "10"})

    async def run() -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", "verify", "wallets", "--organization", str(world.organization_id),
            env={**os.environ, **environment, "DATABASE_URL": database_url},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    assert await run() == (0, "1 wallets computed again from 1 movements: 0 differences.\n")
    world.execute("UPDATE wallets SET credits_balance = 11 WHERE id = %s", wallet_id)
    status, output = await run()
    assert status == 1
    assert "credits_balance" in output
