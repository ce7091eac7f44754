"""Pages where invoices and credits are paid and cards are left."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from domain.kernel import clock
from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import happens, linked, payments, told
from tests.rest_api.test_payments import invoice_of, one_off, pay
from tests.stripe_server import StripeServer

NOTHING: dict[str, object] = {}


async def refused(api: Api, path: str) -> object:
    answer = await api.post(path, NOTHING)
    assert answer.status_code == 422, answer.text
    return answer.json()["error_details"]


async def test_an_invoice_is_paid_on_its_page(
    api: Api, stranger: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    customer = await linked(api, jobs, stripe, None)
    invoice = await one_off(api)
    path = f"/invoices/{invoice}/payment_url"
    page = (await api.post(path, NOTHING)).json()["invoice_payment_details"]
    (session,) = stripe.of("cs")
    assert page == {
        "lago_customer_id": customer["lago_id"],
        "external_customer_id": "ada",
        "payment_provider": "stripe",
        "lago_invoice_id": invoice,
        "payment_url": session["url"],
    }
    item = session["line_items"]["0"]["price_data"]
    assert (session["mode"], item["unit_amount"], item["currency"]) == ("payment", "10000", "eur")
    assert session["metadata"]["payment_type"] == "one-time"
    assert (await api.post(path, NOTHING)).json()["invoice_payment_details"] == page
    assert (await stranger.post(path, NOTHING)).json()["code"] == "invoice_not_found"
    world.execute("UPDATE payment_intents SET expires_at = %s", clock.wall() - timedelta(seconds=1))
    second = (await api.post(path, NOTHING)).json()["invoice_payment_details"]["payment_url"]
    assert second != page["payment_url"]
    intent = {"id": "pi_page", "status": "succeeded", "amount": 10_000, "amount_received": 10_000,
              "customer": session["customer"], "metadata": session["payment_intent_data"]["metadata"]}  # fmt: skip
    for _ in range(2):
        assert await happens(api, jobs, "payment_intent.succeeded", intent) == 200
    paid = await invoice_of(api, invoice)
    assert (paid["payment_status"], paid["total_paid_amount_cents"]) == ("succeeded", 10_000)
    assert [(each["type"], each["provider_payment_id"]) for each in await payments(api, invoice)] == [
        ("provider", "pi_page")
    ]
    assert await refused(api, path) == {"base": ["invalid_invoice_status_or_payment_status"]}


async def test_paying_otherwise_closes_the_page_and_the_first_charge_waits(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, None)
    invoice = await one_off(api)
    await api.post(f"/invoices/{invoice}/payment_url", NOTHING)
    await pay(api, invoice, 10_000)
    await jobs.run()
    assert [each["status"] for each in stripe.of("cs")] == ["expired"]
    mine = world.organization_id
    states = world.execute("SELECT status FROM payment_intents WHERE organization_id = %s", mine)
    assert states == [("expired",)]
    await linked(api, jobs, stripe)
    later = await one_off(api)
    assert "payments.take" not in await jobs.run()
    waits = "SELECT due_at - created_at FROM jobs WHERE actor = 'payments.take' AND organization_id = %s"
    ((delay,),) = world.execute(waits, mine)
    assert delay == timedelta(minutes=10)
    assert (await invoice_of(api, later))["payment_status"] == "pending"


async def test_why_there_is_no_page(api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World) -> None:
    invoice = await one_off(api)
    path = f"/invoices/{invoice}/payment_url"
    assert (await api.post(f"/invoices/{uuid4()}/payment_url", NOTHING)).status_code == 404
    assert await refused(api, path) == {"base": ["no_linked_payment_provider"]}
    assert await refused(api, "/customers/ada/checkout_url") == {"base": ["no_linked_payment_provider"]}

    async def at(provider: str, **more: object) -> None:
        configuration = {"payment_provider": provider, **more}
        body = {"external_id": "ada", "billing_configuration": configuration}
        assert (await api.post("/customers", {"customer": body})).status_code == 200

    await at("gocardless")
    assert await refused(api, path) == {"base": ["invalid_payment_provider"]}
    await at("stripe", payment_provider_code="elsewhere")
    assert await refused(api, path) == {"base": ["missing_payment_provider"]}
    await at("stripe", payment_provider_code="main")
    assert await refused(api, path) == {"base": ["missing_payment_provider_customer"]}
    await at("cashfree")
    answer = await api.post("/customers/ada/checkout_url", NOTHING)
    assert (answer.status_code, answer.json()["code"]) == (405, "feature_not_supported")
    await linked(api, jobs, stripe, None)
    stripe.faults = [400]
    answer = await api.post(path, NOTHING)
    assert (answer.status_code, answer.json()["code"], answer.json()["error_details"]) == (
        422, "third_party_error", {"error": "Stripe: fault - told to fail"},
    )  # fmt: skip
    (failure,) = told(world, "invoice.payment_failure")
    assert failure["provider_error"] == {"message": "told to fail", "error_code": "fault"}
    stripe.faults = [503]
    assert await refused(api, path) == {"base": ["payment_provider_error"]}
    assert (await api.post(path, NOTHING)).status_code == 200
    world.execute("UPDATE invoices SET status = 'draft' WHERE id = %s", invoice)
    assert await refused(api, path) == {"base": ["invalid_invoice_status_or_payment_status"]}


async def test_a_customer_leaves_a_card_on_its_page(
    api: Api, stranger: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    customer = await linked(api, jobs, stripe, None)
    page = (await api.post("/customers/ada/checkout_url", NOTHING)).json()["customer"]
    assert page == {
        "lago_customer_id": customer["lago_id"],
        "external_customer_id": "ada",
        "payment_provider": "stripe",
        "payment_provider_code": "main",
        "checkout_url": stripe.of("cs")[0]["url"],
    }
    assert (await stranger.post("/customers/ada/checkout_url", NOTHING)).json()["code"] == "customer_not_found"
    stripe.faults = [403]
    assert await refused(api, "/customers/ada/checkout_url") == {"error": "Stripe: fault - told to fail"}
    await linked(api, jobs, stripe, None, provider_payment_methods=["crypto"])
    assert await refused(api, "/customers/ada/checkout_url") == {
        "provider_payment_methods": ["no_payment_methods_to_setup_available"]
    }


async def wallet_of(api: Api, **more: object) -> str:
    body = {"external_customer_id": "ada", "rate_amount": "1", "name": "W", "currency": "EUR", **more}
    made = await api.post("/wallets", {"wallet": body})
    assert made.status_code == 200, made.text
    return str(made.json()["wallet"]["lago_id"])


async def bought(api: Api, wallet: str) -> str:
    body = {"wallet_id": wallet, "paid_credits": "100.0"}
    made = await api.post("/wallet_transactions", {"wallet_transaction": body})
    assert made.status_code == 200, made.text
    return str(made.json()["wallet_transactions"][0]["lago_id"])


async def test_bought_credits_are_paid_by_the_provider(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe)
    wallet = await wallet_of(api)
    await jobs.run()
    transaction = await bought(api, wallet)
    await jobs.run()
    shown = (await api.get(f"/wallet_transactions/{transaction}")).json()["wallet_transaction"]
    assert shown["status"] == "settled"
    assert (await api.get(f"/wallets/{wallet}")).json()["wallet"]["credits_balance"] == "100.0"
    assert [each["amount"] for each in stripe.of("pi")] == [10_000]
    settled = await refused(api, f"/wallet_transactions/{transaction}/payment_url")
    assert settled == {"base": ["wallet_transaction_already_settled"]}


async def test_credits_that_are_refused_fail_and_have_a_page_meanwhile(
    api: Api, stranger: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, None)
    wallet = await wallet_of(api)
    await jobs.run()
    waiting = await bought(api, wallet)
    await jobs.run()
    page = (await api.post(f"/wallet_transactions/{waiting}/payment_url", NOTHING)).json()
    details = page["wallet_transaction_payment_details"]
    assert (details["lago_wallet_transaction_id"], details["payment_url"]) == (waiting, stripe.of("cs")[0]["url"])
    unseen = await stranger.post(f"/wallet_transactions/{waiting}/payment_url", NOTHING)
    assert unseen.json()["code"] == "wallet_transaction_not_found"
    world.execute("DELETE FROM payment_intents")
    await linked(api, jobs, stripe, "pm_declined")
    declined = await bought(api, wallet)
    await jobs.run()
    shown = (await api.get(f"/wallet_transactions/{declined}")).json()["wallet_transaction"]
    assert shown["status"] == "failed"
    (failure,) = told(world, "wallet_transaction.payment_failure")
    assert (failure["lago_wallet_transaction_id"], failure["provider_error"]["error_code"]) == (
        declined, "card_declined",
    )  # fmt: skip
    assert told(world, "invoice.payment_failure") == []
