"""What becomes of invoices over REST: void, regenerate, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.regenerate import regenerate
from domain.billing.requests import BillRequest
from domain.invoicing.events import InvoicesDeleted, InvoicesVoided
from domain.invoicing.statuses import NEXT, VISIBLE, may_become
from domain.kernel.errors import NotAllowed, NotFound
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded

MARCH = "2024-03-01T00:10:00Z"


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant(MARCH), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world


async def billed(api: Api, world: World, **customer: Any) -> tuple[UUID, UUID]:
    """An invoice of 49.00 and three calls at 2.00, with 20 % tax and a coupon of 10.00 used once; the subscription."""
    name = f"c-{uuid4().hex}"
    plan = world.plan(4900, name="Gold")
    world.charge(plan, world.metric(name), "standard", {"amount": "2"})
    customer_id = world.customer(external_id=name, **customer)
    world.put_tax(world.tax_alone("20", f"vat-{name}"), "customer_taxes", customer_id=customer_id)
    world.coupon(customer_id, frequency="once")
    subscription = world.subscription(customer_id, plan, "2024-02-01T00:00:00Z", external_id=name)
    world.event(name, name, "2024-02-05T00:00:00Z", "3")
    async with tenant_work(api.tenant) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        (made,) = await bill_subscriptions(work, [request])
    return made, subscription


def test_what_has_a_number_keeps_it() -> None:
    assert {status for status in NEXT if may_become("finalized", status)} == {"voided"}
    assert not any(may_become(ended, status) for ended in ("voided", "closed", "deleted") for status in NEXT)
    assert may_become("draft", "deleted")
    assert not may_become("finalized", "deleted")
    assert set(VISIBLE) <= set(NEXT)


async def test_a_voided_invoice_keeps_its_number_and_gives_its_coupon_back(
    api: Api, world: World, recorded: Recorded
) -> None:
    invoice_id, _ = await billed(api, world)
    before = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]
    assert (before["fees_amount_cents"], before["coupons_amount_cents"], before["total_amount_cents"]) == (
        5500,
        1000,
        5400,
    )
    answer = await api.post(f"/invoices/{invoice_id}/void", {})
    assert answer.status_code == 200, answer.text
    voided = answer.json()["invoice"]
    assert (voided["status"], voided["number"], voided["total_due_amount_cents"]) == ("voided", before["number"], 0)
    assert voided["voided_at"] is not None
    assert {row.status for row in world.rows("applied_coupons")} == {"active"}
    assert recorded.of(InvoicesVoided) == [InvoicesVoided((invoice_id,))]
    again = await api.post(f"/invoices/{invoice_id}/void", {})
    assert (again.status_code, again.json()["code"]) == (405, "not_voidable")
    assert (await api.post(f"/invoices/{uuid4()}/void", {})).json()["code"] == "invoice_not_found"


async def test_a_regenerated_invoice_replaces_the_voided_one_once(api: Api, world: World, recorded: Recorded) -> None:
    invoice_id, subscription = await billed(api, world)
    with pytest.raises(NotAllowed):
        async with tenant_work(api.tenant) as work:
            await regenerate(work, {"voided_invoice_id": str(invoice_id), "fees": []})
    await api.post(f"/invoices/{invoice_id}/void", {})
    (base, usage) = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]["fees"]
    async with tenant_work(api.tenant) as work:
        new_id = await regenerate(
            work,
            {
                "voided_invoice_id": str(invoice_id),
                "purchase_order_number": "PO-7",
                "fees": [
                    {"id": base["lago_id"], "invoice_display_name": "Flat"},
                    {"id": usage["lago_id"], "units": 10},
                ],
            },
        )
    new = (await api.get(f"/invoices/{new_id}")).json()["invoice"]
    # 49.00 + 20.00 - 10.00 and 20 %.
    assert (new["status"], new["fees_amount_cents"], new["total_amount_cents"]) == ("finalized", 6900, 7080)
    assert (new["invoice_type"], new["purchase_order_number"], new["sequential_id"]) == ("subscription", "PO-7", 2)
    assert [each["lago_original_fee_id"] for each in new["fees"]] == [base["lago_id"], usage["lago_id"]]
    assert new["fees"][0]["item"]["invoice_display_name"] == "Flat"
    assert (new["fees"][1]["units"], new["fees"][1]["amount_cents"]) == ("10.0", 2000)
    old = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]
    assert new["billing_periods"] == old["billing_periods"]
    assert (old["status"], old["fees_amount_cents"]) == ("voided", 5500)
    with pytest.raises(NotAllowed):
        async with tenant_work(api.tenant) as work:
            await regenerate(work, {"voided_invoice_id": str(invoice_id), "fees": []})
    async with tenant_work(api.tenant) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        assert await bill_subscriptions(work, [request]) == []
    # The new one can be voided and replaced in its turn; fees go back to the first one.
    await api.post(f"/invoices/{new_id}/void", {})
    async with tenant_work(api.tenant) as work:
        third_id = await regenerate(work, {"voided_invoice_id": str(new_id), "fees": []})
    third = (await api.get(f"/invoices/{third_id}")).json()["invoice"]
    assert third["total_amount_cents"] == 7080
    assert [each["lago_original_fee_id"] for each in third["fees"]] == [base["lago_id"], usage["lago_id"]]


async def test_a_regenerated_invoice_may_bill_charges_that_had_no_fee(
    api: Api, world: World, recorded: Recorded
) -> None:
    invoice_id, subscription = await billed(api, world)
    await api.post(f"/invoices/{invoice_id}/void", {})
    (plan,) = [row.plan_id for row in world.rows("subscriptions", id=subscription)]
    charge = world.charge(plan, world.metric(f"m-{uuid4().hex}"), "standard", {"amount": "5"})
    params: dict[str, Any] = {"voided_invoice_id": str(invoice_id)}
    new = {"subscription_id": str(subscription), "charge_id": str(charge), "units": 2, "unit_amount_cents": 30}
    for fees, missing in (
        ([{"id": str(uuid4())}], "fee"),
        ([{**new, "subscription_id": str(uuid4())}], "subscription"),
        ([{**new, "charge_id": str(uuid4())}], "charge"),
    ):
        with pytest.raises(NotFound) as refused:
            async with tenant_work(api.tenant) as work:
                await regenerate(work, {**params, "fees": fees})
        assert refused.value.resource == missing
    async with tenant_work(api.tenant) as work:
        new_id = await regenerate(work, {**params, "fees": [new]})
    (fee,) = (await api.get(f"/invoices/{new_id}")).json()["invoice"]["fees"]
    assert (fee["amount_cents"], fee["precise_unit_amount"], fee["lago_original_fee_id"]) == (6000, "30.0", None)


async def test_a_one_off_invoice_stands_for_a_voided_one(api: Api, world: World, recorded: Recorded) -> None:
    name = f"c-{uuid4().hex}"
    world.customer(external_id=name)
    add_on = (await api.post("/add_ons", {"add_on": {
        "name": "Setup", "code": name, "amount_cents": 500, "amount_currency": "USD"}})).json()["add_on"]  # fmt: skip
    params = {"external_customer_id": name, "currency": "USD", "fees": [{"add_on_code": name, "units": "2"}]}
    first = (await api.post("/invoices", {"invoice": params})).json()["invoice"]
    refused = await api.post("/invoices", {"invoice": {**params, "voided_invoice_id": first["lago_id"]}})
    assert refused.json()["code"] == "invoice_not_found"
    await api.post(f"/invoices/{first['lago_id']}/void", {})
    async with tenant_work(api.tenant) as work:
        fee = {"id": first["fees"][0]["lago_id"], "unit_amount_cents": 7}
        new_id = await regenerate(work, {"voided_invoice_id": first["lago_id"], "fees": [fee]})
    new = (await api.get(f"/invoices/{new_id}")).json()["invoice"]
    assert (new["invoice_type"], new["total_amount_cents"]) == ("one_off", 1400)
    assert new["fees"][0]["item"]["lago_item_id"] == add_on["lago_id"]
    again = await api.post("/invoices", {"invoice": {**params, "voided_invoice_id": first["lago_id"]}})
    assert again.json()["error_details"] == {"voided_invoice_id": ["value_already_exist"]}


async def test_a_draft_is_deleted_and_its_period_stays_billed(api: Api, world: World, recorded: Recorded) -> None:
    invoice_id, subscription = await billed(api, world, invoice_grace_period=3)
    answer = await api.post(f"/invoices/{invoice_id}/void", {})
    assert (answer.status_code, answer.json()["code"]) == (405, "not_voidable")
    deleted = await api.delete(f"/invoices/{invoice_id}")
    assert deleted.json()["invoice"]["status"] == "deleted"
    assert recorded.of(InvoicesDeleted) == [InvoicesDeleted((invoice_id,))]
    assert (await api.get(f"/invoices/{invoice_id}")).status_code == 404
    assert (await api.delete(f"/invoices/{invoice_id}")).status_code == 404
    async with tenant_work(api.tenant) as work:
        request = BillRequest((subscription,), instant(MARCH), "subscription_periodic")
        assert await bill_subscriptions(work, [request]) == []
    final, _ = await billed(api, world)
    answer = await api.delete(f"/invoices/{final}")
    assert (answer.status_code, answer.json()["code"]) == (405, "not_deletable")


async def test_a_voided_invoice_is_credited_and_paid_back_as_asked(api: Api, world: World, recorded: Recorded) -> None:
    invoice_id, _ = await billed(api, world)
    for sent, wrong in (
        ({"credit_amount": 5401}, {"credit_refund_amount": ["total_amount_exceeds_invoice_amount"]}),
        ({"credit_amount": -1, "refund_amount": "x"}, {"credit_amount": ["value_is_out_of_range"],
                                                       "refund_amount": ["value_is_invalid"]}),
    ):  # fmt: skip
        refused = await api.post(f"/invoices/{invoice_id}/void", {"generate_credit_note": True, **sent})
        assert (refused.status_code, refused.json()["error_details"]) == (422, wrong)
    answer = await api.post(f"/invoices/{invoice_id}/void", {"generate_credit_note": True, "credit_amount": 2400})
    assert answer.json()["invoice"]["status"] == "voided"
    notes = world.rows("credit_notes", invoice_id=invoice_id)
    assert [(note.total_amount_cents, note.credit_status, note.balance_amount_cents) for note in notes] == [
        (2400, "available", 2400),
        (3000, "voided", 0),
    ]


async def test_metadata_is_replaced_found_and_refused(api: Api, world: World, recorded: Recorded) -> None:
    invoice_id, _ = await billed(api, world)
    path = f"/invoices/{invoice_id}"
    sent = [{"key": "order", "value": "7"}, {"key": "team", "value": "red"}]
    first = (await api.put(path, {"invoice": {"metadata": sent}})).json()["invoice"]["metadata"]
    assert [(each["key"], each["value"]) for each in first] == [("order", "7"), ("team", "red")]
    kept = {"id": first[0]["lago_id"], "key": "order", "value": "8"}
    second = (await api.put(path, {"invoice": {"metadata": [kept]}})).json()["invoice"]["metadata"]
    assert [(each["lago_id"], each["value"]) for each in second] == [(first[0]["lago_id"], "8")]
    for query, found in (
        ("metadata[order]=8", True),
        ("metadata[order]=8&metadata[team]=", True),
        ("metadata[order]=7", False),
        ("metadata[order]=", False),
    ):
        listed = (await api.get(f"/invoices?{query}")).json()["invoices"]
        assert (str(invoice_id) in [each["lago_id"] for each in listed]) is found, query
    for metadata, wrong in (
        ([{"key": f"k{n}", "value": "v"} for n in range(6)], {"metadata": ["invalid_count"]}),
        ("x", {"metadata": ["value_is_invalid"]}),
        (
            [{"key": "a" * 21, "value": ""}, {"key": "b", "value": "v" * 141}, {"key": "b", "value": "v"}],
            {"key": ["value_is_too_long", "value_already_exist"], "value": ["value_is_mandatory", "value_is_too_long"]},
        ),
    ):
        refused = await api.put(path, {"invoice": {"metadata": metadata}})
        assert (refused.status_code, refused.json()["error_details"]) == (422, wrong)
    draft, _ = await billed(api, world, invoice_grace_period=3)
    answer = await api.put(f"/invoices/{draft}", {"invoice": {"metadata": sent}})
    assert (answer.status_code, answer.json()["code"]) == (405, "metadata_on_draft_invoice")
    await api.post(f"{path}/void", {})
    answer = await api.put(path, {"invoice": {"metadata": sent}})
    assert (answer.status_code, answer.json()["code"]) == (405, "update_on_voided_invoice")


async def test_an_invoice_whose_taxes_failed_is_finished(api: Api, world: World, recorded: Recorded) -> None:
    invoice_id, _ = await billed(api, world, invoice_grace_period=3)
    answer = await api.post(f"/invoices/{invoice_id}/retry", {})
    assert (answer.status_code, answer.json()["code"]) == (405, "invalid_status")
    world.execute("UPDATE invoices SET status = 'failed', tax_status = 'failed' WHERE id = %s", invoice_id)
    finished = (await api.post(f"/invoices/{invoice_id}/retry", {})).json()["invoice"]
    assert (finished["status"], finished["total_amount_cents"]) == ("finalized", 5400)
    assert (await api.post(f"/invoices/{uuid4()}/retry", {})).status_code == 404


async def test_what_only_an_invoice_settled_by_a_note_has(api: Api, world: World, recorded: Recorded) -> None:
    invoice_id, _ = await billed(api, world)
    assert (await api.get("/invoices?settlements[]=cash")).status_code == 422
    assert (await api.get("/invoices?settlements[]=credit_note")).json()["invoices"] == []
    world.execute("UPDATE invoices SET offset_amount_cents = 100 WHERE id = %s", invoice_id)
    listed = (await api.get("/invoices?settlements[]=credit_note")).json()["invoices"]
    assert [each["lago_id"] for each in listed] == [str(invoice_id)]
