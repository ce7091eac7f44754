"""/api/v1/payment_requests and /api/v1/customers/{external_id}/payment_methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.payments.events import PaymentRequestsCreated
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_payments import invoice_of, one_off, pay

NOW = "2024-03-01T00:10:00Z"


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant(NOW), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world


async def overdue(api: Api, world: World, amount: int, customer: str = "ada") -> str:
    invoice = await one_off(api, amount, customer)
    world.execute("UPDATE invoices SET payment_overdue = true WHERE id = %s", invoice)
    return invoice


async def ask(api: Api, invoices: list[str], **more: Any) -> Any:
    body = {"external_customer_id": "ada", "lago_invoice_ids": invoices, "email": "ada@example.com", **more}
    return await api.post("/payment_requests", {"payment_request": body})


async def test_one_request_asks_for_what_is_due_on_several_invoices(api: Api, world: World, recorded: Recorded) -> None:
    first, second = await overdue(api, world, 1_000), await overdue(api, world, 2_501)
    await pay(api, first, 300)
    made = await ask(api, [first, second, str(uuid4()), "no-id"])
    assert made.status_code == 200, made.text
    request = made.json()["payment_request"]
    assert (request["amount_cents"], request["amount_currency"], request["payment_status"], request["email"]) == (
        3_201, "EUR", "pending", "ada@example.com",
    )  # fmt: skip
    assert request["customer"]["external_id"] == "ada"
    assert {invoice["lago_id"] for invoice in request["invoices"]} == {first, second}
    shares = {str(row.invoice_id): row.amount_cents for row in world.rows("payment_request_invoices")}
    assert shares == {first: 700, second: 2_501}
    assert recorded.of(PaymentRequestsCreated) == [PaymentRequestsCreated((UUID(request["lago_id"]),))]
    # What is paid later leaves the request as it was asked.
    await pay(api, first, 100)
    shown = (await api.get(f"/payment_requests/{request['lago_id']}")).json()["payment_request"]
    assert shown["amount_cents"] == 3_201


async def test_invoices_that_do_not_belong_together_are_refused(api: Api, stranger: Api, world: World) -> None:
    first, second = await overdue(api, world, 1_000), await overdue(api, world, 2_000)

    async def refused(**row: object) -> Any:
        for name, value in row.items():
            world.execute(f"UPDATE invoices SET {name} = %s WHERE id = %s", value, second)
        answer = (await ask(api, [first, second])).json()
        world.execute("UPDATE invoices SET payment_overdue = true, currency = 'EUR',"
                      " ready_for_payment_processing = true, status = 'finalized'")  # fmt: skip
        return answer["status"], answer["code"]

    assert await refused(payment_overdue=False) == (405, "invoices_not_overdue")
    assert await refused(currency="USD") == (405, "invoices_have_different_currencies")
    assert await refused(ready_for_payment_processing=False) == (405, "invoices_not_ready_for_payment_processing")
    for ids in ([], ["x"], [str(uuid4())]):
        assert (await ask(api, ids)).json()["code"] == "invoice_not_found"
    assert (await ask(api, [first], external_customer_id="nobody")).json()["code"] == "customer_not_found"
    await stranger.post("/customers", {"customer": {"external_id": "ada"}})
    assert (await ask(stranger, [first])).json()["code"] == "invoice_not_found"
    wrong = await ask(api, [first], email="no address", lago_invoice_ids=7)
    assert wrong.json()["error_details"] == {
        "email": ["invalid_email_format"], "lago_invoice_ids": ["value_is_invalid"],
    }  # fmt: skip
    wrong = await ask(api, [first], payment_method={"payment_method_type": "cheque"})
    assert wrong.json()["error_details"] == {"payment_method": ["invalid_payment_method"]}
    assert (await ask(api, [first], payment_method={"payment_method_type": "manual"})).status_code == 200
    assert world.rows("payment_requests")[0].amount_cents == 1_000


async def test_an_invoice_of_a_request_that_was_paid_takes_no_payment_by_hand(api: Api, world: World) -> None:
    invoice = await overdue(api, world, 1_000)
    request = (await ask(api, [invoice])).json()["payment_request"]["lago_id"]
    world.execute("UPDATE payment_requests SET payment_status = 'succeeded' WHERE id = %s", request)
    refused = await pay(api, invoice, 10)
    assert refused.json()["error_details"] == {"base": ["payment_request_is_already_succeeded"]}
    world.insert(
        "payments", organization_id=world.organization_id, payment_request_id=request, payment_type="provider",
        customer_id=world.rows("customers")[0].id, amount_cents=1_000, amount_currency="EUR", status="paid",
        payable_payment_status="succeeded",
    )  # fmt: skip
    (payment,) = (await api.get(f"/payments?invoice_id={invoice}")).json()["payments"]
    assert (payment["payable_type"], payment["lago_payable_id"], payment["invoice_ids"]) == (
        "PaymentRequest", request, [invoice],
    )  # fmt: skip
    assert (await invoice_of(api, invoice))["total_paid_amount_cents"] == 0


async def test_lists(api: Api, stranger: Api, world: World) -> None:
    ada, bea = await overdue(api, world, 1_000), await overdue(api, world, 2_000, "bea")
    one = (await ask(api, [ada])).json()["payment_request"]["lago_id"]
    other = (await ask(api, [bea], external_customer_id="bea")).json()["payment_request"]["lago_id"]
    world.execute("UPDATE payment_requests SET payment_status = 'failed' WHERE id = %s", other)

    async def listed(path: str) -> list[str]:
        return [each["lago_id"] for each in (await api.get(path)).json()["payment_requests"]]

    assert await listed("/payment_requests") == [other, one]
    assert await listed("/payment_requests?external_customer_id=ada") == [one]
    assert await listed("/payment_requests?payment_status=failed&currency=EUR") == [other]
    assert await listed("/payment_requests?currency=USD") == []
    code = world.rows("billing_entities")[0].code
    assert await listed(f"/payment_requests?billing_entity_codes[]={code}") == [other, one]
    assert await listed("/customers/bea/payment_requests") == [other]
    assert (await api.get("/payment_requests?payment_status=paid")).status_code == 422
    assert (await api.get("/payment_requests?billing_entity_codes[]=none")).json()["code"] == "billing_entity_not_found"
    assert (await stranger.get(f"/payment_requests/{one}")).json()["code"] == "payment_request_not_found"
    assert (await api.get("/customers/nobody/payment_requests")).status_code == 404


async def test_a_customer_has_one_default_method(api: Api, stranger: Api, world: World) -> None:
    await api.post("/customers", {"customer": {"external_id": "ada"}})
    customer = world.rows("customers")[0].id

    def method(name: str, **more: Any) -> str:
        return str(world.insert(
            "payment_methods", organization_id=world.organization_id, customer_id=customer, provider_method_id=name,
            provider_method_type="card", details={"brand": "visa", "last4": "4242"},
            **{"is_default": False, **more},
        ))  # fmt: skip

    old, new = method("pm_1", is_default=True), method("pm_2")
    path = "/customers/ada/payment_methods"
    made = (await api.put(f"{path}/{new}/set_as_default", {})).json()["payment_method"]
    assert (made["lago_id"], made["is_default"], made["provider_method_id"]) == (new, True, "pm_2")
    listed = (await api.get(path)).json()["payment_methods"]
    assert {each["lago_id"]: each["is_default"] for each in listed} == {old: False, new: True}
    gone = (await api.delete(f"{path}/{new}")).json()["payment_method"]
    assert gone["is_default"] is False
    left = (await api.get(path)).json()["payment_methods"]
    assert [(each["lago_id"], each["is_default"]) for each in left] == [(old, False)]
    for answer in (
        await api.delete(f"{path}/{new}"), await api.put(f"{path}/{uuid4()}/set_as_default", {}),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (404, "payment_method_not_found")
    assert (await stranger.get(path)).json()["code"] == "customer_not_found"
    await stranger.post("/customers", {"customer": {"external_id": "ada"}})
    assert (await stranger.delete(f"{path}/{old}")).json()["code"] == "payment_method_not_found"
    world.execute("UPDATE invoices SET payment_overdue = true")
    invoice = await overdue(api, world, 100)
    asked = await ask(api, [invoice], payment_method={"payment_method_type": "provider", "payment_method_id": old})
    assert asked.status_code == 200
    asked = await ask(api, [invoice], payment_method={"payment_method_type": "manual", "payment_method_id": old})
    assert asked.json()["error_details"] == {"payment_method": ["invalid_payment_method"]}
