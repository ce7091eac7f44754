"""Payments taken by a provider: from the customer's link to it until its money stands on the invoice."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import linked, payments, told
from tests.rest_api.test_payments import invoice_of, one_off, pay
from tests.stripe_server import StripeServer


async def test_a_new_customer_is_made_known_and_asked_for_a_card(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    body = {
        "external_id": "ada", "name": "Ada", "email": "ada@example.com,b@example.com", "city": "Paris",
        "billing_configuration": {"payment_provider": "stripe", "sync_with_provider": True,
                                  "provider_payment_methods": ["card", "link"]},
    }  # fmt: skip
    assert (await api.post("/customers", {"customer": body})).status_code == 200
    await jobs.run()
    shown = (await api.get("/customers/ada")).json()["customer"]
    remote = stripe.of("cus")[0]
    assert shown["billing_configuration"] | {"document_locale": None} == {
        "invoice_grace_period": None, "document_locale": None, "subscription_invoice_issuing_date_anchor": None,
        "subscription_invoice_issuing_date_adjustment": None, "payment_provider": "stripe",
        "payment_provider_code": "main", "provider_customer_id": remote["id"], "sync_with_provider": True,
        "provider_payment_methods": ["card", "link"],
    }  # fmt: skip
    assert (remote["name"], remote["email"], remote["address"]) == ("Ada", "ada@example.com", {"city": "Paris"})
    assert remote["metadata"] == {"lago_customer_id": shown["lago_id"], "customer_id": "ada"}
    session = stripe.of("cs")[0]
    assert (session["mode"], session["customer"], session["payment_method_types"]) == (
        "setup", remote["id"], {"0": "card", "1": "link"},
    )  # fmt: skip
    assert [each["external_id"] for each in told(world, "customer.payment_provider_created")] == ["ada"]
    assert told(world, "customer.checkout_url_generated") == [
        {
            "lago_customer_id": shown["lago_id"],
            "external_customer_id": "ada",
            "payment_provider": "stripe",
            "payment_provider_code": "main",
            "checkout_url": session["url"],
        }
    ]
    await api.post("/customers", {"customer": {"external_id": "ada", "name": "Ada L."}})
    await jobs.run()
    assert (len(stripe.of("cus")), stripe.of("cus")[0]["name"]) == (1, "Ada L.")
    told_before = len(stripe.writes)
    await api.post("/customers", {"customer": {"external_id": "ada", "name": "Ada L."}})
    await jobs.run()
    assert len(stripe.writes) == told_before


@pytest.mark.parametrize(
    ("configuration", "details"),
    [
        ({"payment_provider": "paypal"}, {"payment_provider": ["value_is_invalid"]}),
        (
            {"payment_provider": "stripe", "payment_provider_code": "other", "provider_customer_id": "cus_x"},
            {"payment_provider_code": ["payment_provider_not_found"]},
        ),
        (
            {"payment_provider": "stripe", "provider_payment_methods": ["link"], "sync": "perhaps"},
            {"provider_payment_methods": ["value_is_invalid"], "sync": ["value_is_invalid"]},
        ),
        ({"payment_provider": "stripe", "provider_payment_methods": []},
         {"provider_payment_methods": ["value_is_invalid"]}),
        (
            {"payment_provider": "stripe", "provider_payment_methods": ["customer_balance", "card"]},
            {"provider_payment_methods": ["customer_balance cannot be combined with other payment methods"]},
        ),
        ({"payment_provider": "stripe", "provider_customer_id": "x" * 256},
         {"provider_customer_id": ["value_is_too_long"]}),
    ],
)  # fmt: skip
async def test_what_is_no_link_is_refused(api: Api, configuration: Any, details: Any) -> None:
    body = {"external_id": "ada", "billing_configuration": configuration}
    refused = await api.post("/customers", {"customer": body})
    assert (refused.status_code, refused.json()["error_details"]) == (422, details)
    assert (await api.get("/customers/ada")).status_code == 404


async def test_a_provider_is_not_asked_for_what_the_client_sees_to_until_the_client_asks(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe)
    await one_off(api)
    await jobs.run()
    assert len(stripe.of("pi")) == 1
    lines = [{"add_on_code": world.rows("add_ons")[0].code}]
    body = {"external_customer_id": "ada", "fees": lines, "skip_psp": True}
    invoice = (await api.post("/invoices", {"invoice": body})).json()["invoice"]["lago_id"]
    await jobs.run()
    assert (len(stripe.of("pi")), (await invoice_of(api, invoice))["payment_status"]) == (1, "pending")
    assert (await api.post(f"/invoices/{invoice}/retry_payment", {})).status_code == 200
    await jobs.run()
    assert (len(stripe.of("pi")), (await invoice_of(api, invoice))["payment_status"]) == (2, "succeeded")


async def test_a_finalized_invoice_is_paid_by_the_default_card(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    customer = await linked(api, jobs, stripe)
    methods = (await api.get("/customers/ada/payment_methods")).json()["payment_methods"]
    assert [(each["provider_method_id"], each["is_default"], each["payment_provider_code"]) for each in methods] == [
        ("pm_ok", True, "main")
    ]
    invoice = await one_off(api)
    await jobs.run()
    paid = await invoice_of(api, invoice)
    assert (paid["payment_status"], paid["total_paid_amount_cents"], paid["total_due_amount_cents"]) == (
        "succeeded", 10_000, 0,
    )  # fmt: skip
    (payment,) = await payments(api, invoice)
    (intent,) = stripe.of("pi")
    remote = customer["billing_configuration"]["provider_customer_id"]
    assert {name: payment[name] for name in (
        "amount_cents", "amount_currency", "status", "payment_status", "type", "reference", "payment_provider_code",
        "payment_provider_type", "provider_payment_id", "external_payment_id", "provider_customer_id", "next_action",
        "payment_method_id",
    )} == {
        "amount_cents": 10_000, "amount_currency": "EUR", "status": "succeeded", "payment_status": "succeeded",
        "type": "provider", "reference": None, "payment_provider_code": "main", "payment_provider_type": "stripe",
        "provider_payment_id": intent["id"], "external_payment_id": intent["id"], "provider_customer_id": remote,
        "next_action": {}, "payment_method_id": methods[0]["lago_id"],
    }  # fmt: skip
    (sent,) = stripe.written("/v1/payment_intents")
    entity = paid["billing_entity_code"]
    assert sent | {"metadata": None, "description": None} == {
        "amount": "10000", "currency": "eur", "customer": remote, "payment_method": "pm_ok",
        "payment_method_types": {"0": "card"}, "confirm": "true", "off_session": "true",
        "error_on_requires_action": "true", "return_url": "https://hooli.example.com/thanks",
        "expand": {"0": "latest_charge"}, "metadata": None, "description": None,
    }  # fmt: skip
    assert sent["description"].endswith(f" - Invoice {paid['number']}")
    assert sent["metadata"] == {
        "lago_payment_id": payment["lago_id"], "lago_payable_id": invoice, "lago_payable_type": "Invoice",
        "lago_customer_id": customer["lago_id"], "lago_organization_id": str(api.tenant.organization_id),
        "lago_billing_entity_id": str(api.tenant.organization_id), "lago_invoice_id": invoice,
        "invoice_issuing_date": paid["issuing_date"], "invoice_type": "one_off",
    }, entity  # fmt: skip
    assert [each["lago_id"] for each in told(world, "invoice.payment_status_updated")] == [invoice]
    assert world.execute(
        "SELECT payment_attempts, ready_for_payment_processing FROM invoices WHERE id = %s", invoice
    ) == [(1, False)]


async def test_a_refused_payment_is_told_and_may_be_tried_again(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    customer = await linked(api, jobs, stripe, "pm_declined")
    invoice = await one_off(api)
    await jobs.run()
    failed = await invoice_of(api, invoice)
    assert (failed["payment_status"], failed["total_paid_amount_cents"]) == ("failed", 0)
    assert [fee["payment_status"] for fee in failed["fees"]] == ["failed"]
    assert told(world, "invoice.payment_failure") == [
        {
            "lago_invoice_id": invoice,
            "lago_customer_id": customer["lago_id"],
            "external_customer_id": "ada",
            "provider_customer_id": customer["billing_configuration"]["provider_customer_id"],
            "payment_provider": "stripe",
            "payment_provider_code": "main",
            "provider_error": {"message": "Your card was declined.", "error_code": "card_declined"},
            "error_details": {"code": "card_declined"},
        }
    ]
    assert told(world, "invoice.payment_status_updated") == []
    good = stripe.objects["pm_declined"] | {"id": "pm_ok"}
    stripe.objects = {key: each for key, each in stripe.objects.items() if key != "pm_declined"} | {"pm_ok": good}
    assert (await api.post(f"/invoices/{invoice}/retry_payment", {})).status_code == 200
    await jobs.run()
    assert (await invoice_of(api, invoice))["payment_status"] == "succeeded"
    tried = [(each["payment_status"], each["provider_payment_id"]) for each in await payments(api, invoice)]
    assert sorted(tried) == [("failed", "pi_3"), ("succeeded", "pi_4")]
    assert world.execute("SELECT payment_attempts FROM invoices WHERE id = %s", invoice) == [(2,)]
    again = await api.post(f"/invoices/{invoice}/retry_payment", {})
    assert (again.status_code, again.json()["code"]) == (405, "invalid_status")


async def test_an_answer_that_was_lost_takes_no_money_twice(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    """The provider did the work and its answer never came, as when a worker is killed between the two."""
    await linked(api, jobs, stripe)
    invoice = await one_off(api)
    # The card is looked at before the money is taken: the first run is turned away there, the second one is lost.
    stripe.faults = [429]
    await jobs.run()
    assert (stripe.of("pi"), [each["status"] for each in await payments(api, invoice)]) == ([], ["pending"])
    stripe.faults = ["pass", "drop"]
    assert [actor for _, actor in jobs.put_off()] == ["payments.take"]
    await jobs.run()
    (unanswered,) = await payments(api, invoice)
    assert (len(stripe.of("pi")), unanswered["provider_payment_id"]) == (1, None)
    assert jobs.put_off()
    await jobs.run()
    assert [each["lago_id"] for each in await payments(api, invoice)] == [unanswered["lago_id"]]
    assert world.execute("SELECT payment_attempts FROM invoices WHERE id = %s", invoice) == [(1,)]
    assert (await invoice_of(api, invoice))["payment_status"] == "succeeded"
    assert len(stripe.of("pi")) == 1


async def test_two_runs_at_once_and_a_manual_payment_between(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, "pm_slow")
    invoice = await one_off(api)
    await asyncio.gather(*(jobs.run() for _ in range(3)))
    assert [each["payment_status"] for each in await payments(api, invoice)] == ["processing"]
    shown = await invoice_of(api, invoice)
    assert (shown["payment_status"], shown["total_due_amount_cents"]) == ("pending", 10_000)
    again = await api.post(f"/invoices/{invoice}/retry_payment", {})
    assert (again.status_code, again.json()["code"]) == (405, "payment_processor_is_currently_handling_payment")
    assert len(stripe.of("pi")) == 1
    assert (await pay(api, invoice, 10_000)).status_code == 200


async def test_nobody_is_charged_without_a_method_or_for_nothing(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, None)
    invoice = await one_off(api)
    await jobs.run()
    assert ((await invoice_of(api, invoice))["payment_status"], await payments(api, invoice)) == ("pending", [])
    small = await linked(api, jobs, stripe)
    cheap = await one_off(api, amount=30)
    await jobs.run()
    (payment,) = await payments(api, cheap)
    assert (payment["payment_status"], (await invoice_of(api, cheap))["payment_status"]) == ("pending", "pending")
    assert told(world, "invoice.payment_failure") == []
    await api.post(f"/invoices/{cheap}/retry_payment", {"payment_method": {"payment_method_type": "manual"}})
    await jobs.run()
    assert len(await payments(api, cheap)) == 1
    assert small["account_type"] == "customer"
    assert stripe.of("pi") == []
    unknown = {"payment_method": {"payment_method_type": "provider", "payment_method_id": str(uuid4())}}
    refused = await api.post(f"/invoices/{cheap}/retry_payment", unknown)
    assert refused.json()["error_details"] == {"payment_method": ["invalid_payment_method"]}


async def test_a_payer_who_must_confirm_is_asked(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, "pm_3ds")
    invoice = await one_off(api)
    await jobs.run()
    (first,) = await payments(api, invoice)
    assert (first["payment_status"], (await invoice_of(api, invoice))["payment_status"]) == ("failed", "pending")
    assert jobs.put_off()
    await jobs.run()
    second = max(await payments(api, invoice), key=lambda each: str(each["provider_payment_id"]))
    assert (second["status"], second["payment_status"], second["next_action"]["type"]) == (
        "requires_action", "processing", "redirect_to_url",
    )  # fmt: skip
    assert [each["lago_id"] for each in told(world, "payment.requires_action")] == [second["lago_id"]]
    assert told(world, "invoice.payment_failure") == []
    assert "off_session" not in stripe.written("/v1/payment_intents")[-1] or (
        stripe.written("/v1/payment_intents")[-1]["off_session"] == "false"
    )
