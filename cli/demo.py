"""The demo that a first start makes: an organization with plans, customers and two months of usage, billed.

Deterministic but for ids and today's date. Catalog, customers and events go in through the API, as a client would send
them; subscriptions start and bills are made in the past, so they are commands run under an earlier clock.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.billing.due import bill_due
from domain.billing.subscribe import plan_by_code, subscribe
from domain.customers.find_or_create import find_or_create
from domain.invoicing.links import download_url
from domain.invoicing.models import Invoice
from domain.kernel.jobs import Job
from domain.kernel.rows import table
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from tasks import app

__all__ = ["DemoResult", "seed"]

EMAIL = "demo@example.com"
PASSWORD = "tarn-demo-1"  # noqa: S105  printed at the first start, for an installation on one's own machine
EVENTS = 50_000
BATCH = 100
CONNECTIONS = 4
PATIENCE = 180.0

METRICS = (
    {"name": "API calls", "code": "api_calls", "aggregation_type": "count_agg"},
    {"name": "Storage", "code": "storage_gb", "aggregation_type": "max_agg", "field_name": "gigabytes"},
    {"name": "Compute seconds", "code": "compute", "aggregation_type": "sum_agg", "field_name": "seconds"},
    {"name": "Active users", "code": "users", "aggregation_type": "unique_count_agg", "field_name": "user_id"},
)
NAMES = (
    "Alder & Sons", "Birchwood Labs", "Cedar Analytics", "Dogwood Media", "Elm Street Studio", "Fir Robotics",
    "Ginkgo Health", "Hazel Logistics", "Ironbark Mining", "Juniper Travel", "Katsura Games", "Larch Insurance",
    "Maple Foods", "Nutmeg Retail", "Oakline Energy", "Pine Valley Bank", "Quince Fashion", "Rowan Security",
    "Spruce Mobility", "Tamarack Foundry",
)  # fmt: skip


@dataclass(frozen=True)
class DemoResult:
    """What a person needs to look at the demo. Kept beside the data and shown at every start."""

    api_url: str
    email: str
    password: str
    api_key: str
    organization_id: str
    invoice_id: str
    invoice_number: str
    invoices: int
    events: int

    def print(self) -> None:
        """Addresses, credentials and a link to an invoice, signed anew."""
        link = download_url(UUID(self.organization_id), UUID(self.invoice_id))
        grid = Table.grid(padding=(0, 2))
        grid.add_row("E-mail", self.email)
        grid.add_row("Password", self.password)
        grid.add_row("API key", self.api_key)
        grid.add_row("GraphiQL", f"{self.api_url}/graphql")
        grid.add_row("Made", f"{self.invoices} invoices from {self.events:,} events")
        console = Console(highlight=False)
        console.print(Panel(grid, title="Demo organization", expand=False))
        # Outside the frame and unwrapped, so that a terminal can open it.
        console.print(f"Invoice {self.invoice_number} as PDF:")
        console.print(f"[link={link}]{link}[/link]", soft_wrap=True)


async def seed(console: Console, api_url: str) -> DemoResult:
    """Makes the demo in an empty installation; takes some seconds."""
    app.install()
    rng = random.Random(20_260_101)  # noqa: S311  a demo that is the same everywhere
    now = datetime.now(UTC)
    start = (now - timedelta(days=61)).replace(hour=0, minute=0, second=0, microsecond=0)
    async with httpx.AsyncClient(base_url=api_url, timeout=60, trust_env=False) as client:
        organization_id, key = await _register(client)
        client.headers["Authorization"] = f"Bearer {key}"
        await _catalog(client)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console) as progress:
            await _subscribe_all(organization_id, start, rng, progress)
            sent = await _send_events(client, start, now, rng, progress)
            await _bill(organization_id, start, now, progress)
    identifier, number, count = await _an_invoice(organization_id)
    return DemoResult(
        api_url=api_url, email=EMAIL, password=PASSWORD, api_key=key, organization_id=str(organization_id),
        invoice_id=str(identifier), invoice_number=number, invoices=count, events=sent,
    )  # fmt: skip


async def _graphql(
    client: httpx.AsyncClient, query: str, headers: dict[str, str] | None = None, **variables: Any
) -> Any:
    answer = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    body = answer.json()
    if body.get("errors"):
        raise RuntimeError(f"The demo could not be made: {body['errors'][0]['message']}")
    return body["data"]


async def _register(client: httpx.AsyncClient) -> tuple[UUID, str]:
    """The demo user and organization: the organization's id and its API key."""
    made = (
        await _graphql(
            client,
            "mutation($input: RegisterUserInput!) { registerUser(input: $input) { token organization { id } } }",
            input={"email": EMAIL, "password": PASSWORD, "organizationName": "Evergreen Cloud"},
        )
    )["registerUser"]
    organization_id = UUID(made["organization"]["id"])
    headers = {"Authorization": f"Bearer {made['token']}", "x-lago-organization": str(organization_id)}
    keys = (await _graphql(client, "{ apiKeys { collection { id } } }", headers))["apiKeys"]["collection"]
    shown = await _graphql(client, "query($id: ID!) { apiKey(id: $id) { value } }", headers, id=keys[0]["id"])
    return organization_id, shown["apiKey"]["value"]


async def _post(client: httpx.AsyncClient, path: str, method: str = "POST", **body: Any) -> Any:
    answer = await client.request(method, f"/api/v1/{path}", json=body)
    if answer.is_error:
        raise RuntimeError(f"The demo could not be made: {path} answered {answer.status_code} {answer.text[:300]}")
    return answer.json()


async def _catalog(client: httpx.AsyncClient) -> None:
    """Organization settings, a tax, metrics and three plans."""
    await _post(
        client, "organizations", "PUT",
        organization={
            "legal_name": "Evergreen Cloud GmbH", "address_line1": "Unter den Linden 10", "zipcode": "10117",
            "city": "Berlin", "country": "DE", "email": "billing@evergreen.example", "net_payment_term": 14,
            "billing_configuration": {"invoice_footer": "Thank you for growing with us."},
        },
    )  # fmt: skip
    await _post(client, "taxes", tax={"name": "VAT", "code": "vat", "rate": "19", "applied_to_organization": True})
    ids = {}
    for metric in METRICS:
        made = await _post(client, "billable_metrics", billable_metric=metric)
        ids[metric["code"]] = made["billable_metric"]["lago_id"]
    for plan in _plans(ids):
        await _post(client, "plans", plan=plan)


def _plans(ids: dict[str, str]) -> list[dict[str, Any]]:
    def charge(metric: str, model: str, **properties: Any) -> dict[str, Any]:
        return {"billable_metric_id": ids[metric], "charge_model": model, "properties": properties}

    def tier(low: int, high: int | None, price: str, flat: str = "0") -> dict[str, Any]:
        return {"from_value": low, "to_value": high, "per_unit_amount": price, "flat_amount": flat}

    common = {"interval": "monthly", "amount_currency": "EUR", "bill_charges_monthly": None}
    return [
        {
            **common, "name": "Seed", "code": "seed", "amount_cents": 2_900, "pay_in_advance": False,
            "charges": [
                charge("api_calls", "package", amount="1", free_units=500, package_size=100),
                charge("storage_gb", "standard", amount="0.12"),
            ],
        },
        {
            **common, "name": "Grove", "code": "grove", "amount_cents": 14_900, "pay_in_advance": True,
            "charges": [
                charge("api_calls", "graduated", graduated_ranges=[tier(0, 1000, "0.008"), tier(1001, None, "0.005")]),
                charge("compute", "standard", amount="0.0004"),
                charge("users", "standard", amount="3"),
            ],
        },
        {
            **common, "name": "Forest", "code": "forest", "amount_cents": 49_900, "pay_in_advance": False,
            "charges": [
                charge(
                    "compute", "graduated",
                    graduated_ranges=[tier(0, 50_000, "0.0003", "10"), tier(50_001, None, "0.0002")],
                ),
                charge("storage_gb", "package", amount="5", free_units=50, package_size=50),
                charge("users", "graduated", graduated_ranges=[tier(0, 10, "2.5"), tier(11, None, "1.5")]),
            ],
        },
    ]  # fmt: skip


def _external_id(number: int) -> str:
    return f"demo-{number + 1:02d}"


async def _subscribe_all(organization_id: UUID, start: datetime, rng: random.Random, progress: Progress) -> None:
    """Twenty customers, each subscribed on a day of the first month."""
    shown = progress.add_task("Customers and subscriptions", total=len(NAMES))
    for number, name in enumerate(NAMES):
        at = start + timedelta(days=rng.randrange(0, 12), hours=rng.randrange(8, 18))
        plan_code = ("seed", "seed", "grove", "forest")[number % 4]
        async with tenant_work(Tenant(organization_id, at)) as work:
            plan = await plan_by_code(work, plan_code)
            customer = await find_or_create(work, _external_id(number), plan.amount_currency)
            customer.name, customer.email = name, f"finance@{name.split()[0].lower()}.example"
            customer.country, customer.city, customer.zipcode = "DE", "Hamburg", f"20{number:03d}"
            customer.address_line1 = f"Baumallee {number + 1}"
            await work.session.flush()  # subscribing reads the customer anew
            anniversary = {"billing_time": "anniversary"} if number % 5 == 4 else {}
            await subscribe(work, customer, plan, _external_id(number), anniversary)
        progress.advance(shown)


def _events(start: datetime, now: datetime, rng: random.Random) -> list[dict[str, Any]]:
    """Usage of all customers, more by day than by night, growing over the two months."""
    span = (now - start).total_seconds()
    weights = [rng.choice((1, 2, 3, 8)) for _ in NAMES]
    events = []
    for number in range(EVENTS):
        customer = rng.choices(range(len(NAMES)), weights)[0]
        instant = start + timedelta(seconds=span * rng.random() ** 0.8)
        kind = rng.choices(METRICS, (6, 1, 2, 1))[0]
        properties: dict[str, Any] = {}
        if kind["code"] == "storage_gb":
            properties["gigabytes"] = rng.randrange(10, 400)
        elif kind["code"] == "compute":
            properties["seconds"] = rng.randrange(5, 900)
        elif kind["code"] == "users":
            properties["user_id"] = f"user-{rng.randrange(1, 40)}"
        events.append(
            {
                "transaction_id": f"demo-{number}",
                "external_subscription_id": _external_id(customer),
                "code": kind["code"],
                "timestamp": f"{instant.timestamp():.3f}",
                "properties": properties,
            }
        )
    return events


async def _send_events(
    client: httpx.AsyncClient, start: datetime, now: datetime, rng: random.Random, progress: Progress
) -> int:
    events = _events(start, now, rng)
    batches = [events[at : at + BATCH] for at in range(0, len(events), BATCH)]
    shown = progress.add_task("Usage events", total=len(events))
    gate = asyncio.Semaphore(CONNECTIONS)

    async def send(batch: list[dict[str, Any]]) -> None:
        async with gate:
            await _post(client, "events/batch", events=batch)
        progress.advance(shown, len(batch))

    await asyncio.gather(*(send(batch) for batch in batches))
    return len(events)


async def _bill(organization_id: UUID, start: datetime, now: datetime, progress: Progress) -> None:
    """Every day since the start is a billing run, as the clock would have made it."""
    days = [start + timedelta(days=number, hours=1) for number in range(1, (now - start).days + 1)]
    shown = progress.add_task("Billing runs", total=len(days))
    for at in days:
        async with tenant_work(Tenant(organization_id, at)) as work:
            due = await bill_due(work)
        if due:
            await _settled(organization_id)
        progress.advance(shown)
    await _settled(organization_id)


async def _settled(organization_id: UUID) -> None:
    """Waits until the worker has done what was asked for."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    waiting = sa.select(sa.func.count()).select_from(table(Job)).where(table(Job).c.status == "pending")
    while True:
        async with tenant_work(Tenant(organization_id)) as work:
            if not (await work.session.execute(waiting)).scalar_one():
                return
        if asyncio.get_running_loop().time() > deadline:
            raise RuntimeError("The demo's bills are not made yet: is the worker running? See `tarn doctor`.")
        await asyncio.sleep(0.1)


async def _an_invoice(organization_id: UUID) -> tuple[UUID, str, int]:
    """The dearest invoice, its number, and how many there are."""
    i = table(Invoice).c
    async with tenant_work(Tenant(organization_id)) as work:
        rows: Sequence[Any] = (
            await work.session.execute(
                sa.select(i.id, i.number).where(i.status == "finalized").order_by(i.total_amount_cents.desc(), i.id)
            )
        ).all()
    return rows[0].id, rows[0].number, len(rows)
