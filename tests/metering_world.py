"""Organizations with an API key each, a catalog, and an HTTP client on the routes of events and usage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import col
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from domain.catalog.models import BillableMetric, BillingEntityTax, Charge, Plan, Tax
from domain.customers.models import Customer
from domain.identity.models import User
from domain.identity.organizations import found_organization
from domain.kernel import clock
from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import Reactions, UnitOfWork, door_work, install_reactions, tenant_work
from domain.subscriptions.models import Subscription
from infrastructure.database import bare_url, engine
from tests.databases import ask

START = datetime(2024, 3, 1, tzinfo=UTC)


@dataclass
class World:
    """One organization as a client sees it."""

    tenant: Tenant
    key: str
    client: httpx.AsyncClient
    app: Starlette

    async def post(self, path: str, body: Any = None, *, content: bytes | None = None) -> httpx.Response:
        extra: dict[str, Any] = {"content": content} if content is not None else {"json": body}
        return await self.client.post(f"/api/v1{path}", headers={"authorization": f"Bearer {self.key}"}, **extra)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(
            f"/api/v1{path}", params=params or None, headers={"authorization": f"Bearer {self.key}"}
        )

    def owner(self) -> psycopg.Connection:
        """A connection that row-level security does not bind, to look at what is really stored."""
        return psycopg.connect(bare_url(), autocommit=True)

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        return ask(bare_url(), query, params)

    async def metric(self, code: str, aggregation_type: str = "count_agg", **columns: Any) -> BillableMetric:
        if aggregation_type != "count_agg":
            columns.setdefault("field_name", "value")
        async with tenant_work(self.tenant) as work:
            metric = BillableMetric(
                organization_id=work.organization_id, name=code, code=code, aggregation_type=aggregation_type, **columns
            )
            work.session.add(metric)
        return metric

    async def plan(self, *charges: tuple[BillableMetric, str, Mapping[str, Any]], **columns: Any) -> Plan:
        for name, value in {"interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}.items():
            columns.setdefault(name, value)
        columns.setdefault("pay_in_advance", False)
        async with tenant_work(self.tenant) as work:
            plan = Plan(
                organization_id=work.organization_id, name="plan", code=f"plan-{uuid4().hex[:8]}",
                **columns,
            )  # fmt: skip
            work.session.add(plan)
            await work.session.flush()
            for place, (metric, model, properties) in enumerate(charges):
                work.session.add(
                    Charge(
                        organization_id=work.organization_id, plan_id=plan.id, billable_metric_id=metric.id,
                        code=f"{metric.code}-{place}", charge_model=model, properties=dict(properties), position=place,
                    )
                )  # fmt: skip
        return plan

    async def subscription(
        self,
        plan: Plan,
        external_id: str = "sub",
        *,
        customer: str = "cust",
        started_at: datetime = START,
        **columns: Any,
    ) -> Subscription:
        async with tenant_work(self.tenant) as work:
            known = await work.session.scalar(sa.select(Customer).where(col(Customer.external_id) == customer))
            if known is None:
                number = await work.session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0
                known = Customer(
                    organization_id=work.organization_id, billing_entity_id=work.organization_id, external_id=customer,
                    sequential_id=number + 1, slug=f"C-{number + 1}", timezone=columns.pop("timezone", None),
                )  # fmt: skip
                work.session.add(known)
                await work.session.flush()
            for name, value in {"status": "active", "subscription_at": started_at, "started_at": started_at}.items():
                columns.setdefault(name, value)
            subscription = Subscription(
                organization_id=work.organization_id, customer_id=known.id, plan_id=plan.id, external_id=external_id,
                **columns,
            )  # fmt: skip
            work.session.add(subscription)
        return subscription

    async def tax(self, rate: str) -> None:
        async with tenant_work(self.tenant) as work:
            tax = Tax(organization_id=work.organization_id, name="VAT", code=f"vat-{rate}", rate=Decimal(rate))
            work.session.add(tax)
            await work.session.flush()
            work.session.add(
                BillingEntityTax(
                    organization_id=work.organization_id, billing_entity_id=work.organization_id, tax_id=tax.id
                )
            )


@dataclass
class Sent:
    """The jobs that were handed to the queues."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)


class Makers:
    def __init__(self, sent: Sent) -> None:
        self.sent = sent
        self.clients: list[httpx.AsyncClient] = []

    async def organization(self, *, frozen_at: datetime | None = None, routes: Sequence[BaseRoute] = ()) -> World:
        from rest_api import events, usage

        async with door_work(Door.SANDBOX if frozen_at else Door.LOGIN) as work:
            user = User(email=f"{uuid4()}@example.com", password_hash="-")
            ask(
                bare_url(),
                "INSERT INTO users (id, email, password_hash, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)",
                [user.id, user.email, user.password_hash, clock.wall(), clock.wall()],
            )
            founded = await found_organization(work, user.id, "World", "per_customer", frozen_at)
        app = Starlette(routes=[*events.routes, *usage.routes, *routes])
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tarn.test", timeout=30)
        self.clients.append(client)
        return World(Tenant(founded.organization.id, frozen_at), founded.api_key.value, client, app)


@pytest_asyncio.fixture(loop_scope="session")
async def makers(migrated: str) -> AsyncIterator[Makers]:
    """Makes organizations; what their commands enqueue is written to the ledger and noted instead of run."""
    from rest_api.events import close_ingestion

    sent = Sent()

    async def requests(work: UnitOfWork, events: Sequence[DomainEvent]) -> Sequence[JobRequest]:
        return ()

    async def dispatch(rows: Sequence[Mapping[str, object]]) -> None:
        sent.rows.extend(rows)

    actors = ("metering.post_process", "metering.fill_values", "metering.fold_usage", "billing.pay_in_advance")
    queues = dict.fromkeys(actors, "default")
    install_reactions(Reactions(requests, dispatch, queues))
    made = Makers(sent)
    yield made
    for client in made.clients:
        await client.aclose()
    await close_ingestion()
    install_reactions(None)


@pytest_asyncio.fixture(loop_scope="session")
async def world(makers: Makers) -> World:
    return await makers.organization()


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that the engine sends inside the block, transactions' own commands left out."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "set_config" not in statement:
            seen.append(statement)

    sa.event.listen(engine().sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine().sync_engine, "before_cursor_execute", note)


def event(transaction_id: str | None = None, **fields: Any) -> dict[str, Any]:
    """An event as a client sends it."""
    return {
        "transaction_id": transaction_id or uuid4().hex,
        "code": "calls",
        "external_subscription_id": "sub",
    } | fields
