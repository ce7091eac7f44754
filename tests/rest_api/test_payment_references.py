"""The payment method that subscriptions, wallets, top-ups and one-off invoices are paid with, over REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from domain.credits.wallets.threshold import top_up_intervals
from domain.kernel.unit_of_work import tenant_work
from tests.background import Background, background
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api

NOW = "2024-03-01T10:00:00Z"
PROVIDER = {"payment_method_type": "provider", "payment_method_id": None}
MANUAL = {"payment_method_type": "manual", "payment_method_id": None}


@pytest.fixture
def jobs(api: Api) -> Iterator[Background]:
    with background() as kept:
        yield kept


@pytest.fixture
def world(api: Api, jobs: Background) -> Iterator[World]:
    with World(instant(NOW), organization_id=api.tenant.organization_id, adopted=True) as world:
        world.execute(
            "UPDATE organizations SET sandbox = true, frozen_at = %s WHERE id = %s", world.now, world.organization_id
        )
        yield world


def method(world: World, customer: Any, name: str, *, default: bool = False) -> str:
    return str(
        world.insert(
            "payment_methods",
            organization_id=world.organization_id,
            customer_id=customer,
            provider_method_id=name,
            is_default=default,
            details={},
        )
    )


def by(method_id: str) -> dict[str, Any]:
    return {"payment_method_type": "provider", "payment_method_id": method_id}


async def test_a_subscription_keeps_its_method_along_plan_changes_and_bills_apart_from_another(
    api: Api, world: World, jobs: Background
) -> None:
    customer = world.customer(external_id="ada", currency="EUR")
    card, foreign = method(world, customer, "card"), method(world, world.customer(), "foreign")
    for code, amount in (("cheap", 100), ("dear", 200), ("dearest", 300)):
        world.plan(amount, code=code, amount_currency="EUR")

    async def subscribe(plan_code: str, external_id: str = "sub", **more: Any) -> Any:
        body = {"external_customer_id": "ada", "external_id": external_id, "plan_code": plan_code, **more}
        return await api.post("/subscriptions", {"subscription": body})

    for wrong in (
        by(foreign),
        by(str(uuid4())),
        {**MANUAL, "payment_method_id": card},
        {"payment_method_type": 1},
        "x",
    ):
        refused = await subscribe("cheap", payment_method=wrong)
        assert (refused.status_code, refused.json()["error_details"]) == (
            422, {"payment_method": ["invalid_payment_method"]},
        )  # fmt: skip
    plain = (await subscribe("cheap", "plain")).json()["subscription"]
    assert plain["payment_method"] == PROVIDER
    made = (await subscribe("cheap", payment_method=by(card))).json()["subscription"]
    assert made["payment_method"] == by(card)
    upgraded = (await subscribe("dear")).json()["subscription"]
    assert (upgraded["plan_code"], upgraded["payment_method"]) == ("dear", by(card))
    changed = await api.put("/subscriptions/sub", {"subscription": {"payment_method": MANUAL}})
    assert changed.json()["subscription"]["payment_method"] == MANUAL
    kept = await api.put("/subscriptions/sub", {"subscription": {"name": "New"}})
    assert kept.json()["subscription"]["payment_method"] == MANUAL
    cleared = await api.put("/subscriptions/sub", {"subscription": {"payment_method": None}})
    assert cleared.json()["subscription"]["payment_method"] == PROVIDER
    await jobs.run(world.tenant)
    before = len(world.rows("invoices"))
    world.execute("UPDATE plans SET pay_in_advance = true WHERE code = 'dearest'")
    await subscribe("dearest", payment_method=MANUAL)
    await jobs.run(world.tenant)
    # What ended and what began are paid differently: two invoices.
    assert len(world.rows("invoices")) == before + 2


async def test_a_top_up_is_paid_as_asked_or_as_its_rule_or_wallet_says(
    api: Api, world: World, jobs: Background
) -> None:
    customer = world.customer(external_id="ada", currency="EUR")
    card, other = method(world, customer, "card", default=True), method(world, customer, "other")
    rule = {"trigger": "interval", "interval": "weekly", "paid_credits": "5", "started_at": "2024-02-23T00:00:00Z"}
    body = {
        "external_customer_id": "ada", "rate_amount": "1", "currency": "EUR", "payment_method": by(card),
        "recurring_transaction_rules": [rule],
    }  # fmt: skip
    for wrong in (by(str(uuid4())), {**MANUAL, "payment_method_id": other}):
        refused = await api.post("/wallets", {"wallet": {**body, "payment_method": wrong}})
        assert refused.json()["error_details"] == {"payment_method": ["invalid_payment_method"]}
    wallet = (await api.post("/wallets", {"wallet": body})).json()["wallet"]
    path = f"/wallets/{wallet['lago_id']}"
    (of_rule,) = wallet["recurring_transaction_rules"]
    assert (wallet["payment_method"], of_rule["payment_method"]) == (by(card), PROVIDER)

    async def buy(**more: Any) -> Any:
        params = {"wallet_id": wallet["lago_id"], "paid_credits": "1", **more}
        answer = await api.post("/wallet_transactions", {"wallet_transaction": params})
        return answer.json()["wallet_transactions"][0]["payment_method"]

    assert await buy() == by(card)
    assert await buy(payment_method=MANUAL) == MANUAL
    # By hand with a method that nobody knows is by hand.
    assert await buy(payment_method={**MANUAL, "payment_method_id": str(uuid4())}) == MANUAL
    assert await buy(payment_method={"payment_method_type": "provider"}) == PROVIDER

    async def by_rule(when: str) -> tuple[str, Any]:
        world.at(when)
        async with tenant_work(world.tenant) as work:
            await top_up_intervals(work)
        await jobs.run(world.tenant)
        row = world.rows("wallet_transactions", source="interval")[-1]
        return row.payment_method_type, None if row.payment_method_id is None else str(row.payment_method_id)

    assert await by_rule("2024-03-08T10:55:00Z") == ("provider", card)
    changed = {"lago_id": of_rule["lago_id"], "payment_method": by(other)}
    await api.put(path, {"wallet": {"recurring_transaction_rules": [changed]}})
    assert await by_rule("2024-03-15T10:55:00Z") == ("provider", other)
    refused = await api.put(path, {"wallet": {"recurring_transaction_rules": [{**changed, "payment_method": "x"}]}})
    assert refused.json()["error_details"] == {"recurring_transaction_rules": ["invalid_recurring_rule"]}
    cleared = (await api.put(path, {"wallet": {"payment_method": MANUAL}})).json()["wallet"]
    assert cleared["payment_method"] == MANUAL


async def test_a_one_off_invoice_keeps_the_method_that_was_asked_for(api: Api, world: World, jobs: Background) -> None:
    card = method(world, world.customer(external_id="ada", currency="EUR"), "card")
    world.insert(
        "add_ons", organization_id=world.organization_id, code="setup", name="Setup", amount_cents=100,
        amount_currency="EUR",
    )  # fmt: skip
    body = {"external_customer_id": "ada", "currency": "EUR", "fees": [{"add_on_code": "setup"}]}
    for sent, kept in ((by(card), ("provider", card)), (MANUAL, ("manual", None)), (None, (None, None))):
        made = await api.post("/invoices", {"invoice": {**body, "payment_method": sent}})
        assert made.status_code == 200, made.text
        (row,) = world.rows("invoices", id=made.json()["invoice"]["lago_id"])
        found = None if row.payment_method_id is None else str(row.payment_method_id)
        assert (row.payment_method_type, found) == kept
    refused = await api.post("/invoices", {"invoice": {**body, "payment_method": by(str(uuid4()))}})
    assert refused.json()["error_details"] == {"payment_method": ["invalid_payment_method"]}
