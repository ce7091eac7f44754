"""feeExplanation over GraphQL answers what REST answers."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

MARCH = "2024-03-01T00:10:00Z"
EXPLANATION = """
    query($id: ID!, $limit: Int) {
        feeExplanation(id: $id, limit: $limit) {
            feeId invoiceId invoiceNumber name feeType units amountCents amountCurrency taxesAmountCents
            totalAmountCents preciseCouponsAmountCents
            period { from to timezone reason }
            usage {
                billableMetricCode billableMetricName aggregationType fieldName recurring prorated roundingFunction
                roundingPrecision from to filters filterName groupedBy units totalAggregatedUnits eventsCount
                events { transactionId timestamp receivedAt properties value } eventsTotalCount
            }
            proration { part whole factor reason }
            steps { label reckoning amount }
            roundings { what exactCents roundedCents rule }
            taxes { code name rate baseAmountCents amountCents }
        }
    }
"""


@pytest.fixture
def world(admin: Caller) -> Iterator[World]:
    assert admin.organization_id is not None
    with World(instant(MARCH), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.customers = len(world.rows("customers"))
        yield world


async def test_both_fees_of_an_invoice_are_explained(admin: Caller, world: World) -> None:
    name = f"c-{uuid4().hex}"
    tax = world.tax("20", f"vat-{name}")
    plan = world.plan(3100, name="Gold")
    world.charge(plan, world.metric(name), "standard", {"amount": "0.5", "pricing_group_keys": ["region"]})
    subscription = world.subscription(
        world.customer(external_id=name), plan, "2024-02-10T00:00:00Z", external_id=name
    )  # fmt: skip
    world.event(name, name, "2024-02-12T00:00:00Z", "2")
    world.event(name, name, "2024-02-13T00:00:00Z", "3")
    async with tenant_work(Tenant(world.organization_id)) as work:
        await bill_subscriptions(work, [BillRequest((subscription,), instant(MARCH), "subscription_periodic")])
    world.execute("DELETE FROM billing_entity_taxes WHERE tax_id = %s", tax)
    base, usage = world.rows("fees", "id", "position", subscription_id=subscription)

    shown = (await admin.data(EXPLANATION, {"id": str(base.id)}))["feeExplanation"]
    assert shown["proration"]["part"] == "20 days"
    assert (shown["usage"], shown["amountCents"], shown["feeType"]) == (None, "2138", "subscription")
    assert [each["what"] for each in shown["roundings"]] == ["amount", f"tax vat-{name}"]

    shown = (await admin.data(EXPLANATION, {"id": str(usage.id), "limit": 1}))["feeExplanation"]
    assert (shown["amountCents"], shown["taxesAmountCents"], shown["totalAmountCents"]) == ("250", "50", "300")
    assert shown["steps"] == [{"label": "units", "reckoning": "5.0 x 0.5", "amount": "2.5"}]
    assert (shown["usage"]["groupedBy"], shown["usage"]["eventsTotalCount"]) == ({"region": None}, "2")
    assert [(each["value"], each["properties"]) for each in shown["usage"]["events"]] == [("3", {"units": "3"})]
    assert shown["usage"]["from"] == "2024-02-10T00:00:00.000Z"

    assert (await admin.error(EXPLANATION, {"id": str(uuid4())}))["code"] == "not_found"
