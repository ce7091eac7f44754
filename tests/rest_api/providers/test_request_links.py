"""The link in the mail of a payment request, and the page that it opens."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.kernel import clock
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.emails.compose import compose
from domain.payments.request_links import PURPOSE
from infrastructure import signing
from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import happens, linked, payments, told
from tests.rest_api.providers.test_requests import asked, overdue
from tests.rest_api.test_payments import invoice_of, pay
from tests.stripe_server import StripeServer


@pytest.fixture
def world(world: World) -> World:
    entity = "UPDATE billing_entities SET email = 'billing@hooli.com' WHERE organization_id = %s"
    world.execute(entity, world.organization_id)
    return world


async def mailed(api: Api, request: str) -> str:
    async with tenant_work(api.tenant) as work:
        mail = await compose(work, "payment_request", UUID(request), "key")
    assert mail is not None
    return mail.text


async def reminded(api: Api, jobs: Jobs, stripe: StripeServer, world: World) -> tuple[list[str], str, str]:
    """Two overdue invoices, the request for them, and the path of its link."""
    jobs.left_out.add("messaging.send_mail")
    await linked(api, jobs, stripe, None)
    invoices = await overdue(api, world, 3_000, 4_500)
    await jobs.run()
    request = (await asked(api, invoices))["lago_id"]
    await jobs.run()
    found = re.search(r"Pay now: http://localhost:3000(/pay/\S+)", await mailed(api, request))
    assert found is not None
    return invoices, request, found[1]


async def opened(api: Api, path: str) -> tuple[int, str]:
    """The status, and where it leads or what it says."""
    answer = await api.client.get(path)
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("private, no-store", "no-referrer")
    return answer.status_code, answer.headers.get("location") or answer.text


def paid(session: Any, amount: int) -> dict[str, Any]:
    return {"id": "pi_page", "status": "succeeded", "amount": amount, "amount_received": amount,
            "customer": session["customer"], "metadata": session["payment_intent_data"]["metadata"]}  # fmt: skip


async def test_a_request_is_paid_once_on_the_page_that_its_link_opens(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    invoices, request, path = await reminded(api, jobs, stripe, world)
    assert stripe.of("cs") == []
    (status, address), second = await asyncio.gather(opened(api, path), opened(api, path))
    assert second == (status, address)
    (session,) = stripe.of("cs")
    assert (status, address) == (303, session["url"])
    item = session["line_items"]["0"]["price_data"]
    assert (item["unit_amount"], item["currency"]) == ("7500", "eur")
    assert await opened(api, path) == (303, address)
    # It is good for longer than the page.
    world.execute("UPDATE payment_intents SET expires_at = %s", clock.wall() - timedelta(seconds=1))
    status, later = await opened(api, path)
    assert (status, len(stripe.of("cs"))) == (303, 2)
    assert later != address
    for _ in range(2):
        assert await happens(api, jobs, "payment_intent.succeeded", paid(stripe.of("cs")[1], 7_500)) == 200
    for invoice, total in zip(invoices, (3_000, 4_500), strict=True):
        now = await invoice_of(api, invoice)
        assert (now["payment_status"], now["total_paid_amount_cents"]) == ("succeeded", total)
        assert [each["provider_payment_id"] for each in await payments(api, invoice)] == ["pi_page"]
    shown = (await api.get(f"/payment_requests/{request}")).json()["payment_request"]
    assert shown["payment_status"] == "succeeded"
    status, text = await opened(api, path)
    assert (status, text.splitlines()[0]) == (
        410, "There is nothing to pay with this link any more: the invoices have been paid or changed since.",
    )  # fmt: skip
    assert "billing@hooli.com" in text
    assert "/pay/" not in await mailed(api, request)


async def test_what_is_paid_otherwise_is_not_asked_for_again(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    invoices, _, path = await reminded(api, jobs, stripe, world)
    await opened(api, path)
    # The page of another request for the same invoice is closed as well.
    other = await mailed(api, (await asked(api, invoices[:1]))["lago_id"])
    (link,) = re.findall(r"localhost:3000(/pay/\S+)", other)
    assert (await opened(api, link))[0] == 303
    await pay(api, invoices[0], 1_000)
    await jobs.run()
    assert [each["status"] for each in stripe.of("cs")] == ["expired", "expired"]
    assert [(await opened(api, each))[0] for each in (path, link)] == [410, 410]


async def test_a_credit_note_that_lowers_an_invoice_closes_its_pages(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    invoices, _, path = await reminded(api, jobs, stripe, world)
    await opened(api, path)
    own = f"/invoices/{invoices[1]}/payment_url"
    assert (await api.post(own, {})).status_code == 200
    fee = (await invoice_of(api, invoices[1]))["fees"][0]["lago_id"]
    items = [{"fee_id": fee, "amount_cents": 500}]
    note = {"invoice_id": invoices[1], "reason": "other", "offset_amount_cents": 500, "items": items}
    assert (await api.post("/credit_notes", {"credit_note": note})).status_code == 200
    await jobs.run()
    assert [each["status"] for each in stripe.of("cs")] == ["expired", "expired"]
    assert (await opened(api, path))[0] == 410
    # The invoice's own page asks for what is left.
    assert (await api.post(own, {})).status_code == 200
    assert stripe.of("cs")[-1]["line_items"]["0"]["price_data"]["unit_amount"] == "4000"


async def test_a_charge_closes_the_page_and_is_waited_for(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    invoices, _, path = await reminded(api, jobs, stripe, world)
    await opened(api, path)
    await linked(api, jobs, stripe, "pm_slow")
    await asked(api, invoices)
    await jobs.run()
    assert [each["status"] for each in stripe.of("cs")] == ["expired"]
    assert [each["status"] for each in stripe.of("pi")] == ["processing"]
    status, text = await opened(api, path)
    assert (status, text.startswith("A payment is already under way.")) == (409, True)
    assert len(stripe.of("cs")) == 1


async def test_why_a_link_opens_no_page(
    api: Api, stranger: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    _, request, path = await reminded(api, jobs, stripe, world)
    mine, theirs = str(world.organization_id), str(stranger.tenant.organization_id)
    for named in ([theirs, request], [request, request], [mine, mine]):
        assert (await opened(api, f"/pay/{signing.sign(PURPOSE, named, timedelta(days=1))}"))[0] == 404
    for token in (path[5:] + "x", signing.sign("download", [mine, request], timedelta(days=1))):
        assert await opened(api, f"/pay/{token}") == (404, "This payment link is not valid any more.\n")
    stripe.faults = [400]
    world.execute("UPDATE customers SET document_locale = 'fr' WHERE organization_id = %s", world.organization_id)
    assert (await opened(api, path))[1].startswith("La page de paiement ne peut pas être ouverte")
    (failure,) = told(world, "payment_request.payment_failure")
    assert (failure["lago_payment_request_id"], len(failure["lago_invoice_ids"]), failure["provider_error"]) == (
        request, 2, {"message": "told to fail", "error_code": "fault"},
    )  # fmt: skip
    stripe.faults = [503]
    assert (await opened(api, path))[0] == 503

    # Paid otherwise while the provider makes the page: it is closed before anybody sees it.
    def paid_otherwise() -> None:
        world.execute("UPDATE payment_intents SET status = 'expired'")

    stripe.faults = [paid_otherwise]
    assert (await opened(api, path))[0] == 410
    assert [each["status"] for each in stripe.of("cs")] == ["expired"]
    assert (await api.delete("/customers/ada")).status_code == 200
    assert (await opened(api, path))[0] == 404
    assert "/pay/" not in await mailed(api, request)
