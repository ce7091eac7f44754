"""Subscriptions that become active when their first invoice is paid.

Stripe is a server of our own on a real socket; jobs run as in production.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from domain.billing.resolve import expire_due
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.payments.events import InvoicePaymentsAsked
from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import happens, linked, told
from tests.stripe_server import StripeServer

GATED = [{"type": "payment", "timeout_hours": 2}]


@pytest.fixture
def clock(world: World) -> World:
    """The organization's clock stands still."""
    world.execute("UPDATE organizations SET sandbox = true, frozen_at = now() WHERE id = %s", world.organization_id)
    world.at("2024-03-11T10:00:00Z")
    return world


async def plan(api: Api, code: str, amount_cents: int = 31_000, **more: Any) -> None:
    body = {"code": code, "name": code, "interval": "monthly", "amount_cents": amount_cents, "amount_currency": "EUR",
            "pay_in_advance": True, **more}  # fmt: skip
    made = await api.post("/plans", {"plan": body})
    assert made.status_code == 200, made.text


async def subscribe(api: Api, jobs: Jobs, code: str, status: int = 200, **more: Any) -> Any:
    body = {"external_customer_id": "ada", "external_id": "sub", "plan_code": code, "activation_rules": GATED, **more}
    answer = await api.post("/subscriptions", {"subscription": body})
    assert answer.status_code == status, answer.text
    return answer.json()["subscription"] if status == 200 else answer.json()["error_details"]


async def shown(api: Api, status: str = "active") -> Any:
    answer = await api.get(f"/subscriptions/sub?status={status}")
    return answer.json().get("subscription")


async def invoices(api: Api) -> list[Any]:
    listed: list[Any] = (await api.get("/invoices?external_customer_id=ada")).json()["invoices"]
    return sorted(listed, key=lambda each: str(each["number"]))


def statuses(world: World) -> Sequence[Any]:
    query = "SELECT status, number, total_amount_cents FROM invoices WHERE organization_id = %s ORDER BY id"
    return world.execute(query, world.organization_id)


def announced(world: World) -> dict[str, int]:
    """How often webhooks told of what."""
    kinds = {name: f"subscription.{name}" for name in ("incomplete", "started", "canceled")}
    return {name: len(told(world, kind)) for name, kind in (kinds | {"invoices": "invoice.created"}).items()}


async def run_expiry(api: Api, world: World, jobs: Jobs) -> int:
    async with tenant_work(Tenant(api.tenant.organization_id, world.now)) as work:
        handed = await expire_due(work)
    await jobs.run()
    return handed


def rule(subscription: Any) -> tuple[Any, ...]:
    (only,) = subscription["activation_rules"]
    return only["type"], only["timeout_hours"], only["status"], only["expires_at"]


async def test_a_paid_first_invoice_gets_its_number_and_starts_the_subscription(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe)
    await plan(api, "gold")
    waiting = await subscribe(api, jobs, "gold")
    assert (waiting["status"], waiting["started_at"], waiting["activated_at"]) == (
        "incomplete", "2024-03-11T10:00:00.000Z", None,
    )  # fmt: skip
    assert rule(waiting) == ("payment", 2, "pending", "2024-03-11T12:00:00Z")
    assert (await shown(api), await invoices(api)) == (None, [])
    clock.at("2024-03-11T10:05:00Z")
    await jobs.run()
    active = await shown(api)
    assert (active["status"], active["started_at"], active["activated_at"]) == (
        "active", "2024-03-11T10:00:00.000Z", "2024-03-11T10:05:00Z",
    )  # fmt: skip
    assert rule(active)[2] == "satisfied"
    (invoice,) = await invoices(api)
    assert (invoice["status"], invoice["payment_status"], invoice["total_amount_cents"], invoice["issuing_date"]) == (
        "finalized", "succeeded", 21_000, "2024-03-11",
    )  # fmt: skip
    assert invoice["number"].endswith("-202403-001")
    assert [each["payment_status"] for each in (await api.get("/payments")).json()["payments"]] == ["succeeded"]
    assert announced(clock) == {"incomplete": 1, "started": 1, "canceled": 0, "invoices": 1}
    assert stripe.written("/v1/payment_intents")[0]["description"].endswith(f"Invoice {invoice['lago_id']}")


async def test_a_refused_payment_cancels_the_subscription_and_gives_everything_back(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe, "pm_declined")
    await plan(api, "gold")
    coupon = {"code": "once", "name": "Once", "coupon_type": "fixed_amount", "amount_cents": 1_000,
              "amount_currency": "EUR", "frequency": "once", "expiration": "no_expiration"}  # fmt: skip
    await api.post("/coupons", {"coupon": coupon})
    applied = {"external_customer_id": "ada", "coupon_code": "once"}
    assert (await api.post("/applied_coupons", {"applied_coupon": applied})).status_code == 200
    wallet = {"external_customer_id": "ada", "currency": "EUR", "rate_amount": "1", "granted_credits": "50"}
    assert (await api.post("/wallets", {"wallet": wallet})).status_code == 200
    await jobs.run()
    await subscribe(api, jobs, "gold")
    await jobs.run()
    assert [row[:1] + row[2:] for row in statuses(clock)] == [("closed", 15_000)]
    assert await shown(api) is None
    canceled = await shown(api, "canceled")
    assert (canceled["cancellation_reason"], canceled["canceled_at"], rule(canceled)[2]) == (
        "payment_failed", "2024-03-11T10:00:00Z", "failed",
    )  # fmt: skip
    (balance,) = (await api.get("/wallets?external_customer_id=ada")).json()["wallets"]
    assert balance["balance_cents"] == 5_000
    (back,) = (await api.get("/applied_coupons?external_customer_id=ada")).json()["applied_coupons"]
    assert (back["status"], back["amount_cents_remaining"]) == ("active", 1_000)
    assert announced(clock) == {"incomplete": 1, "started": 0, "canceled": 1, "invoices": 0}
    # The external id is free again.
    again = await subscribe(api, jobs, "gold", activation_rules=[])
    await jobs.run()
    assert (again["status"], [each["total_amount_cents"] for each in await invoices(api)]) == ("active", [15_000])


async def test_a_method_that_vanishes_before_the_charge_cancels_the_subscription_at_once(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe)
    await plan(api, "gold")
    wallet = {"external_customer_id": "ada", "currency": "EUR", "rate_amount": "1", "granted_credits": "50"}
    assert (await api.post("/wallets", {"wallet": wallet})).status_code == 200
    await jobs.run()
    await subscribe(api, jobs, "gold")
    (method,) = (await api.get("/customers/ada/payment_methods")).json()["payment_methods"]
    assert (await api.delete(f"/customers/ada/payment_methods/{method['lago_id']}")).status_code == 200
    await jobs.run()
    canceled = await shown(api, "canceled")
    assert (canceled["cancellation_reason"], rule(canceled)[2]) == ("payment_failed", "failed")
    assert [row[0] for row in statuses(clock)] == ["closed"]
    (balance,) = (await api.get("/wallets?external_customer_id=ada")).json()["wallets"]
    assert balance["balance_cents"] == 5_000
    assert announced(clock) == {"incomplete": 1, "started": 0, "canceled": 1, "invoices": 0}
    assert (len(told(clock, "invoice.payment_failure")), stripe.of("pi")) == (1, [])


async def test_a_subscription_waits_on_when_its_money_is_taken_by_hand(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe)
    await plan(api, "gold")
    await subscribe(api, jobs, "gold")
    change = "UPDATE subscriptions SET payment_method_type = %s WHERE organization_id = %s"
    clock.execute(change, "manual", clock.organization_id)
    await jobs.run()
    assert ((await shown(api, "incomplete"))["status"], [row[0] for row in statuses(clock)]) == ("incomplete", ["open"])
    # Without its provider nothing is taken either.
    clock.execute(change, "provider", clock.organization_id)
    clock.execute("UPDATE customers SET payment_provider = NULL WHERE organization_id = %s", clock.organization_id)
    ((invoice_id,),) = clock.execute("SELECT id FROM invoices WHERE organization_id = %s", clock.organization_id)
    async with tenant_work(Tenant(api.tenant.organization_id, clock.now)) as work:
        work.record(InvoicePaymentsAsked((invoice_id,)))
    await jobs.run()
    assert (await shown(api, "canceled"))["cancellation_reason"] == "payment_failed"
    (failure,) = told(clock, "invoice.payment_failure")
    assert failure["error_details"] == {"code": "customer_must_have_payment_provider"}


async def test_what_waits_too_long_expires_once_and_its_payment_is_called_off(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    await plan(api, "gold")
    await subscribe(api, jobs, "gold")
    await jobs.run()
    assert statuses(clock) == [("open", "", 21_000)]
    clock.at("2024-03-11T11:20:00Z")
    assert await run_expiry(api, clock, jobs) == 0
    clock.at("2024-03-11T12:20:00Z")
    async with tenant_work(Tenant(api.tenant.organization_id, clock.now)) as work:
        assert await expire_due(work) == 1
    await asyncio.gather(*(jobs.run() for _ in range(2)))
    canceled = await shown(api, "canceled")
    assert (canceled["cancellation_reason"], rule(canceled)[2]) == ("timeout", "expired")
    assert statuses(clock) == [("closed", "", 21_000)]
    assert len(stripe.written("/v1/payment_intents/pi_[0-9]+/cancel")) == 1
    assert await run_expiry(api, clock, jobs) == 0
    assert len(told(clock, "subscription.canceled")) == 1


async def test_a_payment_that_came_in_before_the_expiry_counts(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    await plan(api, "gold")
    await subscribe(api, jobs, "gold")
    await jobs.run()
    ((invoice_id,),) = clock.execute("SELECT id FROM invoices WHERE organization_id = %s", clock.organization_id)
    paid = {"invoice_id": str(invoice_id), "amount_cents": 21_000, "reference": "by hand"}
    assert (await api.post("/payments", {"payment": paid})).status_code == 200
    # Both are asked to decide at once, and twice.
    clock.at("2024-03-11T12:20:00Z")
    async with tenant_work(Tenant(api.tenant.organization_id, clock.now)) as work:
        await expire_due(work)
    await asyncio.gather(*(jobs.run() for _ in range(3)))
    assert (await shown(api))["activated_at"] == "2024-03-11T12:20:00Z"
    assert [row[0] for row in statuses(clock)] == ["finalized"]
    assert announced(clock) == {"incomplete": 1, "started": 1, "canceled": 0, "invoices": 1}


async def test_money_that_came_too_late_is_given_back(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    await plan(api, "gold")
    await subscribe(api, jobs, "gold")
    await jobs.run()
    clock.at("2024-03-11T12:20:00Z")
    # The provider has taken the money by the time it is told to stop.
    (intent,) = stripe.of("pi")
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    await run_expiry(api, clock, jobs)
    assert ((await shown(api, "canceled"))["cancellation_reason"], stripe.of("re")) == ("timeout", [])
    for _ in range(2):
        assert await happens(api, jobs, "payment_intent.succeeded", intent) == 200
    (refund,) = stripe.of("re")
    assert (refund["payment_intent"], refund["amount"]) == (intent["id"], "21000")
    kept = clock.execute("SELECT refund_status, reason FROM refunds WHERE organization_id = %s", clock.organization_id)
    assert kept == [("succeeded", "subscription_activation_expired")]
    assert (await shown(api), [row[0] for row in statuses(clock)]) == (None, ["closed"])


async def test_nothing_to_pay_starts_at_once_and_nothing_due_needs_no_payment(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe)
    await plan(api, "free", 0)
    await subscribe(api, jobs, "free")
    await jobs.run()
    assert (rule(await shown(api))[2], [each["total_amount_cents"] for each in await invoices(api)]) == (
        "satisfied",
        [0],
    )
    await plan(api, "arrears", pay_in_advance=False)
    later = await subscribe(api, jobs, "arrears", external_id="other")
    assert (later["status"], rule(later)[2:]) == ("active", ("not_applicable", None))
    past = await subscribe(api, jobs, "free", external_id="past", subscription_at="2024-02-01T00:00:00Z")
    assert (past["status"], rule(past)[2:]) == ("active", ("not_applicable", None))
    assert stripe.of("pi") == []


async def test_a_billing_day_that_was_missed_is_made_up_for(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    await plan(api, "weekly", 7_000, interval="weekly")
    await subscribe(api, jobs, "weekly", activation_rules=[{"type": "payment"}])
    await jobs.run()
    assert rule(await shown(api, "incomplete"))[3] is None
    ((invoice_id,),) = clock.execute("SELECT id FROM invoices WHERE organization_id = %s", clock.organization_id)
    clock.at("2024-03-19T08:00:00Z")
    await api.post("/payments", {"payment": {"invoice_id": str(invoice_id), "amount_cents": 7_000, "reference": "x"}})
    await jobs.run()
    first, second = await invoices(api)
    assert (first["total_amount_cents"], second["total_amount_cents"]) == (7_000, 7_000)
    detail = (await api.get(f"/invoices/{second['lago_id']}")).json()["invoice"]
    (period,) = detail["billing_periods"]
    assert (period["invoicing_reason"], period["subscription_from_datetime"], period["subscription_to_datetime"]) == (
        "subscription_periodic", "2024-03-18T00:00:00Z", "2024-03-24T23:59:59Z",
    )  # fmt: skip


async def test_an_upgrade_takes_effect_when_it_is_paid(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    await plan(api, "small", 3_100)
    await plan(api, "gold")
    clock.at("2024-03-01T10:00:00Z")
    await subscribe(api, jobs, "small", activation_rules=[])
    await jobs.run()
    clock.at("2024-03-11T10:00:00Z")
    waiting = await subscribe(api, jobs, "gold")
    await jobs.run()
    assert (waiting["status"], waiting["previous_plan_code"], (await shown(api))["plan_code"]) == (
        "incomplete", "small", "small",
    )  # fmt: skip
    for path in ("/subscriptions/sub", "/subscriptions/sub?status=incomplete"):
        refused = await api.delete(path)
        base = refused.json()["error_details"]["base"]
        assert base == (["subscription_incomplete"] if "?" in path else ["next_subscription_incomplete"])
    assert await subscribe(api, jobs, "small", 422) == {"subscription": ["subscription_incomplete"]}
    named = await api.put("/subscriptions/sub?status=incomplete", {"subscription": {"name": "New"}})
    assert (named.status_code, named.json()["code"]) == (405, "subscription_incomplete")
    clock.at("2024-03-11T10:30:00Z")
    ((invoice_id,),) = clock.execute(
        "SELECT id FROM invoices WHERE status = 'open' AND organization_id = %s", clock.organization_id
    )
    await api.post("/payments", {"payment": {"invoice_id": str(invoice_id), "amount_cents": 21_000, "reference": "x"}})
    await jobs.run()
    assert ((await shown(api))["plan_code"], (await shown(api, "terminated"))["terminated_at"]) == (
        "gold", "2024-03-11T10:00:00Z",
    )  # fmt: skip
    (note,) = (await api.get("/credit_notes?external_customer_id=ada")).json()["credit_notes"]
    # 21 of 31 days, the day of the upgrade among them.
    assert note["credit_amount_cents"] == 2_100
    assert sorted(each["fees_amount_cents"] for each in await invoices(api)) == [0, 3_100, 21_000]


async def test_an_upgrade_that_fails_leaves_the_plan_and_its_bills(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    from domain.billing.due import bill_due

    await linked(api, jobs, stripe, "pm_slow")
    await plan(api, "small", 3_100)
    await plan(api, "gold")
    clock.at("2024-03-01T10:00:00Z")
    await subscribe(api, jobs, "small", activation_rules=[])
    clock.at("2024-03-31T23:00:00Z")
    await subscribe(api, jobs, "gold", activation_rules=[{"type": "payment", "timeout_hours": 24}])
    await jobs.run()
    clock.at("2024-04-01T00:10:00Z")
    async with tenant_work(Tenant(api.tenant.organization_id, clock.now)) as work:
        assert await bill_due(work) == 0
    clock.at("2024-04-02T00:20:00Z")
    assert await run_expiry(api, clock, jobs) == 1
    assert ((await shown(api))["plan_code"], (await shown(api))["next_plan_code"]) == ("small", None)
    assert [each["fees_amount_cents"] for each in await invoices(api)] == [3_100, 3_100]
    assert [row[0] for row in statuses(clock)].count("closed") == 1


async def test_a_planned_downgrade_waits_for_its_payment_at_the_end_of_the_period(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    from domain.billing.due import bill_due

    await linked(api, jobs, stripe)
    await plan(api, "gold", pay_in_advance=False)
    await plan(api, "small", 3_000)
    clock.at("2024-03-01T10:00:00Z")
    await subscribe(api, jobs, "gold", activation_rules=[])
    await subscribe(api, jobs, "small")
    assert rule(await shown(api, "pending"))[2] == "inactive"
    clock.at("2024-04-01T00:10:00Z")
    async with tenant_work(Tenant(api.tenant.organization_id, clock.now)) as work:
        assert await bill_due(work) == 1
    await jobs.run()
    now = await shown(api)
    assert (now["plan_code"], rule(now)[2]) == ("small", "satisfied")
    assert sorted(each["fees_amount_cents"] for each in await invoices(api)) == [3_000, 31_000]


async def test_rules_that_nobody_can_pay_by_are_refused(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, clock: World
) -> None:
    await plan(api, "gold")
    assert await subscribe(api, jobs, "gold", 422) == {"customer": ["no_linked_payment_provider"]}
    await linked(api, jobs, stripe, None)
    assert await subscribe(api, jobs, "gold", 422) == {"customer": ["no_default_payment_method"]}
    assert await subscribe(api, jobs, "gold", 422, activation_rules=[{"type": "magic", "timeout_hours": -1}]) == {
        "activation_rules": ["invalid_type"], "timeout_hours": ["value_must_be_positive_or_zero"],
    }  # fmt: skip
    assert await shown(api) is None
