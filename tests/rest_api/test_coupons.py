"""/api/v1/coupons, /api/v1/applied_coupons, and the credits of invoices"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.credits.coupons import terminate_expired_coupons
from domain.kernel import clock
from domain.kernel.unit_of_work import tenant_work
from tests.rest_api.conftest import Api

TEN_EUROS: dict[str, Any] = {
    "name": "Ten", "code": "ten", "coupon_type": "fixed_amount", "amount_cents": 1000, "amount_currency": "EUR",
    "frequency": "once", "expiration": "no_expiration",
}  # fmt: skip
FIVE_PERCENT: dict[str, Any] = {
    "name": "Five", "code": "five", "coupon_type": "percentage", "percentage_rate": "5.5", "frequency": "recurring",
    "frequency_duration": 3, "expiration": "no_expiration",
}  # fmt: skip


async def made(api: Api, terms: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await api.post("/coupons", {"coupon": {**terms, **changes}})
    assert answer.status_code == 200, answer.text
    return answer.json()["coupon"]  # type: ignore[no-any-return]


async def applied(api: Api, customer: str, code: str, **terms: Any) -> dict[str, Any]:
    answer = await apply(api, customer, code, **terms)
    assert answer.status_code == 200, answer.text
    return answer.json()["applied_coupon"]  # type: ignore[no-any-return]


async def apply(api: Api, customer: str, code: str, **terms: Any) -> Any:
    body = {"external_customer_id": customer, "coupon_code": code, **terms}
    return await api.post("/applied_coupons", {"applied_coupon": body})


async def customer(api: Api, external_id: str, **fields: Any) -> None:
    answer = await api.post("/customers", {"customer": {"external_id": external_id, **fields}})
    assert answer.status_code == 200, answer.text


async def plan(api: Api, code: str, *metric_codes: str) -> None:
    metrics = []
    for metric_code in metric_codes:
        metric = {"name": metric_code, "code": metric_code, "aggregation_type": "count_agg"}
        answer = await api.post("/billable_metrics", {"billable_metric": metric})
        metrics.append(answer.json()["billable_metric"]["lago_id"])
    charges = [
        {"billable_metric_id": each, "charge_model": "standard", "properties": {"amount": "1"}} for each in metrics
    ]
    body = {"name": code, "code": code, "interval": "monthly", "amount_cents": 3000, "amount_currency": "EUR",
            "pay_in_advance": True, "charges": charges}  # fmt: skip
    answer = await api.post("/plans", {"plan": body})
    assert answer.status_code == 200, answer.text


async def test_a_coupon_is_made_shown_listed_and_deleted(api: Api) -> None:
    await plan(api, "p", "calls")
    coupon = await made(api, TEN_EUROS, applies_to={"plan_codes": ["p", "p"]}, description="d", reusable=False)
    assert UUID(coupon.pop("lago_id"))
    assert coupon.pop("created_at").endswith("Z")
    assert coupon == {
        **TEN_EUROS, "description": "d", "percentage_rate": None, "frequency_duration": None, "reusable": False,
        "limited_plans": True, "plan_codes": ["p"], "limited_billable_metrics": False, "billable_metric_codes": [],
        "expiration_at": None, "terminated_at": None,
    }  # fmt: skip
    other = await made(
        api, FIVE_PERCENT, applies_to={"billable_metric_codes": ["calls"]}, expiration="time_limit",
        expiration_at="2099-01-01T00:00:00Z",
    )  # fmt: skip
    assert (other["percentage_rate"], other["billable_metric_codes"]) == ("5.5", ["calls"])
    assert (other["expiration_at"], other["reusable"]) == ("2099-01-01T00:00:00Z", True)
    listed = (await api.get("/coupons")).json()
    assert [each["code"] for each in listed["coupons"]] == ["ten", "five"]
    assert listed["meta"]["total_count"] == 2
    assert (await api.get("/coupons/five")).json()["coupon"] == other
    assert (await api.delete("/coupons/five")).status_code == 200
    for answer in (await api.get("/coupons/five"), await api.delete("/coupons/five")):
        assert (answer.status_code, answer.json()["code"]) == (404, "coupon_not_found")
    await made(api, FIVE_PERCENT)


@pytest.mark.parametrize(
    ("terms", "changes", "details"),
    [
        (TEN_EUROS, {"name": " ", "code": None}, {"name": ["value_is_mandatory"], "code": ["value_is_mandatory"]}),
        (TEN_EUROS, {"coupon_type": "gift"}, {"coupon_type": ["value_is_invalid"]}),
        (TEN_EUROS, {"amount_cents": 0}, {"amount_cents": ["value_is_out_of_range"]}),
        (TEN_EUROS, {"amount_cents": 10**30}, {"amount_cents": ["value_is_out_of_range"]}),
        (TEN_EUROS, {"amount_cents": None, "amount_currency": "XXX"},
         {"amount_cents": ["value_is_mandatory"], "amount_currency": ["value_is_invalid"]}),
        (TEN_EUROS, {"frequency": "often"}, {"frequency": ["value_is_invalid"]}),
        (TEN_EUROS, {"frequency": "recurring"}, {"frequency_duration": ["value_is_mandatory"]}),
        (TEN_EUROS, {"expiration": None}, {"expiration": ["value_is_invalid"]}),
        (TEN_EUROS, {"expiration_at": "2020-01-01T00:00:00Z"}, {"expiration_at": ["invalid_date"]}),
        (TEN_EUROS, {"expiration_at": "tomorrow"}, {"expiration_at": ["invalid_date"]}),
        (TEN_EUROS, {"applies_to": "p"}, {"applies_to": ["value_is_invalid"]}),
        (FIVE_PERCENT, {"percentage_rate": None}, {"percentage_rate": ["value_is_mandatory"]}),
        (FIVE_PERCENT, {"percentage_rate": "100000"}, {"percentage_rate": ["value_is_out_of_range"]}),
        (FIVE_PERCENT, {"frequency_duration": 0}, {"frequency_duration": ["value_is_out_of_range"]}),
    ],
)  # fmt: skip
async def test_what_makes_no_coupon_is_named(
    api: Api, terms: dict[str, Any], changes: dict[str, Any], details: dict[str, Any]
) -> None:
    answer = await api.post("/coupons", {"coupon": {**terms, **changes}})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_errors")
    assert answer.json()["error_details"] == details
    assert (await api.get("/coupons")).json()["coupons"] == []


async def test_targets_must_be_there_and_of_one_kind(api: Api, stranger: Api) -> None:
    await plan(api, "p", "calls")
    await plan(stranger, "theirs", "their_calls")
    for applies_to, status, code in (
        ({"plan_codes": ["p", "theirs"]}, 404, "plans_not_found"),
        ({"billable_metric_codes": ["their_calls"]}, 404, "billable_metrics_not_found"),
        ({"plan_codes": ["p"], "billable_metric_codes": ["calls"]}, 405, "only_one_limitation_type_per_coupon_allowed"),
    ):
        answer = await api.post("/coupons", {"coupon": {**TEN_EUROS, "applies_to": applies_to}})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    await made(api, TEN_EUROS)
    answer = await api.post("/coupons", {"coupon": TEN_EUROS})
    assert answer.json()["error_details"] == {"code": ["value_already_exist"]}


async def test_a_coupon_that_a_customer_has_keeps_its_terms(api: Api) -> None:
    await plan(api, "p", "calls")
    await made(api, TEN_EUROS)
    change = {"amount_cents": 500, "code": "more", "reusable": False, "applies_to": {"plan_codes": ["p"]}}
    changed = (await api.put("/coupons/ten", {"coupon": change})).json()["coupon"]
    assert changed.items() >= {"amount_cents": 500, "code": "more", "plan_codes": ["p"], "limited_plans": True}.items()
    changed = (await api.put("/coupons/more", {"coupon": {"applies_to": {"plan_codes": []}}})).json()["coupon"]
    assert (changed["plan_codes"], changed["limited_plans"]) == ([], False)
    await customer(api, "c")
    await applied(api, "c", "more")
    change |= {"amount_cents": 1, "code": "less", "name": "New", "expiration": "time_limit"}
    change |= {"expiration_at": "2099-01-01T00:00:00Z"}
    after = (await api.put("/coupons/more", {"coupon": change})).json()["coupon"]
    assert after == {
        **changed, "name": "New", "expiration": "time_limit", "expiration_at": "2099-01-01T00:00:00Z"
    }  # fmt: skip
    answer = await api.put("/coupons/nothing", {"coupon": change})
    assert (answer.status_code, answer.json()["code"]) == (404, "coupon_not_found")


async def test_a_customer_is_given_a_coupon_with_other_terms_and_loses_it(api: Api) -> None:
    coupon = await made(api, TEN_EUROS, description="d")
    await customer(api, "c")
    given = await applied(
        api, "c", "ten", amount_cents=700, frequency="recurring", frequency_duration=2, percentage_rate="3"
    )
    assert UUID(given["lago_id"])
    assert given.items() >= {
        "lago_coupon_id": coupon["lago_id"], "coupon_code": "ten", "coupon_name": "Ten", "coupon_description": "d",
        "coupon_status": "active", "coupon_deleted_at": None, "external_customer_id": "c", "status": "active",
        "amount_cents": 700, "amount_cents_remaining": None, "amount_currency": "EUR", "percentage_rate": "3.0",
        "frequency": "recurring", "frequency_duration": 2, "frequency_duration_remaining": 2, "expiration_at": None,
        "terminated_at": None,
    }.items()  # fmt: skip
    assert (await api.get("/customers/c")).json()["customer"]["currency"] == "EUR"
    second = await applied(api, "c", "ten")
    assert (second["amount_cents_remaining"], second["frequency_duration_remaining"]) == (1000, None)
    removed = await api.delete(f"/customers/c/applied_coupons/{given['lago_id']}")
    assert removed.json()["applied_coupon"]["status"] == "terminated"
    assert removed.json()["applied_coupon"]["terminated_at"]

    async def listed(query: str) -> list[str]:
        return [each["lago_id"] for each in (await api.get(query)).json()["applied_coupons"]]

    assert await listed("/applied_coupons?status=active") == [second["lago_id"]]
    assert await listed("/applied_coupons?status=odd") == [second["lago_id"], given["lago_id"]]
    assert await listed("/applied_coupons?external_customer_id=d") == []
    assert await listed("/applied_coupons?coupon_code[]=five") == []
    assert await listed("/customers/c/applied_coupons?coupon_code[]=ten&status=terminated") == [given["lago_id"]]
    for answer in (
        await api.delete(f"/customers/c/applied_coupons/{uuid4()}"),
        await api.delete("/customers/c/applied_coupons/nothing"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "applied_coupon_not_found")
    answer = await api.get("/customers/nobody/applied_coupons")
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_not_found")
    await api.delete("/coupons/ten")
    (kept,) = (await api.get("/applied_coupons?status=terminated&per_page=1")).json()["applied_coupons"]
    assert (kept["lago_id"], bool(kept["coupon_deleted_at"])) == (second["lago_id"], True)


async def test_who_can_be_given_what(api: Api, stranger: Api) -> None:
    await plan(api, "p", "calls", "mails")
    await customer(api, "c", currency="USD")
    await made(api, TEN_EUROS, reusable=False)
    await made(stranger, FIVE_PERCENT)
    for person, code, error in (("x", "ten", "customer_not_found"), ("c", "five", "coupon_not_found")):
        answer = await apply(api, person, code)
        assert (answer.status_code, answer.json()["code"]) == (404, error)
    answer = await apply(api, "c", "ten", amount_cents=-1, frequency="recurring", amount_currency="XXX")
    assert answer.json()["error_details"] == {
        "amount_cents": ["value_is_out_of_range"],
        "amount_currency": ["value_is_invalid"],
        "frequency_duration": ["value_is_mandatory"],
    }
    first = await applied(api, "c", "ten")
    await api.delete(f"/customers/c/applied_coupons/{first['lago_id']}")
    answer = await apply(api, "c", "ten")
    assert (answer.status_code, answer.json()["error_details"]) == (422, {"coupon": ["coupon_is_not_reusable"]})
    await made(api, TEN_EUROS, code="of_plan", applies_to={"plan_codes": ["p"]})
    await made(api, TEN_EUROS, code="of_calls", applies_to={"billable_metric_codes": ["calls"]})
    await made(api, TEN_EUROS, code="of_mails", applies_to={"billable_metric_codes": ["mails"]})
    limited = await applied(api, "c", "of_calls")
    for code in ("of_calls", "of_plan"):
        answer = await apply(api, "c", code)
        assert (answer.status_code, answer.json()["code"]) == (405, "plan_overlapping")
    await applied(api, "c", "of_mails")
    await made(api, FIVE_PERCENT)
    await applied(api, "c", "five")
    await api.delete(f"/customers/c/applied_coupons/{limited['lago_id']}")
    assert (await apply(api, "c", "of_plan")).status_code == 405
    assert (await apply(api, "c", "of_calls")).status_code == 200


async def test_two_requests_at_once_give_a_coupon_that_is_not_reusable_once(api: Api) -> None:
    await customer(api, "c")
    await made(api, FIVE_PERCENT, reusable=False)
    answers = await asyncio.gather(*(apply(api, "c", "five") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]


async def test_an_expired_coupon_ends_and_customers_keep_what_they_have(api: Api) -> None:
    await made(api, TEN_EUROS, expiration="time_limit", expiration_at="2098-01-01T00:00:00Z")
    await customer(api, "c")
    await applied(api, "c", "ten")
    async with tenant_work(api.tenant) as work:
        with clock.at(clock.now().replace(year=2098, month=1, day=2)):
            assert await terminate_expired_coupons(work) == 1
    assert (await api.get("/coupons/ten")).json()["coupon"]["terminated_at"]
    (kept,) = (await api.get("/applied_coupons")).json()["applied_coupons"]
    assert (kept["status"], kept["coupon_status"]) == ("active", "terminated")
    assert (await apply(api, "c", "ten")).json()["code"] == "coupon_not_found"


async def test_an_invoice_tells_which_coupons_lowered_it(api: Api) -> None:
    await plan(api, "p")
    await customer(api, "c")
    await made(api, TEN_EUROS, description="d")
    given = await applied(api, "c", "ten", amount_cents=5000)
    body = {"external_customer_id": "c", "external_id": "s", "plan_code": "p", "billing_time": "anniversary"}
    subscription = (await api.post("/subscriptions", {"subscription": body})).json()["subscription"]
    async with tenant_work(api.tenant) as work:
        request = BillRequest((UUID(subscription["lago_id"]),), clock.now(), "subscription_starting")
        (invoice_id,) = await bill_subscriptions(work, [request])
    invoice = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]
    assert (invoice["coupons_amount_cents"], invoice["total_amount_cents"]) == (3000, 0)
    assert invoice["fees"][0]["precise_coupons_amount_cents"] == "3000.0"
    (credit,) = invoice["credits"]
    assert UUID(credit.pop("lago_id"))
    assert credit == {
        "amount_cents": 3000, "amount_currency": "EUR", "before_taxes": True,
        "item": {"lago_item_id": given["lago_coupon_id"], "type": "coupon", "code": "ten", "name": "Ten",
                 "description": "d"},
        "invoice": {"lago_id": str(invoice_id), "payment_status": "succeeded"},
    }  # fmt: skip
    (left,) = (await api.get("/applied_coupons")).json()["applied_coupons"]
    assert (left["amount_cents_remaining"], left["status"]) == (2000, "active")
    assert [each["amount_cents"] for each in left["credits"]] == [3000]
    assert left["credits"][0]["item"] == credit["item"]
