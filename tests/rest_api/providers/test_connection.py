"""What is arranged with Stripe when an organization connects to it, renames the connection, and parts."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.kernel.unit_of_work import tenant_work
from domain.payments.providers.providers import add_stripe, remove_provider, update_stripe
from domain.payments.stripe.gateway import EVENTS
from infrastructure.settings import settings
from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import happens, told
from tests.stripe_server import StripeServer


async def test_stripe_sends_its_events_to_the_connection_as_long_as_there_is_one(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    (endpoint,) = stripe.of("we")
    here = f"{settings().api_url}/webhooks/stripe/{api.tenant.organization_id}?code="
    assert (endpoint["url"], sorted(endpoint["enabled_events"].values())) == (f"{here}main", sorted(EVENTS))
    async with tenant_work(api.tenant) as work:
        await update_stripe(work, connected, {"code": "renamed"})
    await jobs.run()
    (moved,) = stripe.of("we")
    assert (moved["url"], moved["id"] == endpoint["id"]) == (f"{here}renamed", False)
    # What Stripe had on its way to the old address is not taken any more.
    assert await happens(api, jobs, "payment_intent.succeeded", {"id": "pi_x", "status": "succeeded"}) == 400
    async with tenant_work(api.tenant) as work:
        await remove_provider(work, connected)
    await jobs.run()
    assert stripe.of("we") == []
    assert told(world, "payment_provider.error") == []


async def test_what_stripe_refuses_is_told_and_its_secrets_are_not(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAGO_API_URL", "http://unreachable.example")
    settings.cache_clear()
    terms = {"code": "second", "name": "Stripe EU", "secret_key": "sk_test_good"}
    async with tenant_work(api.tenant) as work:
        provider_id = await add_stripe(work, terms)
    await jobs.run()
    assert told(world, "payment_provider.error") == [
        {
            "lago_payment_provider_id": str(provider_id),
            "payment_provider_code": "second",
            "payment_provider_name": "Stripe EU",
            "source": "stripe",
            "action": "payment_provider.register_webhook",
            "provider_error": {"message": "Invalid URL", "error_code": "url_invalid"},
        }
    ]
    stored = world.execute("SELECT secrets, settings::text FROM payment_providers")
    assert not any(secret in text for row in stored for text in row for secret in ("sk_test_good", "whsec_of_the_test"))
    async with tenant_work(api.tenant) as work:
        await add_stripe(work, terms | {"code": "third", "secret_key": "sk_test_bad"})
    await jobs.run()
    wrong_key = told(world, "payment_provider.error")[-1]["provider_error"]
    assert wrong_key == {"message": "Invalid API Key provided", "error_code": "invalid_request_error"}
    # A customer that Stripe does not take is told as well.
    configuration = {"payment_provider": "stripe", "payment_provider_code": "third", "sync_with_provider": True}
    body = {"external_id": "bea", "billing_configuration": configuration}
    made = (await api.post("/customers", {"customer": body})).json()["customer"]
    await jobs.run()
    (failure,) = told(world, "customer.payment_provider_error")
    assert failure == {
        "lago_customer_id": made["lago_id"],
        "external_customer_id": "bea",
        "payment_provider": "stripe",
        "payment_provider_code": "third",
        "provider_error": wrong_key,
    }
