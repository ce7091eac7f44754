"""/api/v1/payments, and what payments make of invoices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.invoicing.events import (
    InvoiceDisputesLost,
    InvoicePaymentStatusUpdated,
    InvoicesOverdue,
    OverdueInvoicesPaid,
)
from domain.invoicing.overdue import mark_overdue
from domain.invoicing.settle import settle
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.announce import ANNOUNCEMENTS
from domain.payments.events import InvoicePaymentsNotTaken, PaymentsSucceeded
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded

NOW = "2024-03-01T00:10:00Z"


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant(NOW), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world


async def one_off(api: Api, amount: int = 10_000, customer: str = "ada") -> str:
    """An invoice of one add-on at this price in cents; its id."""
    code = f"setup-{uuid4().hex}"
    await api.post("/add_ons", {"add_on": {"name": "Setup", "code": code, "amount_cents": amount,
                                           "amount_currency": "EUR"}})  # fmt: skip
    await api.post("/customers", {"customer": {"external_id": customer, "currency": "EUR"}})
    body = {"invoice": {"external_customer_id": customer, "currency": "EUR", "fees": [{"add_on_code": code}]}}
    made = await api.post("/invoices", body)
    assert made.status_code == 200, made.text
    return str(made.json()["invoice"]["lago_id"])


async def pay(api: Api, invoice: str, amount: object, **more: Any) -> Any:
    payment = {"invoice_id": invoice, "amount_cents": amount, "reference": "transfer 7", **more}
    return await api.post("/payments", {"payment": payment})


async def invoice_of(api: Api, invoice: str) -> Any:
    return (await api.get(f"/invoices/{invoice}")).json()["invoice"]


async def test_parts_add_up_until_the_invoice_has_succeeded(api: Api, recorded: Recorded) -> None:
    invoice = await one_off(api)
    first = (await pay(api, invoice, 4_000, paid_at="2024-02-28T09:00:00Z")).json()["payment"]
    assert first == {
        "lago_id": first["lago_id"],
        "lago_customer_id": first["lago_customer_id"],
        "external_customer_id": "ada",
        "invoice_ids": [invoice],
        "invoice_numbers": [(await invoice_of(api, invoice))["number"]],
        "lago_payable_id": invoice,
        "payable_type": "Invoice",
        "amount_cents": 4_000,
        "amount_currency": "EUR",
        "status": "succeeded",
        "payment_status": "succeeded",
        "type": "manual",
        "reference": "transfer 7",
        "payment_provider_code": None,
        "payment_provider_type": None,
        "external_payment_id": None,
        "provider_payment_id": None,
        "provider_customer_id": None,
        "payment_method_id": None,
        "next_action": {},
        "created_at": "2024-02-28T09:00:00Z",
    }
    part = await invoice_of(api, invoice)
    assert (part["payment_status"], part["total_paid_amount_cents"], part["total_due_amount_cents"]) == (
        "pending", 4_000, 6_000,
    )  # fmt: skip
    assert recorded.of(InvoicePaymentStatusUpdated) == []
    second = await pay(api, invoice, 6_000)
    assert second.status_code == 200
    paid = await invoice_of(api, invoice)
    assert (paid["payment_status"], paid["total_paid_amount_cents"], paid["total_due_amount_cents"]) == (
        "succeeded", 10_000, 0,
    )  # fmt: skip
    assert [fee["payment_status"] for fee in paid["fees"]] == ["succeeded"]
    assert paid["fees"][0]["succeeded_at"] is not None
    assert recorded.of(InvoicePaymentStatusUpdated) == [InvoicePaymentStatusUpdated((UUID(invoice),))]
    assert len(recorded.of(PaymentsSucceeded)) == 2
    assert (await pay(api, invoice, 1)).json()["error_details"] == {"amount_cents": ["value_is_out_of_range"]}


async def test_what_a_credit_note_settled_is_not_due(api: Api) -> None:
    """The handbook's example: 10000 with 2000 settled takes 8000, not 8001."""
    invoice = await one_off(api)
    async with tenant_work(api.tenant) as work:
        await settle(work, offset={UUID(invoice): 2_000})
    assert (await invoice_of(api, invoice))["total_offsetted_credit_note_amount_cents"] == 2_000
    assert (await pay(api, invoice, 8_001)).status_code == 422
    assert (await pay(api, invoice, 8_000)).status_code == 200
    paid = await invoice_of(api, invoice)
    assert (paid["payment_status"], paid["total_due_amount_cents"]) == ("succeeded", 0)


async def test_two_at_once_never_pay_more_than_is_due(api: Api) -> None:
    invoice = await one_off(api)
    answers = await asyncio.gather(*(pay(api, invoice, 3_000) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 422, 422, 422]
    assert (await invoice_of(api, invoice))["total_paid_amount_cents"] == 9_000


@pytest.mark.parametrize(
    ("sent", "details"),
    [
        ({}, {"invoice_id": ["value_is_mandatory"], "amount_cents": ["invalid_value"]}),
        ({"amount_cents": 0}, {"amount_cents": ["invalid_value"]}),
        ({"amount_cents": -1}, {"amount_cents": ["invalid_value"]}),
        ({"amount_cents": 10**30}, {"amount_cents": ["invalid_value"]}),
        ({"amount_cents": 1.5}, {"amount_cents": ["invalid_value"]}),
        ({"amount_cents": True}, {"amount_cents": ["invalid_value"]}),
        ({"amount_cents": 5, "paid_at": "soon"}, {"reference": ["value_is_mandatory"], "paid_at": ["invalid_date"]}),
        (
            {"amount_cents": 10_001, "reference": "x" * 41},
            {"reference": ["value_is_too_long"], "amount_cents": ["value_is_out_of_range"]},
        ),
    ],
)
async def test_a_payment_that_says_too_little_or_too_much_is_refused(
    api: Api, sent: dict[str, object], details: dict[str, list[str]]
) -> None:
    invoice = await one_off(api)
    body: dict[str, object] = {"invoice_id": invoice, **sent} if sent else {"reference": "x"}
    refused = await api.post("/payments", {"payment": body})
    assert (refused.status_code, refused.json()["error_details"]) == (422, details)
    assert (await invoice_of(api, invoice))["total_paid_amount_cents"] == 0


async def test_only_ones_own_finalized_invoices_are_paid(api: Api, stranger: Api, world: World) -> None:
    invoice = await one_off(api)
    for unknown in (str(uuid4()), "not-an-id"):
        assert (await pay(api, unknown, 1)).json()["code"] == "invoice_not_found"
    assert (await pay(stranger, invoice, 1)).status_code == 404
    payment = (await pay(api, invoice, 1)).json()["payment"]["lago_id"]
    assert (await stranger.get(f"/payments/{payment}")).json()["code"] == "payment_not_found"
    assert (await stranger.get("/payments")).json()["payments"] == []
    for status in ("draft", "voided", "failed"):
        world.execute("UPDATE invoices SET status = %s WHERE id = %s", status, invoice)
        assert (await pay(api, invoice, 1)).status_code == 403
    world.execute("UPDATE invoices SET status = 'finalized', invoice_type = 'credit' WHERE id = %s", invoice)
    assert (await pay(api, invoice, 5)).json()["error_details"] == {"amount_cents": ["invalid_amount"]}


async def test_lists_by_invoice_and_customer(api: Api) -> None:
    ada, bea = await one_off(api, customer="ada"), await one_off(api, customer="bea")
    early = (await pay(api, ada, 1, paid_at="2024-01-01")).json()["payment"]["lago_id"]
    late = (await pay(api, ada, 2, paid_at="2024-01-02")).json()["payment"]["lago_id"]
    other = (await pay(api, bea, 3, paid_at="2024-01-03")).json()["payment"]["lago_id"]

    async def listed(path: str) -> list[str]:
        return [each["lago_id"] for each in (await api.get(path)).json()["payments"]]

    assert await listed("/payments") == [other, late, early]
    assert await listed(f"/payments?invoice_id={ada}") == [late, early]
    assert await listed("/payments?external_customer_id=bea") == [other]
    assert await listed("/customers/ada/payments?per_page=1") == [late]
    assert await listed(f"/customers/ada/payments?invoice_id={bea}") == []
    assert await listed("/payments?invoice_id=none") == []
    assert (await api.get("/customers/nobody/payments")).json()["code"] == "customer_not_found"
    assert (await api.get(f"/payments/{early}")).json()["payment"]["amount_cents"] == 1


async def test_the_client_says_what_became_of_a_payment(api: Api, world: World, recorded: Recorded) -> None:
    invoice = await one_off(api)

    async def put(**values: object) -> Any:
        return await api.put(f"/invoices/{invoice}", {"invoice": values})

    failed = (await put(payment_status="failed")).json()["invoice"]
    assert (failed["payment_status"], failed["fees"][0]["payment_status"]) == ("failed", "failed")
    assert failed["fees"][0]["failed_at"] is not None
    paid = (await put(payment_status="succeeded")).json()["invoice"]
    assert (paid["payment_status"], paid["total_paid_amount_cents"], paid["total_due_amount_cents"]) == (
        "succeeded", 0, 10_000,
    )  # fmt: skip
    await put(payment_status="succeeded")
    assert len(recorded.of(InvoicePaymentStatusUpdated)) == 2
    for wrong in ("paid", None, 7):
        refused = await put(payment_status=wrong)
        assert refused.json()["error_details"] == {"payment_status": ["value_is_invalid"]}
    for status, code in (("draft", "payment_status_update_on_draft_invoice"), ("voided", "update_on_voided_invoice")):
        world.execute("UPDATE invoices SET status = %s WHERE id = %s", status, invoice)
        refused = await put(payment_status="pending")
        assert (refused.status_code, refused.json()["code"]) == (405, code)


async def test_an_invoice_is_overdue_the_day_after_it_was_due(api: Api, world: World, recorded: Recorded) -> None:
    invoice, paid, disputed = [await one_off(api) for _ in range(3)]
    await pay(api, paid, 10_000)
    await api.post(f"/invoices/{disputed}/lose_dispute", {})

    async def overdue(today: str) -> list[Any]:
        world.execute("UPDATE invoices SET payment_due_date = %s", today)
        async with tenant_work(api.tenant) as work:
            await mark_overdue(work)
        return [each["lago_id"] for each in (await api.get("/invoices?payment_overdue=true")).json()["invoices"]]

    assert await overdue("2999-01-01") == []
    assert await overdue("2020-01-01") == [invoice]
    assert recorded.of(InvoicesOverdue) == [InvoicesOverdue((UUID(invoice),))]
    await pay(api, invoice, 9_999)
    assert (await invoice_of(api, invoice))["payment_overdue"] is True
    await pay(api, invoice, 1)
    assert (await invoice_of(api, invoice))["payment_overdue"] is False
    assert recorded.of(OverdueInvoicesPaid) == [OverdueInvoicesPaid((UUID(invoice),))]


async def test_a_lost_dispute_keeps_its_first_instant(api: Api, world: World, recorded: Recorded) -> None:
    invoice = await one_off(api)
    lost = (await api.post(f"/invoices/{invoice}/lose_dispute", {})).json()["invoice"]
    assert lost["payment_dispute_lost_at"] is not None
    world.execute("UPDATE invoices SET payment_dispute_lost_at = '2024-01-01' WHERE id = %s", invoice)
    again = (await api.post(f"/invoices/{invoice}/lose_dispute", {})).json()["invoice"]
    assert again["payment_dispute_lost_at"] == "2024-01-01T00:00:00Z"
    assert recorded.of(InvoiceDisputesLost) == [InvoiceDisputesLost((UUID(invoice),))]
    found = (await api.get("/invoices?payment_dispute_lost=true")).json()["invoices"]
    assert [each["lago_id"] for each in found] == [invoice]
    assert (await api.get("/invoices?payment_dispute_lost=false")).json()["invoices"] == []
    world.execute("UPDATE invoices SET status = 'draft' WHERE id = %s", invoice)
    assert (await api.post(f"/invoices/{invoice}/lose_dispute", {})).json()["code"] == "not_disputable"


@pytest.mark.parametrize(
    ("webhook_type", "object_type", "parts"),
    [
        ("invoice.payment_status_updated", "invoice", {"customer", "fees"}),
        ("invoice.payment_overdue", "invoice", {"customer", "fees", "applied_taxes"}),
        ("invoice.payment_dispute_lost", "payment_dispute_lost", {"invoice"}),
    ],
)
async def test_webhooks_tell_of_payments(api: Api, webhook_type: str, object_type: str, parts: set[str]) -> None:
    invoice = await one_off(api)
    announcement = ANNOUNCEMENTS[webhook_type]
    assert announcement.object_type == object_type
    async with tenant_work(api.tenant) as work:
        content = (await announcement.load(work, [UUID(invoice)]))[UUID(invoice)]
    assert parts <= set(content)
    assert content.get("invoice", content)["lago_id"] == UUID(invoice)


async def test_without_a_provider_a_retry_is_told_and_a_page_refused(
    api: Api, stranger: Api, world: World, recorded: Recorded
) -> None:
    invoice = await one_off(api)

    async def retry(body: object) -> Any:
        return await api.post(f"/invoices/{invoice}/retry_payment", body)

    assert ((await retry({})).status_code, recorded.of(InvoicePaymentsNotTaken)) == (
        200, [InvoicePaymentsNotTaken((UUID(invoice),))],
    )  # fmt: skip
    refused = await retry({"payment_method": {"payment_method_id": str(uuid4())}})
    assert refused.json()["error_details"] == {"payment_method": ["invalid_payment_method"]}
    async with tenant_work(api.tenant) as work:
        announcement = ANNOUNCEMENTS["invoice.payment_failure"]
        told = (await announcement.load(work, [UUID(invoice)]))[UUID(invoice)]
    assert (told["external_customer_id"], told["error_details"]) == (
        "ada", {"code": "customer_must_have_payment_provider"},
    )  # fmt: skip
    for page in (f"/invoices/{invoice}/payment_url", "/customers/ada/checkout_url"):
        refused = await api.post(page, {})
        assert (refused.status_code, refused.json()["error_details"]) == (422, {"base": ["no_linked_payment_provider"]})
        assert (await stranger.post(page, {})).status_code == 404
    world.execute("UPDATE invoices SET ready_for_payment_processing = false")
    assert (await retry({})).json()["code"] == "payment_processor_is_currently_handling_payment"
    await pay(api, invoice, 10_000)
    assert (await retry({})).json()["code"] == "invalid_status"
