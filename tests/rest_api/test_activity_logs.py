"""/api/v1/activity_logs: what happened is logged in the transaction that does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from domain.billing.bill import bill_subscriptions
from domain.billing.regenerate import regenerate
from domain.billing.requests import BillRequest
from domain.credits.wallets.ledger import settle
from domain.insight.log_activities import clean_activity_logs
from domain.kernel.authors import Author
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import tenant_work
from domain.payments.events import CreditNoteRefundsFailed, InvoicePaymentsNotTaken, TopUpPaymentsNotTaken
from tests.background import Background, background
from tests.domain.billing.test_runs import counted
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_payments import one_off, pay


@pytest.fixture(autouse=True)
def jobs(recorded: Recorded) -> Iterator[Background]:
    """Reactions as in a real process; what they ask for is run where a test says so."""
    with background() as kept:
        yield kept


async def logs(api: Api, query: str = "") -> list[Any]:
    answer = await api.get(f"/activity_logs{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["activity_logs"])


def told(rows: list[Any]) -> list[tuple[str, str]]:
    return [(row["activity_type"], row["resource_type"]) for row in rows]


PLAN = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 100, "amount_currency": "EUR",
        "pay_in_advance": False}  # fmt: skip


async def test_what_a_client_does_is_logged_with_the_object_as_it_was_then(api: Api, stranger: Api) -> None:
    customer = (await api.post("/customers", {"customer": {"external_id": "c", "name": "One"}})).json()["customer"]
    await api.post("/customers", {"customer": {"external_id": "c", "name": "Two"}})
    assert (await api.post("/plans", {"plan": PLAN})).status_code == 200
    started = {"subscription": {"external_customer_id": "c", "plan_code": "p", "external_id": "s"}}
    subscription = (await api.post("/subscriptions", started)).json()["subscription"]
    wallet = {"wallet": {"external_customer_id": "c", "rate_amount": "1", "currency": "EUR", "granted_credits": "5"}}
    wallet_id = (await api.post("/wallets", wallet)).json()["wallet"]["lago_id"]
    assert (await api.post("/plans", {"plan": PLAN})).status_code == 422  # what is refused is not logged

    rows = await logs(api)
    assert told(rows)[-5:] == [
        ("wallet.created", "wallet"), ("subscription.started", "subscription"), ("plan.created", "plan"),
        ("customer.updated", "customer"), ("customer.created", "customer"),
    ]  # fmt: skip
    (first,) = await logs(api, "?activity_types[]=customer.created")
    shown = {name: first[name] for name in first if name not in ("activity_id", "activity_object", "logged_at",
                                                                 "created_at")}  # fmt: skip
    assert shown == {
        "user_email": None, "activity_type": "customer.created", "activity_source": "api",
        "activity_object_changes": None, "external_customer_id": "c", "external_subscription_id": None,
        "resource_id": customer["lago_id"], "resource_type": "customer",
        "organization_id": str(api.tenant.organization_id),
    }  # fmt: skip
    assert first["logged_at"].endswith("Z")
    assert (first["activity_object"]["name"], first["activity_object"]["external_id"]) == ("One", "c")
    (begun,) = await logs(api, "?external_subscription_id=s")
    assert (begun["resource_id"], begun["external_customer_id"]) == (subscription["lago_id"], "c")
    of_wallet = await logs(api, f"?resource_ids[]={wallet_id}")
    assert {row["external_customer_id"] for row in of_wallet} == {"c"}

    answer = await api.get(f"/activity_logs/{first['activity_id']}")
    assert answer.json() == {"activity_log": first}
    for other, wrong in ((stranger, first["activity_id"]), (api, new_id()), (api, "x")):
        answer = await other.get(f"/activity_logs/{wrong}")
        assert (answer.status_code, answer.json()["code"]) == (404, "activity_log_not_found")
    assert await logs(stranger) == []


async def test_filters_and_pages(api: Api) -> None:
    for each in ("a", "b", "c"):
        await api.post("/customers", {"customer": {"external_id": each}})
    await api.post("/plans", {"plan": PLAN})
    rows = await logs(api)
    answer = (await api.get("/activity_logs?per_page=3&page=2")).json()
    assert (answer["activity_logs"], answer["meta"]["total_count"]) == (rows[3:], 4)
    plan = rows[0]
    day = plan["logged_at"][:10]
    for found in ("resource_types[]=plan", "activity_types[]=plan.created&activity_types[]=plan.deleted",
                  f"resource_ids[]={plan['resource_id']}&resource_ids[]=x", f"activity_ids[]={plan['activity_id']}",
                  f"resource_types[]=plan&activity_sources[]=api&from_date={day}&to_date={day}"):  # fmt: skip
        assert await logs(api, f"?{found}") == [plan]
    assert len(await logs(api, f"?api_key_ids[]={api.registered.founded.api_key.id}&to_date=9999-12-31")) == 4
    assert [row["external_customer_id"] for row in await logs(api, "?external_customer_id=b")] == ["b"]
    for nothing in ("resource_ids[]=x", "activity_sources[]=front", "user_emails[]=a@example.com",
                    "to_date=2020-01-01", "from_date=9999-12-31", "resource_types[]=spaceship",
                    f"api_key_ids[]={new_id()}"):  # fmt: skip
        assert await logs(api, f"?{nothing}") == []
    answer = await api.get("/activity_logs?from_date=soon&to_date=later")
    assert (answer.status_code, answer.json()["error_details"]) == (
        422, {"from_date": ["invalid_date"], "to_date": ["invalid_date"]}
    )  # fmt: skip


async def test_updates_say_what_changed(api: Api) -> None:
    await api.post("/customers", {"customer": {"external_id": "c", "name": "One", "currency": "EUR"}})
    await api.post("/customers", {"customer": {"external_id": "c", "name": "Two", "net_payment_term": 14}})
    await api.post("/plans", {"plan": PLAN})
    await api.put("/plans/p", {"plan": {"amount_cents": 250, "name": "P"}})
    entity = (await api.get("/billing_entities")).json()["billing_entities"][0]["code"]
    await api.put(f"/billing_entities/{entity}", {"billing_entity": {"city": "Lyon"}})
    term = {"name": "Ten", "code": "ten", "coupon_type": "fixed_amount", "amount_cents": 10, "amount_currency": "EUR",
            "frequency": "once", "expiration": "no_expiration", "reusable": True}  # fmt: skip
    coupon = (await api.post("/coupons", {"coupon": term})).json()["coupon"]["lago_id"]
    await api.put("/coupons/ten", {"coupon": {**term, "name": "Dix"}})
    given = {"applied_coupon": {"external_customer_id": "c", "coupon_code": "ten"}}
    assert (await api.post("/applied_coupons", given)).status_code == 200
    await api.delete("/coupons/ten")
    later = {"external_customer_id": "c", "plan_code": "p", "external_id": "s", "subscription_at": "2999-01-01"}
    await api.post("/subscriptions", {"subscription": later})
    await api.put("/subscriptions/s", {"subscription": {"name": "Later"}, "status": "pending"})
    await api.delete("/subscriptions/s?status=pending")
    invoice = await one_off(api, customer="c")
    await pay(api, invoice, 4_000)
    await pay(api, invoice, 6_000)

    def seen(activity_type: str) -> list[Any]:
        return [row for row in reversed(rows) if row["activity_type"] == activity_type]

    rows = await logs(api, "?per_page=100")
    assert [row["activity_object_changes"] for row in seen("customer.updated")] == [
        {"name": ["One", "Two"], "net_payment_term": [None, 14]},
        {},
    ]
    assert [row["activity_object_changes"] for row in seen("plan.updated")] == [{"amount_cents": [100, 250]}]
    (changed,) = seen("billing_entities.updated")
    assert (changed["resource_type"], changed["activity_object"]["city"]) == ("billing_entity", "Lyon")
    assert changed["activity_object_changes"] == {"city": [None, "Lyon"]}
    assert [row["activity_object_changes"] for row in seen("coupon.updated")] == [{"name": ["Ten", "Dix"]}]
    for each in ("coupon.created", "coupon.deleted", "applied_coupon.created", "applied_coupon.deleted"):
        (row,) = seen(each)
        assert (row["resource_type"], row["resource_id"], row["activity_object_changes"]) == ("coupon", coupon, None)
        assert row["external_customer_id"] == ("c" if each.startswith("applied") else None)
    assert seen("applied_coupon.created")[0]["activity_object"]["amount_cents"] == 10
    assert [row["activity_object_changes"] for row in seen("subscription.updated")] == [{"name": [None, "Later"]}]
    assert [row["external_subscription_id"] for row in seen("subscription.canceled")] == ["s"]
    assert seen("subscription.terminated") == []
    recorded = seen("payment.recorded")
    assert [(row["resource_type"], row["resource_id"], row["activity_object"]["amount_cents"]) for row in recorded] == [
        ("invoice", invoice, 4_000), ("invoice", invoice, 6_000),
    ]  # fmt: skip
    (paid,) = seen("invoice.payment_status_updated")
    assert paid["activity_object_changes"] == {
        "payment_status": ["pending", "succeeded"], "total_paid_amount_cents": [4_000, 10_000]
    }  # fmt: skip


async def test_a_regenerated_invoice_and_a_purchase_that_was_paid(api: Api) -> None:
    invoice = await one_off(api, customer="c")
    await api.post(f"/invoices/{invoice}/void", {})
    async with tenant_work(api.tenant) as work:
        again = await regenerate(work, {"voided_invoice_id": invoice})
    wallet = {"external_customer_id": "c", "rate_amount": "1", "currency": "EUR"}
    wallet_id = (await api.post("/wallets", {"wallet": wallet})).json()["wallet"]["lago_id"]
    bought = {"wallet_transaction": {"wallet_id": wallet_id, "paid_credits": "5"}}
    made = (await api.post("/wallet_transactions", bought)).json()["wallet_transactions"][0]["lago_id"]
    async with tenant_work(api.tenant) as work:
        await settle(work, [UUID(made)])
    (row,) = await logs(api, "?activity_types[]=invoice.regenerated")
    assert row["resource_id"] == str(again)
    (row,) = await logs(api, "?activity_types[]=wallet_transaction.updated")
    assert (row["resource_type"], row["resource_id"]) == ("wallet", wallet_id)
    assert row["activity_object_changes"] == {"status": ["pending", "settled"]}


async def test_money_that_could_not_be_taken_or_given_back(api: Api) -> None:
    invoice = await one_off(api, customer="c")
    fee = (await api.get(f"/invoices/{invoice}")).json()["invoice"]["fees"][0]["lago_id"]
    asked = {"invoice_id": invoice, "credit_amount_cents": 0, "offset_amount_cents": 500, "reason": "other",
             "items": [{"fee_id": fee, "amount_cents": 500}]}  # fmt: skip
    note = (await api.post("/credit_notes", {"credit_note": asked})).json()["credit_note"]["lago_id"]
    wallet = {"external_customer_id": "c", "rate_amount": "1", "currency": "EUR"}
    wallet_id = (await api.post("/wallets", {"wallet": wallet})).json()["wallet"]["lago_id"]
    wanted = {"wallet_transaction": {"wallet_id": wallet_id, "paid_credits": "5"}}
    (bought,) = (await api.post("/wallet_transactions", wanted)).json()["wallet_transactions"]
    async with tenant_work(api.tenant, Author("api", api_key_id=api.registered.founded.api_key.id)) as work:
        work.record(TopUpPaymentsNotTaken((UUID(bought["lago_id"]),)))
        work.record(CreditNoteRefundsFailed((UUID(note),)))
        work.record(InvoicePaymentsNotTaken((UUID(invoice),)))
    seen = {
        row["activity_type"]: (row["resource_type"], row["resource_id"], row["activity_object"]["lago_id"])
        for row in await logs(api)
        if "failure" in row["activity_type"]
    }
    assert seen == {
        "wallet_transaction.payment_failure": ("wallet", wallet_id, bought["lago_id"]),
        "credit_note.refund_failure": ("credit_note", note, note),
        "invoice.payment_failure": ("invoice", invoice, invoice),
    }


async def test_a_run_leaves_the_log_of_its_invoices_to_a_job(api: Api, jobs: Background) -> None:
    counts = []
    with World(instant("2024-03-01T00:00:00Z"), organization_id=api.tenant.organization_id, adopted=True) as world:
        world.execute("UPDATE organizations SET sandbox = true, frozen_at = %s WHERE id = %s",
                      world.now, world.organization_id)  # fmt: skip
        plan = world.plan(1000)
        for size in (2, 20):
            some = [
                world.subscription(world.customer(), plan, "2024-02-01T00:00:00Z", external_id=f"{size}-{each}")
                for each in range(size)
            ]
            with counted() as statements:
                async with tenant_work(world.tenant) as work:
                    asked = [BillRequest((each,), world.now, "subscription_periodic") for each in some]
                    invoice_ids = await bill_subscriptions(work, asked)
            counts.append(len([each for each in statements if "INSERT INTO activity_logs" in each]))
            await jobs.run(world.tenant)
            rows = await logs(api, f"?activity_types[]=invoice.created&per_page={size}")
            assert {row["resource_id"] for row in rows} == {str(each) for each in invoice_ids}
            assert {(row["activity_source"], row["activity_object"]) for row in rows} == {("system", None)}
        assert counts == [1, 0]
        assert len({row["external_customer_id"] for row in rows}) == 20

        # Thirty days later they are not shown any more, and removed.
        world.at("2024-04-01T00:00:00Z")
        assert await logs(api) == []
        async with tenant_work(world.tenant) as work:
            assert await clean_activity_logs(work) == 22
            assert await work.session.scalar(sa.text("SELECT count(*) FROM activity_logs")) == 0
