"""Events and current usage over GraphQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from domain.identity.queries import oldest_api_key_value
from domain.kernel import clock
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work
from infrastructure.database import bare_url
from tests.graphql_api.conftest import Caller
from tests.metering_world import World, event

EVENT_FIELDS = """
    id code transactionId externalSubscriptionId timestamp receivedAt deletedAt customerTimezone apiClient ipAddress
    billableMetricName matchBillableMetric matchCustomField matchCustomer matchSubscription payload
"""
EVENTS = f"""
    query Q($page: Int, $limit: Int) {{
        events(page: $page, limit: $limit) {{ collection {{ {EVENT_FIELDS} }} metadata {{ currentPage totalCount }} }}
    }}
"""
EVENT = f"query Q($id: ID!) {{ event(transactionId: $id) {{ {EVENT_FIELDS} }} }}"
USAGE = """
    query Q($customer: ID, $subscription: ID!) {
        customerUsage(customerId: $customer, subscriptionId: $subscription) {
            amountCents taxesAmountCents totalAmountCents currency fromDatetime toDatetime issuingDate
            chargesUsage {
                id units eventsCount amountCents pricingUnitAmountCents charge { code chargeModel }
                billableMetric { code } filters { id } groupedUsage { id } presentationBreakdowns { units }
            }
        }
    }
"""


@pytest_asyncio.fixture(loop_scope="session")
async def world(admin: Caller) -> AsyncIterator[World]:
    """The admin's organization through its REST routes."""
    from rest_api import events

    async def nothing(*_: object) -> list[object]:
        return []

    async def sent(*_: object) -> None:
        return None

    install_reactions(Reactions(nothing, sent, {"metering.post_process": "default"}))  # type: ignore[arg-type]
    assert admin.organization_id is not None
    with psycopg.connect(bare_url(), autocommit=True) as owner:
        owner.execute("DELETE FROM events")
    tenant, app = Tenant(UUID(admin.organization_id)), Starlette(routes=events.routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        yield World(tenant, await key_of(tenant), client, app)
    await events.close_ingestion()
    install_reactions(Reactions(nothing, sent, {}))  # type: ignore[arg-type]


async def key_of(tenant: Tenant) -> str:
    """The value of the organization's first API key."""
    async with tenant_work(tenant) as work:
        value = await oldest_api_key_value(work)
    assert value is not None
    return value


async def test_events_show_what_they_belong_to(admin: Caller, world: World) -> None:
    code = f"gb-{uuid4().hex[:6]}"
    metric = await world.metric(code, "sum_agg", field_name="size")
    plan = await world.plan()
    await world.subscription(plan, "known", started_at=datetime(2024, 1, 1, tzinfo=UTC), timezone="Europe/Paris")
    at = datetime(2024, 3, 1, tzinfo=UTC).timestamp()
    for body in (
        event("e1", code=code, external_subscription_id="known", timestamp=f"{at:.0f}.75", properties={"size": 1.50}),
        event("e2", code=code, external_subscription_id="unknown", timestamp=at),
        event("e3", code="nothing", external_subscription_id=None, timestamp=at),
    ):
        assert (await world.post("/events", {"event": body})).status_code == 200
    page = (await admin.data(EVENTS, {"limit": 2}))["events"]
    assert page["metadata"] == {"currentPage": 1, "totalCount": 3}
    assert [each["transactionId"] for each in page["collection"]] == ["e3", "e2"]
    e3, e2 = page["collection"]
    e1 = (await admin.data(EVENT, {"id": "e1"}))["event"]
    assert e1["customerTimezone"] == "TZ_EUROPE_PARIS"
    assert e1["timestamp"] == "2024-03-01T00:00:00Z"
    assert e1["payload"]["event"] == {
        "transaction_id": "e1", "external_subscription_id": "known", "code": code, "timestamp": int(at),
        "properties": {"size": 1.5},
    }  # fmt: skip
    flags = ("billableMetricName", "matchBillableMetric", "matchCustomField", "matchCustomer", "matchSubscription")
    assert [e1[flag] for flag in flags] == [metric.name, True, True, True, True]
    assert [e2[flag] for flag in flags] == [metric.name, True, False, False, False]
    assert [e3[flag] for flag in flags] == [None, False, True, False, False]


async def test_an_event_that_is_not_there_is_not_found(admin: Caller, stranger: Caller, world: World) -> None:
    assert (await world.post("/events", {"event": event("only-mine")})).status_code == 200
    for caller, name in ((admin, "nothing"), (stranger, "only-mine")):
        error = await caller.error(EVENT, {"id": name})
        assert (error["status"], error["code"], error["details"]) == (404, "not_found", {"event": ["not_found"]})


async def test_current_usage_is_shown_without_taxes(admin: Caller, stranger: Caller, world: World) -> None:
    code, external_id = f"calls-{uuid4().hex[:6]}", uuid4().hex
    metric = await world.metric(code)
    plan = await world.plan((metric, "standard", {"amount": "0.25"}))
    subscription = await world.subscription(plan, external_id)
    await world.tax("20")
    for _ in range(3):
        body = event(code=code, external_subscription_id=external_id, timestamp=clock.wall().timestamp())
        assert (await world.post("/events", {"event": body})).status_code == 200
    asked = {"subscription": str(subscription.id)}
    usage = (await admin.data(USAGE, asked))["customerUsage"]
    assert (usage["amountCents"], usage["taxesAmountCents"], usage["totalAmountCents"]) == ("75", "0", "75")
    assert usage["chargesUsage"] == [
        {
            "id": usage["chargesUsage"][0]["id"], "units": 3, "eventsCount": 3, "amountCents": "75",
            "pricingUnitAmountCents": None, "charge": {"code": f"{code}-0", "chargeModel": "standard"},
            "billableMetric": {"code": code}, "filters": [], "groupedUsage": [], "presentationBreakdowns": [],
        }
    ]  # fmt: skip
    assert (await admin.data(USAGE, asked | {"customer": str(subscription.customer_id)}))["customerUsage"] == usage
    error = await admin.error(USAGE, asked | {"customer": str(uuid4())})
    assert (error["status"], error["details"]) == (404, {"customer": ["not_found"]})
    for caller, wanted in ((stranger, asked), (admin, {"subscription": "x"})):
        error = await caller.error(USAGE, wanted)
        assert (error["status"], error["code"]) == (405, "no_active_subscription")


PROJECTED = """
    query Q($subscription: ID!) {
        customerProjectedUsage(subscriptionId: $subscription) {
            amountCents projectedAmountCents
            chargesUsage {
                units projectedUnits amountCents projectedAmountCents pricingUnitProjectedAmountCents
                charge { code } billableMetric { code } filters { id }
                groupedUsage {
                    groupedBy units projectedUnits projectedAmountCents filters { id }
                    projectedPresentationBreakdowns { presentationBy units }
                }
            }
        }
    }
"""


async def test_projected_usage_is_shown_by_group(admin: Caller, stranger: Caller, world: World) -> None:
    code, external_id = f"calls-{uuid4().hex[:6]}", uuid4().hex
    metric = await world.metric(code, "sum_agg", recurring=True)
    properties = {
        "amount": "0.5", "pricing_group_keys": ["cloud"], "presentation_group_keys": [{"value": "team"}],
    }  # fmt: skip
    subscription = await world.subscription(await world.plan((metric, "standard", properties)), external_id)
    for cloud, value in (("a", 3), ("b", 4)):
        body = event(
            code=code, external_subscription_id=external_id, timestamp=clock.wall().timestamp(),
            properties={"value": value, "cloud": cloud, "team": "x"},
        )  # fmt: skip
        assert (await world.post("/events", {"event": body})).status_code == 200
    usage = (await admin.data(PROJECTED, {"subscription": str(subscription.id)}))["customerProjectedUsage"]
    assert (usage["amountCents"], usage["projectedAmountCents"]) == ("350", "350")
    (charge,) = usage["chargesUsage"]
    assert (charge["units"], charge["filters"], charge["billableMetric"]) == (7, [], {"code": code})
    assert [(each["groupedBy"], each["projectedUnits"]) for each in charge["groupedUsage"]] == [
        ({"cloud": "a"}, 3), ({"cloud": "b"}, 4),
    ]  # fmt: skip
    assert charge["groupedUsage"][0]["projectedPresentationBreakdowns"] == [
        {"presentationBy": {"team": "x"}, "units": "3.0"}
    ]
    error = await stranger.error(PROJECTED, {"subscription": str(subscription.id)})
    assert (error["status"], error["code"]) == (405, "no_active_subscription")


@pytest.mark.parametrize("limit", [0, -1, 100_000])
async def test_pages_have_bounds(admin: Caller, world: World, limit: int) -> None:
    assert (await world.post("/events", {"event": event(uuid4().hex)})).status_code == 200
    assert len((await admin.data(EVENTS, {"limit": limit}))["events"]["collection"]) == 1
