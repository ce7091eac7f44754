"""Idempotency-Key on writes: one execution, one answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from domain.invoicing.events import OneOffInvoicesCreated
from domain.kernel import idempotency
from domain.kernel.idempotency import IdempotencyKey, clean_idempotency_keys
from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from rest_api import frame
from tests.rest_api.conftest import Api, Recorded

COUPON: dict[str, Any] = {
    "name": "Ten", "code": "ten", "coupon_type": "percentage", "percentage_rate": "10", "frequency": "forever",
    "expiration": "no_expiration",
}  # fmt: skip
GIVEN = {"applied_coupon": {"external_customer_id": "c", "coupon_code": "ten"}}


async def world(api: Api) -> None:
    assert (await api.post("/customers", {"customer": {"external_id": "c"}})).status_code == 200
    assert (await api.post("/coupons", {"coupon": COUPON})).status_code == 200


async def give(api: Api, key: str, body: object = GIVEN, path: str = "/applied_coupons") -> Any:
    return await api.call("POST", path, body, headers={"idempotency-key": key})


async def count(api: Api) -> int:
    return int((await api.get("/applied_coupons")).json()["meta"]["total_count"])


async def test_the_same_request_is_answered_again_and_happens_once(api: Api, stranger: Api) -> None:
    await world(api)
    first = await give(api, "k1")
    assert (first.status_code, "idempotent-replayed" in first.headers) == (200, False)
    reordered = {"applied_coupon": {"coupon_code": "ten", "external_customer_id": "c"}}
    for body in (GIVEN, reordered):
        again = await give(api, "k1", body)
        assert (again.status_code, again.text) == (200, first.text)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["content-type"] == "application/json"
    assert await count(api) == 1
    other = await give(api, "k2")
    assert other.json()["applied_coupon"]["lago_id"] != first.json()["applied_coupon"]["lago_id"]
    # Another organization's keys are its own, and reads take no key.
    assert (await give(stranger, "k1")).json()["code"] == "customer_not_found"
    assert (await api.get("/applied_coupons", headers={"idempotency-key": "k1"})).json()["meta"]["total_count"] == 2


async def test_a_key_with_another_request_is_refused(api: Api) -> None:
    await world(api)
    await give(api, "k")
    changed = {"applied_coupon": {**GIVEN["applied_coupon"], "percentage_rate": "11"}}
    for answer in (await give(api, "k", changed), await give(api, "k", {"coupon": COUPON}, "/coupons")):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert answer.json()["error_details"] == {"idempotency_key": ["already_used_with_another_request"]}
    for wrong in ("", " ", "k" * 256):
        answer = await give(api, wrong)
        assert (answer.status_code, list(answer.json()["error_details"])) == (422, ["idempotency_key"])
    assert await count(api) == 1


async def test_a_refusal_is_kept_and_nothing_of_its_command(api: Api) -> None:
    refused = await give(api, "k")
    assert (refused.status_code, refused.json()["code"]) == (404, "customer_not_found")
    await world(api)
    again = await give(api, "k")
    assert (again.status_code, again.text, again.headers["idempotent-replayed"]) == (404, refused.text, "true")
    assert await count(api) == 0
    assert (await give(api, "another")).status_code == 200


async def test_of_requests_at_once_one_is_executed(api: Api) -> None:
    await world(api)
    answers = await asyncio.gather(*(give(api, "k") for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1
    assert sorted("idempotent-replayed" in answer.headers for answer in answers) == [False, True, True, True, True]
    assert await count(api) == 1


async def test_after_a_fault_the_key_is_free_and_after_a_lost_answer_the_answer_is_there(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world(api)
    with monkeypatch.context() as patch:

        async def broken(*_: object) -> None:
            raise RuntimeError("before the commit")

        patch.setattr(frame, "once", broken)
        assert (await give(api, "k")).status_code == 500
    assert await count(api) == 0
    with monkeypatch.context() as patch:
        work = tenant_work

        class Lost:
            """Commits, and dies before the answer leaves."""

            def __init__(self, *bound: Any) -> None:
                self.inner = work(*bound)

            async def __aenter__(self) -> Any:
                return await self.inner.__aenter__()

            async def __aexit__(self, *error: Any) -> None:
                await self.inner.__aexit__(*error)
                raise RuntimeError("after the commit")

        patch.setattr(frame, "tenant_work", Lost)
        assert (await give(api, "k")).status_code == 500
    answer = await give(api, "k")
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (200, "true")
    assert answer.json()["applied_coupon"]["coupon_code"] == "ten"
    assert await count(api) == 1


async def test_a_key_is_forgotten_after_a_day(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await world(api)
    first = await give(api, "k")
    monkeypatch.setattr(idempotency, "KEPT", timedelta(0))
    second = await give(api, "k")
    assert second.json()["applied_coupon"]["lago_id"] != first.json()["applied_coupon"]["lago_id"]
    keys = table(IdempotencyKey)
    async with tenant_work(api.tenant) as work:
        assert await clean_idempotency_keys(work) == 0
        await work.session.execute(sa.update(keys).values(created_at=keys.c.created_at - timedelta(hours=24)))
        assert await clean_idempotency_keys(work) == 1
        assert await work.session.scalar(sa.select(sa.func.count()).select_from(keys)) == 0


async def test_an_invoice_is_issued_and_announced_once(api: Api, recorded: Recorded) -> None:
    await world(api)
    add_on = {"name": "Setup", "code": "setup", "amount_cents": 5000, "amount_currency": "EUR"}
    assert (await api.post("/add_ons", {"add_on": add_on})).status_code == 200
    body = {"invoice": {"external_customer_id": "c", "currency": "EUR", "fees": [{"add_on_code": "setup"}]}}
    wrong = {"invoice": {**body["invoice"], "fees": [{"add_on_code": "setup", "units": "many"}]}}
    refused = [await give(api, "wrong", wrong, "/invoices") for _ in range(2)]
    assert [answer.status_code for answer in refused] == [422, 422]
    assert refused[0].text == refused[1].text
    answers = await asyncio.gather(*(give(api, "right", body, "/invoices") for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    listed = (await api.get("/invoices")).json()["invoices"]
    assert [invoice["number"] for invoice in listed] == [answers[0].json()["invoice"]["number"]]
    assert len(recorded.of(OneOffInvoicesCreated)) == 1
