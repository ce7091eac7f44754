"""Several overdue invoices paid together by a provider."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import linked, payments, told
from tests.rest_api.test_payments import invoice_of, one_off, pay
from tests.stripe_server import StripeServer


async def overdue(api: Api, world: World, *amounts: int) -> list[str]:
    invoices = [await one_off(api, amount=amount) for amount in amounts]
    world.execute("UPDATE invoices SET payment_overdue = true WHERE organization_id = %s", world.organization_id)
    return invoices


async def asked(api: Api, invoices: list[str]) -> Any:
    body = {"external_customer_id": "ada", "email": "ada@example.com", "lago_invoice_ids": invoices}
    made = await api.post("/payment_requests", {"payment_request": body})
    assert made.status_code == 200, made.text
    return made.json()["payment_request"]


async def test_one_charge_pays_all_invoices_of_a_request(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, None)
    invoices = await overdue(api, world, 3_000, 4_500)
    await pay(api, invoices[0], 1_000)
    await jobs.run()
    await linked(api, jobs, stripe)
    request = await asked(api, invoices)
    await jobs.run()
    (intent,) = stripe.of("pi")
    assert (intent["amount"], intent["metadata"]["lago_payable_type"]) == (6_500, "PaymentRequest")
    for invoice, total in zip(invoices, (3_000, 4_500), strict=True):
        paid = await invoice_of(api, invoice)
        assert (paid["payment_status"], paid["total_paid_amount_cents"], paid["payment_overdue"]) == (
            "succeeded", total, False,
        )  # fmt: skip
        provider = [each for each in await payments(api, invoice) if each["type"] == "provider"]
        assert [(each["payable_type"], each["amount_cents"]) for each in provider] == [("PaymentRequest", 6_500)]
    shown = (await api.get(f"/payment_requests/{request['lago_id']}")).json()["payment_request"]
    assert shown["payment_status"] == "succeeded"
    assert [each["lago_id"] for each in told(world, "payment_request.payment_status_updated")] == [request["lago_id"]]


async def test_a_refused_request_leaves_its_invoices_failed_and_ready(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World
) -> None:
    await linked(api, jobs, stripe, None)
    invoices = await overdue(api, world, 3_000, 4_500)
    await jobs.run()
    await linked(api, jobs, stripe, "pm_declined")
    request = await asked(api, invoices)
    await jobs.run()
    assert [(await invoice_of(api, each))["payment_status"] for each in invoices] == ["failed", "failed"]
    ready = "SELECT DISTINCT ready_for_payment_processing FROM invoices WHERE organization_id = %s"
    assert world.execute(ready, world.organization_id) == [(True,)]
    (failure,) = told(world, "payment_request.payment_failure")
    assert (failure["lago_payment_request_id"], sorted(failure["lago_invoice_ids"])) == (
        request["lago_id"], sorted(invoices),
    )  # fmt: skip
    assert failure["provider_error"]["error_code"] == "card_declined"
    assert told(world, "payment_request.payment_status_updated") == []
    shown = (await api.get(f"/payment_requests/{request['lago_id']}")).json()["payment_request"]
    assert shown["payment_status"] == "failed"
