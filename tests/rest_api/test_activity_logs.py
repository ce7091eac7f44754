"""/api/v1/activity_logs: what happened is logged in the transaction that does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

import tasks.app  # noqa: F401  # names all jobs
from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.insight.log_activities import clean_activity_logs
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from tasks.jobs import JOBS
from tasks.reactions import requests
from tests.domain.billing.test_runs import counted
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded


@pytest.fixture(autouse=True)
def reacting(recorded: Recorded) -> Iterator[None]:
    """Reactions as in a real process, but no queue."""

    async def dispatch(rows: object) -> None:
        pass

    install_reactions(Reactions(requests, dispatch, {name: job.queue for name, job in JOBS.items()}))
    yield
    install_reactions(None)


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


async def test_a_run_logs_all_its_invoices_with_one_statement(api: Api) -> None:
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
            rows = await logs(api, f"?activity_types[]=invoice.created&per_page={size}")
            assert {row["resource_id"] for row in rows} == {str(each) for each in invoice_ids}
            assert {(row["activity_source"], row["activity_object"]) for row in rows} == {("system", None)}
        assert counts == [1, 1]
        assert len({row["external_customer_id"] for row in rows}) == 20

        # Thirty days later they are not shown any more, and removed.
        world.at("2024-04-01T00:00:00Z")
        assert await logs(api) == []
        async with tenant_work(world.tenant) as work:
            assert await clean_activity_logs(work) == 22
            assert await work.session.scalar(sa.text("SELECT count(*) FROM activity_logs")) == 0
