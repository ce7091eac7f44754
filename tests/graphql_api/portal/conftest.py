"""Two customers of one organization and one of another, each with an invoice, a subscription and a wallet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.credits.wallets.create import create_wallet
from domain.customers.portal import portal_url
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

FEBRUARY, MARCH, ELEVENTH = "2024-02-01T00:00:00Z", "2024-03-01T00:10:00Z", "2024-03-11T00:00:00Z"


def token_of(organization_id: UUID, customer_id: UUID) -> str:
    """The token of a new link to the portal."""
    return portal_url(organization_id, customer_id).rpartition("/")[2]


@dataclass
class Visitor(Caller):
    """A customer who calls with the token of its portal alone, and what is its own."""

    portal_token: str = ""
    customer: str = ""
    subscription: str = ""
    invoice: str = ""
    wallet: str = ""

    async def send(self, query: str, variables: object = None, **headers: str) -> httpx.Response:
        return await super().send(query, variables, **{"customer-portal-token": self.portal_token, **headers})


async def settled(http: httpx.AsyncClient, world: World, name: str, **more: Any) -> Visitor:
    """A customer of that name who used 3 units in February, 2 in March, and has a wallet at 2 dollars a credit."""
    plan = world.plan(1_000, name="Gold", code=f"gold-{name}")
    world.charge(plan, world.metric(f"calls-{name}"), "standard", {"amount": "10"})
    customer = world.customer(external_id=name, currency="USD", **more)
    subscription = world.subscription(customer, plan, FEBRUARY, external_id=f"sub-{name}")
    for at in ("2024-02-05", "2024-02-06", "2024-02-07", "2024-03-02", "2024-03-03"):
        world.event(f"sub-{name}", f"calls-{name}", f"{at}T00:00:00Z", "1")
    async with tenant_work(world.tenant) as work:
        request = BillRequest((subscription,), world.now, "subscription_periodic")
        (invoice,) = await bill_subscriptions(work, [request])
        wallet = await create_wallet(
            work,
            {"customer_id": str(customer), "currency": "USD", "rate_amount": "2", "name": f"Wallet {name}",
             "paid_top_up_min_amount_cents": 1_000, "paid_top_up_max_amount_cents": 100_000},
        )  # fmt: skip
    token = token_of(world.organization_id, customer)
    ids = map(str, (customer, subscription, invoice, wallet))
    return Visitor(http, None, None, None, None, None, token, *ids)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(http: httpx.AsyncClient) -> AsyncIterator[World]:
    with World(instant(MARCH)) as world:
        world.execute("UPDATE organizations SET created_at = %s", instant(FEBRUARY))
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def elsewhere(http: httpx.AsyncClient) -> AsyncIterator[World]:
    """Another organization."""
    with World(instant(MARCH)) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def others(http: httpx.AsyncClient, world: World, elsewhere: World) -> list[Visitor]:
    """A customer of the same organization, and one of another organization."""
    found = [await settled(http, world, "other"), await settled(http, elsewhere, "foreign")]
    elsewhere.at(ELEVENTH)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def me(http: httpx.AsyncClient, world: World, others: list[Visitor]) -> Visitor:
    """The customer whose portal it is. Afterwards it is the eleventh of March."""
    address = {"address_line1": "1 Main St", "city": "Lyon", "zipcode": "69001", "country": "FR"}
    made = await settled(
        http, world, "me", email="me@example.com", legal_name="Me SA", legal_number="77", firstname="Mary",
        lastname="Major", customer_type="company", document_locale="fr", timezone="Europe/Paris",
        shipping_city="Paris", shipping_country="FR", **address,
    )  # fmt: skip
    world.at(ELEVENTH)
    return made


@pytest.fixture(scope="module")
def ids(me: Visitor) -> dict[str, str]:
    """Variables of documents about one's own things."""
    return {"subscription": me.subscription, "invoice": me.invoice, "wallet": me.wallet}
