"""Alerts, thresholds and lifetime usage over GraphQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from domain.kernel import clock
from tests.domain.billing.world import World
from tests.graphql_api.conftest import Caller

FIELDS = """
    id alertType code name direction subscriptionExternalId walletId billableMetricId createdAt updatedAt deletedAt
    billableMetric { code } thresholds { code recurring value }
"""
CREATE = (
    f"mutation M($input: CreateSubscriptionAlertInput!) {{ createSubscriptionAlert(input: $input) {{ {FIELDS} }} }}"
)
UPDATE = (
    f"mutation M($input: UpdateSubscriptionAlertInput!) {{ updateSubscriptionAlert(input: $input) {{ {FIELDS} }} }}"
)
DESTROY = (
    "mutation M($input: DestroySubscriptionAlertInput!) { destroySubscriptionAlert(input: $input) { id deletedAt } }"
)
LISTED = """
    query Q($of: String!) {
        alerts(subscriptionExternalId: $of) { collection { code } metadata { totalCount } }
        subscriptionAlerts(subscriptionExternalId: $of) { collection { code } }
    }
"""
SUBSCRIPTION = """
    query Q($id: ID) { subscription(id: $id) {
        usageThresholds { amountCents recurring thresholdDisplayName }
        lifetimeUsage {
            totalUsageAmountCents totalUsageFromDatetime totalUsageToDatetime lastThresholdAmountCents
            nextThresholdAmountCents nextThresholdRatio
        }
    } }
"""


async def told(caller: Caller, query: str, **variables: Any) -> Any:
    return await caller.data(query, variables)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    """Of an organization for every test."""
    return await sign_up("Alerts")


@pytest.fixture
def sold(admin: Caller) -> tuple[str, str, str]:
    """The ids of a subscription `s` that has used 15.00, of the metric and of a wallet."""
    assert admin.organization_id is not None
    with World(clock.now(), adopted=True, organization_id=UUID(admin.organization_id)) as world:
        metric = world.metric("calls")
        plan = world.plan(0)
        world.charge(plan, metric, "standard", {"amount": "1"})
        customer = world.customer()
        subscription = world.subscription(customer, plan, "2024-01-01T00:00:00Z", external_id="s")
        world.event("s", "calls", clock.now().isoformat(), "15")
        wallet = world.insert(
            "wallets", organization_id=world.organization_id, customer_id=customer, code="main", status="active",
            rate_amount="1", currency="USD", priority=1, balance_cents=0, credits_balance=0, consumed_amount_cents=0,
            consumed_credits=0, ongoing_usage_balance_cents=0, credits_ongoing_usage_balance=0,
            ongoing_balance_cents=0, credits_ongoing_balance=0, depleted_ongoing_balance=False,
            invoice_requires_successful_payment=False, allowed_fee_types=[], payment_method_type="provider",
        )  # fmt: skip
    return str(subscription), str(metric), str(wallet)


async def test_alerts_of_a_subscription(admin: Caller, sold: tuple[str, str, str]) -> None:
    subscription, metric, _ = sold
    sent: dict[str, Any] = {
        "subscriptionId": subscription, "alertType": "billable_metric_current_usage_units", "code": "units",
        "name": "Units", "billableMetricId": metric,
        "thresholds": [{"value": "10", "code": "warn"}, {"value": "5.5", "recurring": True}],
    }  # fmt: skip
    made = (await told(admin, CREATE, input=sent))["createSubscriptionAlert"]
    assert (made["alertType"], made["direction"], made["subscriptionExternalId"]) == (
        "billable_metric_current_usage_units", "increasing", "s",
    )  # fmt: skip
    assert (made["billableMetricId"], made["billableMetric"]["code"], made["walletId"]) == (metric, "calls", None)
    assert made["thresholds"] == [
        {"code": "warn", "recurring": False, "value": "10.0"},
        {"code": None, "recurring": True, "value": "5.5"},
    ]
    changed = await told(admin, UPDATE, input={"id": made["id"], "name": "Other", "thresholds": [{"value": "1"}]})
    assert changed["updateSubscriptionAlert"]["name"] == "Other"
    assert [each["value"] for each in changed["updateSubscriptionAlert"]["thresholds"]] == ["1.0"]
    listed = await told(admin, LISTED, of="s")
    assert listed["alerts"] == {"collection": [{"code": "units"}], "metadata": {"totalCount": 1}}
    assert listed["subscriptionAlerts"]["collection"] == [{"code": "units"}]
    both = await told(
        admin, "query Q($id: ID!) { alert(id: $id) { code } subscriptionAlert(id: $id) { code } }", id=made["id"]
    )
    assert both == {"alert": {"code": "units"}, "subscriptionAlert": {"code": "units"}}
    assert (await told(admin, DESTROY, input={"id": made["id"]}))["destroySubscriptionAlert"]["deletedAt"]
    assert (await told(admin, LISTED, of="s"))["alerts"]["collection"] == []


async def test_alerts_of_a_wallet(admin: Caller, sold: tuple[str, str, str]) -> None:
    _, _, wallet = sold
    sent = {"walletId": wallet, "alertType": "wallet_balance_amount", "code": "low", "thresholds": [{"value": "-5"}]}
    create = (
        f"mutation M($i: CreateCustomerWalletAlertInput!) {{ createCustomerWalletAlert(input: $i) {{ {FIELDS} }} }}"
    )
    made = (await told(admin, create, i=sent))["createCustomerWalletAlert"]
    assert (made["walletId"], made["direction"], made["thresholds"][0]["value"]) == (wallet, "decreasing", "-5.0")
    update = "mutation M($i: UpdateCustomerWalletAlertInput!) { updateCustomerWalletAlert(input: $i) { code } }"
    assert (await told(admin, update, i={"id": made["id"], "code": "lower"}))["updateCustomerWalletAlert"][
        "code"
    ] == "lower"
    query = """
        query Q($id: ID!, $wallet: String!) {
            walletAlert(id: $id) { code } walletAlerts(walletId: $wallet) { collection { code } }
        }
    """
    found = await told(admin, query, id=made["id"], wallet=wallet)
    assert found == {"walletAlert": {"code": "lower"}, "walletAlerts": {"collection": [{"code": "lower"}]}}
    destroy = "mutation M($i: DestroyCustomerWalletAlertInput!) { destroyCustomerWalletAlert(input: $i) { id } }"
    assert (await told(admin, destroy, i={"id": made["id"]}))["destroyCustomerWalletAlert"]["id"] == made["id"]


async def test_thresholds_and_lifetime_usage_of_a_subscription(admin: Caller, sold: tuple[str, str, str]) -> None:
    subscription, _, _ = sold
    shown = (await told(admin, SUBSCRIPTION, id=subscription))["subscription"]
    assert shown["usageThresholds"] == []
    assert shown["lifetimeUsage"]["totalUsageAmountCents"] == "1500"
    assert shown["lifetimeUsage"]["totalUsageFromDatetime"].startswith("2024-01-01T00:00:00")
    assert shown["lifetimeUsage"]["nextThresholdAmountCents"] is None
    update = "mutation M($i: UpdateSubscriptionInput!) { updateSubscription(input: $i) { id } }"
    thresholds = [{"amountCents": "1000", "thresholdDisplayName": "One"}, {"amountCents": "3000", "recurring": False}]
    await told(admin, update, i={"id": subscription, "usageThresholds": thresholds})
    shown = (await told(admin, SUBSCRIPTION, id=subscription))["subscription"]
    assert [(each["amountCents"], each["thresholdDisplayName"]) for each in shown["usageThresholds"]] == [
        ("1000", "One"), ("3000", None),
    ]  # fmt: skip
    lifetime = shown["lifetimeUsage"]
    assert (lifetime["lastThresholdAmountCents"], lifetime["nextThresholdAmountCents"]) == ("1000", "3000")
    assert lifetime["nextThresholdRatio"] == 0.25
