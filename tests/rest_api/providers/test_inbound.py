"""What Stripe tells, and what follows from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.kernel import clock
from domain.kernel.unit_of_work import tenant_work
from domain.payments.inbound import clean_inbound, retry_inbound
from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import happens, linked, payments, told
from tests.rest_api.test_payments import invoice_of, one_off
from tests.stripe_server import StripeServer, signed

MOVED = "payment_intent.succeeded"


async def test_only_what_stripe_signed_lately_is_taken(
    api: Api, stranger: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    thing = {"id": "pi_of_others", "status": "succeeded"}
    here = f"/webhooks/stripe/{api.tenant.organization_id}"
    body, good = signed(MOVED, thing, "whsec_of_the_test")
    for path, sent, headers in (
        (here, body, {}),
        (here, body, {"stripe-signature": "t=1,v1=00"}),
        (here, body + b" ", good),
        (here, body, signed(MOVED, thing, "whsec_of_another")[1]),
        (here, *signed(MOVED, thing, "whsec_of_the_test", age=301)),
        (f"{here}?code=other", body, good),
        (f"/webhooks/stripe/{stranger.tenant.organization_id}", body, good),
        (f"/webhooks/stripe/{uuid4()}", body, good),
        ("/webhooks/stripe/nobody", body, good),
        (here.replace("stripe", "adyen"), body, good),
        (here.replace("stripe", "paypal"), body, good),
    ):
        answer = await api.client.post(path, content=sent, headers=headers)
        assert (answer.status_code, answer.content) == (400, b""), (path, headers)
    taken = "SELECT source, event_type, status, event_id FROM inbound_webhooks WHERE organization_id = %s"
    assert world.execute(taken, world.organization_id) == []
    for _ in range(2):
        assert (await api.client.post(here, content=body, headers=good)).status_code == 200
    await jobs.run()
    assert world.execute(taken, world.organization_id) == [("stripe", MOVED, "succeeded", "evt_1")]


async def test_a_payment_that_took_a_while_is_confirmed_once(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    invoice = await one_off(api)
    await jobs.run()
    (intent,) = stripe.of("pi")
    details = {"payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}}}
    done = intent | {"status": "succeeded", "amount_received": 10_000, "latest_charge": details}
    for _ in range(2):
        assert await happens(api, jobs, MOVED, done) == 200
    # Stripe keeps no order: what happened earlier may come later.
    assert (
        await happens(api, jobs, "payment_intent.payment_failed", intent | {"status": "requires_payment_method"}) == 200
    )
    paid = await invoice_of(api, invoice)
    assert (paid["payment_status"], paid["total_paid_amount_cents"]) == ("succeeded", 10_000)
    (payment,) = await payments(api, invoice)
    assert payment["payment_status"] == "succeeded"
    assert len(told(world, "invoice.payment_status_updated")) == 1
    confirmed = told(world, "payment.succeeded")
    assert confirmed[0]["lago_id"] == payment["lago_id"]
    assert confirmed[0]["payment_method"] == {"type": "card", "brand": "visa", "last4": "4242"}


async def test_a_payment_that_failed_later_is_told(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    invoice = await one_off(api)
    await jobs.run()
    (intent,) = stripe.of("pi")
    error = {"code": "payment_intent_payment_attempt_failed", "message": "The account is closed."}
    failed = intent | {"status": "requires_payment_method", "last_payment_error": error}
    assert await happens(api, jobs, "payment_intent.payment_failed", failed) == 200
    assert (await invoice_of(api, invoice))["payment_status"] == "failed"
    (failure,) = told(world, "invoice.payment_failure")
    assert failure["provider_error"] == {"message": error["message"], "error_code": error["code"]}
    # The next attempt is free.
    assert (await api.post(f"/invoices/{invoice}/retry_payment", {})).status_code == 200


async def test_the_event_may_come_before_the_answer_was_noted(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe)
    jobs.left_out.add("providers.update_customer")
    invoice = await one_off(api)
    stripe.faults = ["pass", "drop"]
    await jobs.run()
    (intent,) = stripe.of("pi")
    assert await happens(api, jobs, MOVED, intent) == 200
    assert (await invoice_of(api, invoice))["payment_status"] == "succeeded"
    assert jobs.put_off()
    await jobs.run()
    assert len(stripe.of("pi")) == 1
    assert [each["payment_status"] for each in await payments(api, invoice)] == ["succeeded"]
    assert (await invoice_of(api, invoice))["total_paid_amount_cents"] == 10_000


async def test_a_new_card_becomes_the_default_and_pays_what_waits(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    customer = await linked(api, jobs, stripe, None)
    remote = customer["billing_configuration"]["provider_customer_id"]
    invoice = await one_off(api)
    await jobs.run()
    assert await payments(api, invoice) == []
    stripe.has_method("pm_ok", remote, brand="mastercard", last4="4444")
    assert await happens(api, jobs, "setup_intent.succeeded", {"customer": remote, "payment_method": "pm_ok"}) == 200
    (method,) = (await api.get("/customers/ada/payment_methods")).json()["payment_methods"]
    assert (method["provider_method_id"], method["is_default"], method["payment_provider_type"]) == (
        "pm_ok", True, "stripe",
    )  # fmt: skip
    assert stripe.objects[remote]["invoice_settings"] == {"default_payment_method": "pm_ok"}
    assert (await invoice_of(api, invoice))["payment_status"] == "succeeded"
    stripe.has_method("pm_ok_2", remote)
    told_of = {"id": remote, "invoice_settings": {"default_payment_method": "pm_ok_2"}}
    assert await happens(api, jobs, "customer.updated", told_of) == 200
    assert await happens(api, jobs, "payment_method.detached", {"id": "pm_ok"}) == 200
    left = (await api.get("/customers/ada/payment_methods")).json()["payment_methods"]
    assert [(each["provider_method_id"], each["is_default"]) for each in left] == [("pm_ok_2", True)]
    # Customers of others in the same account, and methods that are gone by now, change nothing.
    assert await happens(api, jobs, "setup_intent.succeeded", {"customer": "cus_x", "payment_method": "pm_ok"}) == 200
    assert await happens(api, jobs, "setup_intent.succeeded", {"customer": remote, "payment_method": "pm_gone"}) == 200
    assert (await api.get("/customers/ada/payment_methods")).json()["payment_methods"] == left


async def test_a_lost_dispute_stands_on_the_invoice(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe)
    invoice = await one_off(api)
    await jobs.run()
    (intent,) = stripe.of("pi")
    won = {"payment_intent": intent["id"], "status": "won"}
    assert await happens(api, jobs, "charge.dispute.closed", won) == 200
    assert (await invoice_of(api, invoice))["payment_dispute_lost_at"] is None
    assert await happens(api, jobs, "charge.dispute.closed", won | {"status": "lost"}) == 200
    assert (await invoice_of(api, invoice))["payment_dispute_lost_at"] is not None
    assert [each["invoice"]["lago_id"] for each in told(world, "invoice.payment_dispute_lost")] == [invoice]


async def credit_note(api: Api, invoice: str, cents: int) -> Any:
    fees = (await invoice_of(api, invoice))["fees"]
    body = {"invoice_id": invoice, "reason": "duplicated_charge", "refund_amount_cents": cents,
            "items": [{"fee_id": fees[0]["lago_id"], "amount_cents": cents}]}  # fmt: skip
    made = await api.post("/credit_notes", {"credit_note": body})
    assert made.status_code == 200, made.text
    return made.json()["credit_note"]


async def test_a_refund_goes_back_the_way_the_money_came(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe)
    invoice = await one_off(api)
    await jobs.run()
    (intent,) = stripe.of("pi")
    intent["refunds"] = "pending"
    note = await credit_note(api, invoice, 4_000)
    jobs.left_out.add("providers.update_customer")
    stripe.faults = ["drop"]
    await jobs.run()
    assert jobs.put_off()
    await jobs.run()
    (refund,) = stripe.of("re")
    assert {name: refund[name] for name in ("payment_intent", "amount", "reason")} == {
        "payment_intent": intent["id"], "amount": "4000", "reason": "duplicate",
    }  # fmt: skip
    assert refund["metadata"]["lago_credit_note_id"] == note["lago_id"]

    async def status() -> str:
        return str((await api.get(f"/credit_notes/{note['lago_id']}")).json()["credit_note"]["refund_status"])

    assert await status() == "pending"
    assert await happens(api, jobs, "charge.refund.updated", refund | {"status": "succeeded"}) == 200
    assert await status() == "succeeded"
    assert await happens(api, jobs, "charge.refund.updated", refund | {"status": "failed"}) == 200
    assert await status() == "succeeded"
    intent["disputed"] = True
    failed = await credit_note(api, invoice, 1_000)
    await jobs.run()
    shown = (await api.get(f"/credit_notes/{failed['lago_id']}")).json()["credit_note"]
    assert shown["refund_status"] == "failed"
    (failure,) = told(world, "credit_note.provider_refund_failure")
    assert (failure["lago_credit_note_id"], failure["provider_error"]) == (
        failed["lago_id"], {"message": "disputed", "error_code": "charge_disputed"},
    )  # fmt: skip


async def test_what_nobody_worked_through_is_taken_up_and_old_ones_go(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    jobs.left_out.add("payments.process_inbound")
    assert await happens(api, jobs, MOVED, {"id": "pi_of_others", "status": "succeeded"}) == 200
    jobs.left_out.remove("payments.process_inbound")
    mine = world.organization_id
    world.execute("DELETE FROM jobs WHERE organization_id = %s", mine)

    async def look() -> list[Any]:
        async with tenant_work(api.tenant) as work:
            await retry_inbound(work)
            await clean_inbound(work)
        await jobs.run()
        left = world.execute("SELECT status FROM inbound_webhooks WHERE organization_id = %s", mine)
        return [row[0] for row in left]

    assert await look() == ["pending"]
    world.execute("UPDATE inbound_webhooks SET created_at = %s", clock.wall() - timedelta(hours=2))
    assert await look() == ["succeeded"]
    world.execute("UPDATE inbound_webhooks SET updated_at = %s", clock.wall() - timedelta(days=91))
    assert await look() == []
