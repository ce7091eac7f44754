"""PUT and DELETE /api/v1/fees/{id}, POST /api/v1/invoices."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from domain.billing.pay_in_advance import bill_events
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api

NOW = "2024-06-10T08:00:00Z"


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    async def nothing(*_: object) -> list[object]:
        return []

    install_reactions(Reactions(nothing, nothing, {}))  # type: ignore[arg-type]
    with World(instant(NOW), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world
    install_reactions(None)


async def standing_fee(api: Api, world: World) -> UUID:
    plan = world.plan(0)
    metric = world.metric("calls")
    world.charge(plan, metric, "standard", {"amount": "1"}, pay_in_advance=True, invoiceable=False)
    world.subscription(world.customer(), plan, "2024-06-01T00:00:00Z", external_id="s")
    world.event("s", "calls", "2024-06-09T00:00:00Z", "12")
    (event,) = world.rows("events", "id")
    async with tenant_work(api.tenant) as work:
        (fee_id,) = await bill_events(work, [event.id])
    return fee_id


async def test_a_standalone_fee_is_shown_paid_and_taken_back(api: Api, world: World) -> None:
    fee_id = await standing_fee(api, world)
    (event,) = world.rows("events")
    listed = (await api.get(f"/fees?event_transaction_id={event.transaction_id}")).json()["fees"]
    assert [(fee["lago_id"], fee["invoiceable"], fee["amount_cents"]) for fee in listed] == [(str(fee_id), False, 1200)]
    refused = await api.put(f"/fees/{fee_id}", {"fee": {"payment_status": "paid"}})
    assert (refused.status_code, refused.json()["error_details"]) == (422, {"payment_status": ["value_is_invalid"]})
    paid = await api.put(f"/fees/{fee_id}", {"fee": {"payment_status": "succeeded"}})
    assert paid.json()["fee"]["payment_status"] == "succeeded"
    assert (await api.delete(f"/fees/{fee_id}")).status_code == 200
    assert (await api.get(f"/fees/{fee_id}")).status_code == 404


async def test_a_one_off_invoice_names_what_is_missing(api: Api, world: World) -> None:
    world.customer(external_id="cust")
    for fees, code in (([], "fees_not_found"), ([{"add_on_code": "nothing"}], "add_on_not_found")):
        answer = await api.post("/invoices", {"invoice": {"external_customer_id": "cust", "fees": fees}})
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    answer = await api.post("/invoices", {"invoice": {"external_customer_id": "nobody", "fees": []}})
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_not_found")
