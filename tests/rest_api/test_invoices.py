"""/api/v1/invoices, /api/v1/fees and the signed downloads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import time_machine

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.invoicing.documents import generate
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api

MARCH = "2024-03-01T00:10:00Z"
GENERATE = "invoicing.generate_documents"


@pytest.fixture(autouse=True)
def jobs(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Any]]:
    """What is asked for in the background; nothing is done."""
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    asked: list[Any] = []

    async def requests(*_: object) -> list[Any]:
        return []

    async def dispatch(rows: Sequence[Mapping[str, Any]]) -> None:
        asked.extend(rows)

    install_reactions(Reactions(requests, dispatch, {GENERATE: "invoices"}))
    yield asked
    install_reactions(None)
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant(MARCH), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world


async def billed(api: Api, world: World, subscription: UUID) -> UUID:
    async with tenant_work(api.tenant) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        (made,) = await bill_subscriptions(work, [request])
    return made


async def one_invoice(api: Api, world: World, name: str | None = None) -> UUID:
    """An invoice of 49.00 and three units at 2.00 for a customer known as `name`."""
    name = name or f"customer-{uuid4().hex}"
    plan = world.plan(4900, name="Gold", description="All of it")
    world.charge(plan, world.metric(f"calls-{name}"), "standard", {"amount": "2"})
    external_id = f"sub-{name}"
    subscription = world.subscription(
        world.customer(external_id=name), plan, "2024-02-01T00:00:00Z", external_id=external_id
    )
    world.event(external_id, f"calls-{name}", "2024-02-05T00:00:00Z", "3")
    return await billed(api, world, subscription)


async def test_the_detail_shows_customer_periods_fees_and_taxes(api: Api, world: World) -> None:
    world.tax("20", "vat")
    invoice_id = await one_invoice(api, world, "ada")
    invoice = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]
    assert invoice["number"].endswith("-001")
    assert (invoice["status"], invoice["payment_status"], invoice["invoice_type"]) == (
        "finalized",
        "pending",
        "subscription",
    )
    assert (invoice["fees_amount_cents"], invoice["taxes_amount_cents"], invoice["total_amount_cents"]) == (
        5500,
        1100,
        6600,
    )
    assert invoice["total_due_amount_cents"] == 6600
    assert invoice["customer"]["external_id"] == "ada"
    assert invoice["issuing_date"] == "2024-03-01"
    assert invoice["file_url"] is None
    (period,) = invoice["billing_periods"]
    assert period["external_subscription_id"] == "sub-ada"
    assert period["charges_from_datetime"] == "2024-02-01T00:00:00Z"
    assert period["charges_to_datetime"] == "2024-02-29T23:59:59Z"
    assert period["invoicing_reason"] == "subscription_periodic"
    assert [each["external_id"] for each in invoice["subscriptions"]] == ["sub-ada"]
    base, usage = invoice["fees"]
    assert (base["item"]["type"], base["item"]["name"], base["item"]["item_type"]) == (
        "subscription",
        "Gold",
        "Subscription",
    )
    assert (usage["item"]["code"], usage["units"], usage["precise_unit_amount"]) == ("calls-ada", "3.0", "2.0")
    assert (usage["amount_cents"], usage["precise_amount"], usage["total_amount_cents"]) == (600, "6.0", 720)
    assert (usage["from_date"], usage["to_date"]) == ("2024-02-01T00:00:00Z", "2024-02-29T23:59:59Z")
    assert usage["applied_taxes"][0]["tax_code"] == "vat"
    assert invoice["applied_taxes"][0]["amount_cents"] == 1100
    assert invoice["credits"] == []


async def test_the_list_filters_and_pages(api: Api, world: World) -> None:
    first = await one_invoice(api, world, "bea")
    second = await one_invoice(api, world, "cleo")
    world.execute("UPDATE invoices SET issuing_date = '2024-02-01' WHERE id = %s", first)
    everything = (await api.get("/invoices")).json()
    assert [row["lago_id"] for row in everything["invoices"]] == [str(second), str(first)]
    assert everything["meta"]["total_count"] == 2
    assert "fees" not in everything["invoices"][0]
    for query, expected in (
        ("external_customer_id=bea", [first]),
        ("search_term=CLEO", [second]),
        (f"search_term={first}", [first]),
        ("issuing_date_to=2024-02-01", [first]),
        ("issuing_date_from=2024-02-02", [second]),
        ("issuing_date_from=nonsense", [second, first]),
        ("amount_from=5501", []),
        ("amount_to=5500&per_page=1", [second]),
        ("statuses[]=draft", []),
        ("payment_status=pending&currency=USD", [second, first]),
        ("metadata[key]=value", []),
        ("metadata[key]=", [second, first]),
        ("payment_dispute_lost=true", []),
    ):
        answer = await api.get(f"/invoices?{query}")
        assert answer.status_code == 200, (query, answer.text)
        assert [row["lago_id"] for row in answer.json()["invoices"]] == [str(one) for one in expected], query
    of_bea = (await api.get("/customers/bea/invoices")).json()
    assert [row["lago_id"] for row in of_bea["invoices"]] == [str(first)]
    assert (await api.get("/customers/nobody/invoices")).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("statuses[]=nonsense", 422),
        ("payment_status=nonsense", 422),
        ("invoice_type=nonsense", 422),
        ("currency=XXX", 422),
        ("amount_from=many", 422),
        (f"amount_from={10**30}", 422),
        ("billing_entity_codes[]=nonsense", 404),
        ("page=-1&per_page=999999999999", 200),
        ("external_customer_id=%00", 422),
    ],
)
async def test_bad_filters_get_a_clear_answer(api: Api, world: World, query: str, status: int) -> None:
    answer = await api.get(f"/invoices?{query}")
    assert answer.status_code == status, answer.text


async def test_the_list_costs_the_same_statements_for_one_invoice_and_for_many(
    api: Api, world: World, statements: list[str]
) -> None:
    counts = []
    for _ in range(2):
        await one_invoice(api, world)
        statements.clear()
        assert (await api.get("/invoices")).status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "path", ["/invoices/{}", "/invoices/{}/download", "/invoices/{}/finalize", "/invoices/{}/refresh"]
)
@pytest.mark.parametrize("identifier", ["nonsense", str(UUID(int=7)), "1" * 500])
async def test_an_unknown_invoice_is_not_found(api: Api, path: str, identifier: str) -> None:
    method = "GET" if path.endswith("{}") else "POST" if path.endswith("download") else "PUT"
    answer = await api.call(method, path.format(identifier))
    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_not_found")


async def test_hidden_invoices_and_those_of_others_are_not_found(api: Api, stranger: Api, world: World) -> None:
    invoice_id = await one_invoice(api, world)
    assert (await stranger.get(f"/invoices/{invoice_id}")).status_code == 404
    assert (await stranger.get("/invoices")).json()["invoices"] == []
    for hidden in ("generating", "open", "closed", "deleted"):
        world.execute("UPDATE invoices SET status = %s WHERE id = %s", hidden, invoice_id)
        assert (await api.get(f"/invoices/{invoice_id}")).status_code == 404
        assert (await api.get(f"/invoices?statuses[]={hidden}")).status_code == 422


async def test_a_draft_is_refreshed_and_finalized_once(api: Api, world: World) -> None:
    world.execute("UPDATE billing_entities SET invoice_grace_period = 3 WHERE id = %s", world.organization_id)
    invoice_id = await one_invoice(api, world, "dora")
    draft = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]
    assert (draft["status"], draft["number"].rpartition("-")[2], draft["sequential_id"]) == ("draft", "DRAFT", None)
    world.event("sub-dora", "calls-dora", "2024-02-06T00:00:00Z", "1")
    refreshed = (await api.put(f"/invoices/{invoice_id}/refresh", None)).json()["invoice"]
    assert (refreshed["status"], refreshed["fees_amount_cents"]) == ("draft", 5700)
    final = (await api.put(f"/invoices/{invoice_id}/finalize", None)).json()["invoice"]
    assert (final["status"], final["sequential_id"]) == ("finalized", 1)
    assert (await api.put(f"/invoices/{invoice_id}/finalize", None)).status_code == 404
    again = (await api.put(f"/invoices/{invoice_id}/refresh", None)).json()["invoice"]
    assert again["number"] == final["number"]


async def test_a_document_is_asked_for_once_and_then_linked(api: Api, world: World, jobs: list[Any]) -> None:
    invoice_id = await one_invoice(api, world)
    answer = await api.post(f"/invoices/{invoice_id}/download", None)
    assert (answer.status_code, answer.content) == (200, b"")
    await api.post(f"/invoices/{invoice_id}/download_pdf", None)
    await api.post(f"/invoices/{invoice_id}/download_xml", None)
    assert len(world.rows("jobs", actor=GENERATE)) == 1
    async with tenant_work(api.tenant) as work:
        assert await generate(work, [invoice_id]) == [invoice_id]
        assert await generate(work, [invoice_id]) == []
    invoice = (await api.post(f"/invoices/{invoice_id}/download", None)).json()["invoice"]
    assert invoice["file_url"].startswith(f"{settings().api_url}/download/")


async def test_a_signed_link_opens_without_login_until_it_expires_or_is_changed(
    api: Api, world: World, client: httpx.AsyncClient
) -> None:
    invoice_id = await one_invoice(api, world)
    async with tenant_work(api.tenant) as work:
        await generate(work, [invoice_id])
    url = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]["file_url"]
    path = url.removeprefix(settings().api_url)
    opened = await client.get(path)
    assert (opened.status_code, opened.headers["content-type"]) == (200, "application/pdf")
    assert opened.content.startswith(b"%PDF-")
    for place in (len("/download/") + 2, -1):
        other = "A" if path[place] != "A" else "B"
        changed = path[:place] + other + (path[place + 1 :] if place != -1 else "")
        assert (await client.get(changed)).status_code == 404, changed
    with time_machine.travel(time.time() + settings().download_link_days * 86_400 + 60, tick=False):
        assert (await client.get(path)).status_code == 404


async def test_no_invoice_has_an_id_at_an_integration_that_is_not_there(api: Api, world: World) -> None:
    invoice_id = await one_invoice(api, world)
    body = {"invoice": {"external_id": "sf-1", "integration_code": "salesforce"}}
    answer = await api.put(f"/invoices/{invoice_id}/sync_salesforce_id", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "integration_not_found")
    answer = await api.put(f"/invoices/{uuid4()}/sync_salesforce_id", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_not_found")


async def test_drafts_have_no_document(api: Api, world: World) -> None:
    world.execute("UPDATE billing_entities SET invoice_grace_period = 3 WHERE id = %s", world.organization_id)
    invoice_id = await one_invoice(api, world)
    async with tenant_work(api.tenant) as work:
        assert await generate(work, [invoice_id]) == []
    assert (await api.post(f"/invoices/{invoice_id}/download", None)).status_code == 404


async def test_fees_are_listed_and_shown(api: Api, stranger: Api, world: World) -> None:
    await one_invoice(api, world, "eve")
    listed = (await api.get("/fees?external_subscription_id=sub-eve")).json()
    assert listed["meta"]["total_count"] == 2
    (usage,) = (await api.get("/fees?fee_type=charge&billable_metric_code=calls-eve")).json()["fees"]
    assert usage["external_customer_id"] == "eve"
    shown = (await api.get(f"/fees/{usage['lago_id']}")).json()["fee"]
    assert shown == usage
    assert (await stranger.get(f"/fees/{usage['lago_id']}")).status_code == 404
    assert (await api.get("/fees/nonsense")).json()["code"] == "fee_not_found"
    assert (await api.get("/fees?fee_type=nonsense")).status_code == 422
    assert (await api.get("/fees?created_at_from=nonsense")).status_code == 422
    assert (await api.get("/fees?event_transaction_id=tx")).json()["fees"] == []
    assert (await api.get("/fees?created_at_to=2001-01-01")).json()["fees"] == []
