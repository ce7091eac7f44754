"""Subscriptions over GraphQL."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.graphql_api.conftest import Caller

CREATE = """
    mutation($input: CreateSubscriptionInput!) {
        createSubscription(input: $input) {
            id externalId name status billingTime startedAt subscriptionAt onTerminationInvoice consolidateInvoice
            plan { code } customer { externalId } charges { id } fees { id }
            nextPlan { code } nextSubscription { status plan { code } } nextSubscriptionType downgradePlanDate
            previousPlan { code } previousSubscription { id status }
        }
    }
"""
LIST = """
    query($status: [StatusTypeEnum!], $term: String, $limit: Int) {
        subscriptions(status: $status, searchTerm: $term, limit: $limit) {
            collection { externalId plan { code name } customer { externalId } }
            metadata { currentPage limitValue totalCount totalPages }
        }
    }
"""


async def plan(caller: Caller, **fields: Any) -> str:
    query = "mutation($input: CreatePlanInput!) { createPlan(input: $input) { id } }"
    body = {
        "name": "P", "code": uuid4().hex, "interval": "monthly", "amountCents": "1000", "amountCurrency": "EUR",
        "payInAdvance": False, "charges": [], **fields,
    }  # fmt: skip
    return str((await caller.data(query, {"input": body}))["createPlan"]["id"])


async def customer(caller: Caller) -> str:
    query = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }"
    return str((await caller.data(query, {"input": {"externalId": uuid4().hex}}))["createCustomer"]["id"])


async def create(caller: Caller, customer_id: str, plan_id: str, **fields: Any) -> dict[str, Any]:
    body = {"customerId": customer_id, "planId": plan_id, "billingTime": "calendar", **fields}
    shown: dict[str, Any] = (await caller.data(CREATE, {"input": body}))["createSubscription"]
    return shown


async def test_a_subscription_without_an_external_id_gets_one(admin: Caller) -> None:
    shown = await create(admin, await customer(admin), await plan(admin), name="Main")
    assert (shown["status"], shown["billingTime"], shown["name"]) == ("active", "calendar", "Main")
    assert len(shown["externalId"]) == 36
    assert (shown["charges"], shown["fees"], shown["nextPlan"], shown["previousPlan"]) == ([], [], None, None)


async def test_progressive_billing_is_switched_off_for_a_subscription_and_its_successor(admin: Caller) -> None:
    who = await customer(admin)
    shown = await create(admin, who, await plan(admin), progressiveBillingDisabled=True)
    query = "query($id: ID!) { subscription(id: $id) { progressiveBillingDisabled } }"
    assert (await admin.data(query, {"id": shown["id"]}))["subscription"] == {"progressiveBillingDisabled": True}
    dearer = await plan(admin, amountCents="5000")
    upgraded = await create(admin, who, dearer, externalId=shown["externalId"])
    assert (await admin.data(query, {"id": upgraded["id"]}))["subscription"] == {"progressiveBillingDisabled": True}
    update = """mutation($input: UpdateSubscriptionInput!) {
        updateSubscription(input: $input) { progressiveBillingDisabled } }"""
    body = {"id": upgraded["id"], "progressiveBillingDisabled": False}
    assert (await admin.data(update, {"input": body}))["updateSubscription"] == {"progressiveBillingDisabled": False}


async def test_a_downgrade_shows_what_comes_next(admin: Caller) -> None:
    who = await customer(admin)
    first = await create(admin, who, await plan(admin, code="dear"))
    shown = await create(admin, who, await plan(admin, code="cheap", amountCents="1"), subscriptionId=first["id"])
    assert (shown["id"], shown["plan"], shown["nextPlan"]) == (first["id"], {"code": "dear"}, {"code": "cheap"})
    assert shown["nextSubscription"] == {"status": "pending", "plan": {"code": "cheap"}}
    assert shown["nextSubscriptionType"] == "downgrade"
    assert shown["downgradePlanDate"] is not None


async def test_an_upgrade_shows_what_went_before(admin: Caller) -> None:
    who = await customer(admin)
    first = await create(admin, who, await plan(admin, code="small"))
    shown = await create(
        admin, who, await plan(admin, code="large", amountCents="9000"), externalId=first["externalId"]
    )
    assert shown["previousPlan"] == {"code": "small"}
    assert shown["previousSubscription"] == {"id": first["id"], "status": "terminated"}


async def test_editing_and_ending(admin: Caller) -> None:
    shown = await create(admin, await customer(admin), await plan(admin))
    update = "mutation($input: UpdateSubscriptionInput!) { updateSubscription(input: $input) { name status } }"
    changed = (await admin.data(update, {"input": {"id": shown["id"], "name": "New"}}))["updateSubscription"]
    assert changed == {"name": "New", "status": "active"}
    end = """mutation($input: TerminateSubscriptionInput!) {
        terminateSubscription(input: $input) { status terminatedAt onTerminationInvoice } }"""
    body = {"id": shown["id"], "onTerminationInvoice": "skip"}
    ended = (await admin.data(end, {"input": body}))["terminateSubscription"]
    assert (ended["status"], ended["onTerminationInvoice"]) == ("terminated", "skip")
    assert ended["terminatedAt"] is not None
    assert (await admin.error(end, {"input": body}))["details"] == {"subscription": ["not_found"]}


async def test_the_list_is_filtered_and_costs_the_same_however_long(admin: Caller, statements: list[str]) -> None:
    who, what = await customer(admin), await plan(admin, name="Searched plan")
    await create(admin, who, what, externalId="listed-0")
    del statements[:]
    await admin.data(LIST, {"status": ["active"], "term": "listed"})
    one = len(statements)
    for number in range(1, 6):
        await create(admin, who, what, externalId=f"listed-{number}")
    del statements[:]
    found = (await admin.data(LIST, {"status": ["active"], "term": "listed"}))["subscriptions"]
    assert found["metadata"] == {"currentPage": 1, "limitValue": 25, "totalCount": 6, "totalPages": 1}
    assert {each["plan"]["name"] for each in found["collection"]} == {"Searched plan"}
    assert len(statements) == one
    page = (await admin.data(LIST, {"status": ["active"], "term": "listed", "limit": 4}))["subscriptions"]
    assert (len(page["collection"]), page["metadata"]["totalPages"]) == (4, 2)


@pytest.mark.parametrize(("by", "status"), [("id", "not_found"), ("externalId", "not_found")])
async def test_what_belongs_to_another_organization_is_not_found(
    admin: Caller, stranger: Caller, by: str, status: str
) -> None:
    shown = await create(stranger, await customer(stranger), await plan(stranger))
    query = f"query($key: ID) {{ subscription({by}: $key) {{ id }} }}"
    assert (await stranger.data(query, {"key": shown[by]}))["subscription"] == {"id": shown["id"]}
    assert (await admin.error(query, {"key": shown[by]}))["code"] == status
    end = "mutation($id: ID!) { terminateSubscription(input: {id: $id}) { id } }"
    assert (await admin.error(end, {"id": shown["id"]}))["code"] == "not_found"


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"customerId": "01890a5d-ac96-774b-bcce-b302099a8057"}, {"customer": ["not_found"]}),
        ({"planId": "nonsense"}, {"plan": ["not_found"]}),
        ({"endingAt": "2001-01-01T00:00:00Z"}, {"endingAt": ["invalid_date"]}),
        ({"name": "x" * 300}, {"name": ["value_is_too_long"]}),
        ({"billingEntityId": "01890a5d-ac96-774b-bcce-b302099a8057"}, {"billingEntity": ["not_found"]}),
    ],
)
async def test_what_is_wrong_is_named(admin: Caller, fields: dict[str, Any], details: object) -> None:
    body = {"customerId": await customer(admin), "planId": await plan(admin), "billingTime": "calendar", **fields}
    assert (await admin.error(CREATE, {"input": body}))["details"] == details


async def test_activation_waits_for_no_payment_where_no_provider_is_linked(admin: Caller) -> None:
    who, what = await customer(admin), await plan(admin)
    shown = await create(admin, who, what)
    query = """query($id: ID!) { subscription(id: $id) {
        activationRules { id type status timeoutHours expiresAt createdAt updatedAt } cancellationReason } }"""
    assert (await admin.data(query, {"id": shown["id"]}))["subscription"] == {
        "activationRules": [], "cancellationReason": None,
    }  # fmt: skip
    body = {"customerId": who, "planId": what, "billingTime": "calendar",
            "activationRules": [{"type": "payment", "timeoutHours": 2}]}  # fmt: skip
    assert (await admin.error(CREATE, {"input": body}))["details"] == {"customer": ["no_linked_payment_provider"]}


async def test_a_portal_url_is_made_for_ones_own_customers_only(admin: Caller, stranger: Caller) -> None:
    who = await customer(admin)
    query = "mutation($id: ID!) { generateCustomerPortalUrl(input: {id: $id}) { url } }"
    assert "/customer-portal/" in (await admin.data(query, {"id": who}))["generateCustomerPortalUrl"]["url"]
    assert (await stranger.error(query, {"id": who}))["code"] == "not_found"
