"""The dunning run against a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from domain.customers.customers import update_customer
from domain.identity.billing_entities import create_billing_entity
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.pagination import PageRequest
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.announce import ANNOUNCEMENTS
from domain.payments.campaigns import (
    apply_to_billing_entity,
    create_campaign,
    delete_campaign,
    set_customer_campaign,
    update_campaign,
)
from domain.payments.events import DunningCampaignsFinished
from domain.payments.manual import create_manual_payment
from domain.payments.queries import RequestFilter, requests_page
from domain.payments.remind import begin_anew, next_reminder, remind
from infrastructure.database import engine
from tests.domain.billing.conftest import Ledger, ledger  # noqa: F401
from tests.domain.billing.world import World, instant

NOW = "2024-06-01T10:45:00Z"
TERMS = {"code": "late", "name": "Late", "days_between_attempts": 5, "max_attempts": 2,
         "applied_to_organization": True, "thresholds": [{"currency": "EUR", "amount_cents": 10_000}]}  # fmt: skip


@pytest.fixture
def world(migrated: str) -> Iterator[World]:
    with World(instant(NOW)) as world:
        yield world


def owing(world: World, customer: UUID, cents: int, currency: str = "EUR", **more: Any) -> UUID:
    """An overdue invoice."""
    values = {"invoice_type": "one_off", "status": "finalized", "payment_status": "pending", "payment_overdue": True,
              "timezone": "UTC", "net_payment_term": 0, "version_number": 4, "skip_charges": False,
              "self_billed": False, "number": f"N-{cents}"}  # fmt: skip
    amounts = dict.fromkeys(
        ("fees_amount_cents", "coupons_amount_cents", "credit_notes_amount_cents", "prepaid_credit_amount_cents",
         "progressive_billing_credit_amount_cents", "sub_total_excluding_taxes_amount_cents", "taxes_amount_cents",
         "taxes_rate", "sub_total_including_taxes_amount_cents", "total_paid_amount_cents"), 0,
    )  # fmt: skip
    days = dict.fromkeys(("issuing_date", "expected_finalization_date", "payment_due_date"), "2024-05-01")
    return world.insert(
        "invoices", organization_id=world.organization_id, customer_id=customer,
        billing_entity_id=world.organization_id, currency=currency, total_amount_cents=cents,
        **{**values, **amounts, **days, **more},
    )  # fmt: skip


async def run(world: World, when: str = NOW) -> int:
    async with tenant_work(world.at(when)) as work:
        return await remind(work)


async def made(world: World, **terms: Any) -> UUID:
    async with tenant_work(world.tenant) as work:
        return await create_campaign(work, {**TERMS, **terms})


def requests(world: World) -> list[tuple[str, int]]:
    rows = world.rows("payment_requests", order="created_at, amount_cents")
    return [(row.amount_currency, row.amount_cents) for row in rows]


async def test_a_campaign_asks_until_its_attempts_are_used_up(world: World, ledger: Ledger) -> None:  # noqa: F811
    campaign = await made(world)
    customer = world.customer(currency="EUR", email="ada@example.com")
    invoice = owing(world, customer, 12_000, total_paid_amount_cents=2_000)
    owing(world, customer, 999, "USD")
    assert await run(world) == 1
    (request,) = world.rows("payment_requests")
    # What was paid lowers what is asked for, not the balance that the threshold is compared with.
    assert (request.amount_cents, request.email, request.dunning_campaign_id) == (10_000, "ada@example.com", campaign)
    assert await run(world, "2024-06-06T10:45:00Z") == 0
    assert await run(world, "2024-06-06T11:45:00Z") == 1
    assert ledger.events.count(DunningCampaignsFinished((customer,))) == 1
    assert await run(world, "2024-07-06T11:45:00Z") == 0
    assert requests(world) == [("EUR", 10_000), ("EUR", 10_000)]
    async with tenant_work(world.tenant) as work:
        told = await ANNOUNCEMENTS["dunning_campaign.finished"].load(work, [customer])
    assert told[customer] == {
        "external_customer_id": "customer-1",
        "customer_external_id": "customer-1",
        "dunning_campaign_code": "late",
        "overdue_balance_cents": 12_000,
        "overdue_balance_currency": "EUR",
        "overdue_balances": [{"currency": "EUR", "amount_cents": 12_000}, {"currency": "USD", "amount_cents": 999}],
    }
    # Paid at last: another invoice is asked for from the first attempt on.
    async with tenant_work(world.tenant) as work:
        await create_manual_payment(work, {"invoice_id": str(invoice), "amount_cents": 10_000, "reference": "x"})
        await begin_anew(work, [invoice])
    (row,) = world.rows("customers")
    assert (row.dunning_currency_attempts, row.last_dunning_campaign_attempt_at) == ({}, None)
    owing(world, customer, 20_000)
    assert await run(world, "2024-07-06T12:45:00Z") == 1


async def test_only_invoices_that_can_be_paid_now_are_asked_for(world: World) -> None:
    await made(world)
    busy, half = world.customer(), world.customer()
    owing(world, busy, 30_000, ready_for_payment_processing=False)
    owing(world, half, 9_000, ready_for_payment_processing=False)
    owing(world, half, 10_000)
    assert await run(world) == 2
    assert requests(world) == [("EUR", 10_000)]


async def test_each_billing_entity_asks_for_its_own_once_all_of_them_reach_the_threshold(world: World) -> None:
    await made(world)
    customer = world.customer(currency="EUR", email="ada@example.com")
    async with tenant_work(world.tenant) as work:
        second = (await create_billing_entity(work, {"code": "second", "name": "Second"})).id
    owing(world, customer, 7_000, total_paid_amount_cents=4_000)
    other = owing(world, customer, 5_000)
    world.execute("UPDATE invoices SET billing_entity_id = %s WHERE id = %s", second, other)
    assert await run(world) == 1
    assert requests(world) == [("EUR", 3_000), ("EUR", 5_000)]
    async with tenant_work(world.tenant) as work:
        asked = await requests_page(
            work.session, PageRequest(), RequestFilter(billing_entity_ids=[second])
        )  # fmt: skip
        assert [row.amount_cents for row in asked.rows] == [5_000]
        # What the campaign asked for is paid, and its count begins anew; the rest alone reaches no threshold.
        await create_manual_payment(work, {"invoice_id": str(other), "amount_cents": 5_000, "reference": "x"})
        await begin_anew(work, [other])
    assert await run(world) == 0


async def test_who_is_not_to_be_reminded_is_not(world: World) -> None:
    await made(world)
    owing(world, world.customer(exclude_from_dunning_campaign=True), 20_000)
    owing(world, world.customer(), 20_000, self_billed=True)
    owing(world, world.customer(), 9_999)
    owing(world, world.customer(), 20_000, "USD")
    owing(world, world.customer(), 20_000, payment_overdue=False)
    assert await run(world) == 0
    async with tenant_work(world.tenant) as work:
        assert await next_reminder(work, world.now) is None


async def test_a_sandbox_knows_when_somebody_is_next(world: World) -> None:
    await made(world)
    owing(world, world.customer(), 20_000)
    async with tenant_work(world.tenant) as work:
        assert await next_reminder(work, world.now) == world.now
    await run(world)
    async with tenant_work(world.tenant) as work:
        assert await next_reminder(work, world.now) == world.now + timedelta(days=5)


async def test_a_customers_own_campaign_goes_first_and_a_change_begins_anew(world: World) -> None:
    await made(world)
    own = await made(world, code="own", applied_to_organization=False, max_attempts=1,
                     thresholds=[{"currency": "USD", "amount_cents": 0}])  # fmt: skip
    customer = world.customer()
    owing(world, customer, 20_000)
    owing(world, customer, 5, "USD")
    async with tenant_work(world.tenant) as work:
        await set_customer_campaign(work, customer, {"applied_dunning_campaign_id": str(own)})
    await run(world)
    assert requests(world) == [("USD", 5)]

    def attempts() -> Any:
        return world.rows("customers")[0].dunning_currency_attempts

    assert attempts() == {"USD": 1}
    async with tenant_work(world.tenant) as work:
        await update_campaign(work, own, {"thresholds": [{"currency": "USD", "amount_cents": 5}]})
    assert attempts() == {"USD": 1}
    async with tenant_work(world.tenant) as work:
        await update_campaign(work, own, {"thresholds": [{"currency": "USD", "amount_cents": 6}]})
    assert attempts() == {}
    async with tenant_work(world.tenant) as work:
        await delete_campaign(work, own)
    await run(world)
    assert requests(world) == [("USD", 5), ("EUR", 20_000)]
    assert attempts() == {"EUR": 1}
    async with tenant_work(world.tenant) as work:
        await apply_to_billing_entity(work, world.organization_id, None)
    assert attempts() == {}
    assert await run(world) == 0


async def test_a_customer_that_is_excluded_and_included_again_begins_anew(world: World) -> None:
    await made(world)
    customer = world.customer()
    owing(world, customer, 20_000)
    await run(world)
    for excluded in (True, False):
        async with tenant_work(world.tenant) as work:
            await update_customer(work, customer, {"exclude_from_dunning_campaign": excluded})
        (row,) = world.rows("customers")
        assert (row.exclude_from_dunning_campaign, row.dunning_currency_attempts) == (excluded, {})
    assert await run(world) == 1


async def test_a_chunk_costs_the_same_for_one_and_for_many(world: World) -> None:
    await made(world)
    sent: list[str] = []

    async def counted(customers: int, when: str) -> int:
        for _ in range(customers):
            customer = world.customer()
            owing(world, customer, 20_000)
        sent.clear()
        sa.event.listen(engine().sync_engine, "before_cursor_execute", note)
        assert await run(world, when) == customers
        sa.event.remove(engine().sync_engine, "before_cursor_execute", note)
        return len(sent)

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    assert await counted(1, NOW) == await counted(40, "2024-06-02T10:45:00Z")


async def test_what_is_wrong_with_a_campaign_is_said_at_once(world: World) -> None:
    await made(world)
    async with tenant_work(world.tenant) as work:
        with pytest.raises(ValidationFailed) as refused:
            await create_campaign(work, {
                "name": " ", "days_between_attempts": 0, "max_attempts": "x", "bcc_emails": ["nobody"],
                "thresholds": [{"currency": "EUR", "amount_cents": 1}, {"currency": "EUR", "amount_cents": -1}],
            })  # fmt: skip
        assert refused.value.details == {
            "code": ["value_is_mandatory"], "name": ["value_is_mandatory"],
            "days_between_attempts": ["value_is_out_of_range"], "max_attempts": ["value_is_invalid"],
            "bcc_emails": ["invalid_email_format"],
            "thresholds.amount_cents": ["value_is_out_of_range"], "thresholds.currency": ["value_already_exist"],
        }  # fmt: skip
        with pytest.raises(ValidationFailed) as refused:
            await create_campaign(work, {**TERMS, "code": "other", "thresholds": []})
        assert refused.value.details == {"thresholds": ["can't be blank"]}
        with pytest.raises(ValidationFailed) as refused:
            await create_campaign(work, TERMS)
        assert refused.value.details == {"code": ["value_already_exist"]}
        for unknown in ("none", world.organization_id):
            with pytest.raises(NotFound):
                await update_campaign(work, unknown, {})
