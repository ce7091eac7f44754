"""An organization connected to Stripe, which is a server of our own on a real socket; jobs run as in production."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from domain.kernel.unit_of_work import tenant_work
from domain.payments.providers.providers import add_stripe
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant
from tests.provider_jobs import Jobs, jobs_run
from tests.rest_api.conftest import Api
from tests.stripe_server import StripeServer, signed, stripe_server

NOW = "2024-03-01T00:10:00Z"


@pytest.fixture
def stripe(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeServer]:
    with stripe_server() as server:
        monkeypatch.setenv("TARN_STRIPE_URL", server.url)
        settings.cache_clear()
        yield server
    settings.cache_clear()


@pytest.fixture
def recorded() -> Iterator[Jobs]:
    """In the place of what other tests record: commands are followed by their jobs."""
    with jobs_run() as jobs:
        yield jobs


@pytest.fixture
def jobs(recorded: Jobs) -> Jobs:
    return recorded


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant(NOW), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def connected(api: Api, stripe: StripeServer, jobs: Jobs) -> AsyncIterator[UUID]:
    """A connection to Stripe, and an endpoint that is told of everything."""
    await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": "https://told.example.com"}})
    jobs.left_out.add("messaging.deliver")
    async with tenant_work(api.tenant) as work:
        terms = {"code": "main", "name": "Stripe", "secret_key": "sk_test_good", "supports3ds": True,
                 "success_redirect_url": "https://hooli.example.com/thanks"}  # fmt: skip
        provider_id = await add_stripe(work, terms)
    await jobs.run()
    yield provider_id


async def linked(api: Api, jobs: Jobs, stripe: StripeServer, method: str | None = "pm_ok", **more: Any) -> Any:
    """The customer ada, known to Stripe, with a card."""
    remote = stripe.new("cus")["id"]
    if method is not None:
        stripe.has_method(method, remote)
    configuration = {"payment_provider": "stripe", "payment_provider_code": "main", "provider_customer_id": remote,
                     **more}  # fmt: skip
    body = {"external_id": "ada", "currency": "EUR", "country": "DE", "billing_configuration": configuration}
    made = await api.post("/customers", {"customer": body})
    assert made.status_code == 200, made.text
    await jobs.run()
    return made.json()["customer"]


def told(world: World, webhook_type: str) -> list[Any]:
    """The contents of the webhooks of one type, in order."""
    query = (
        "SELECT payload::jsonb -> object_type FROM webhooks "
        "WHERE webhook_type = %s AND organization_id = %s ORDER BY id"
    )
    return [row[0] for row in world.execute(query, webhook_type, world.organization_id)]


async def payments(api: Api, invoice: str) -> Any:
    return (await api.get(f"/payments?invoice_id={invoice}")).json()["payments"]


async def happens(api: Api, jobs: Jobs, kind: str, thing: Any, *, event_id: str | None = None, **more: Any) -> int:
    """Stripe posts an event, which is worked through; the status that it was answered."""
    body, headers = signed(kind, thing, "whsec_of_the_test", event_id=event_id or f"evt_{uuid4().hex}", **more)
    path = f"/webhooks/stripe/{api.tenant.organization_id}?code=main"
    answer = await api.client.post(path, content=body, headers=headers)
    assert answer.content == b""
    await jobs.run()
    return answer.status_code
