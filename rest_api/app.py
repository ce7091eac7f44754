"""All routes under /api/v1, one module per resource."""

from __future__ import annotations

from starlette.routing import BaseRoute

from rest_api import (
    activity_logs,
    add_ons,
    analytics,
    api_logs,
    billable_metrics,
    billing_entities,
    collect,
    coupons,
    credit_notes,
    customers,
    downloads,
    emails,
    events,
    features,
    fees,
    inbound,
    invoices,
    organizations,
    pay,
    payment_methods,
    payment_receipts,
    payment_requests,
    payments,
    plan_charge_filters,
    plan_charges,
    plan_entitlements,
    plan_fixed_charges,
    plans,
    security_logs,
    subscription_alerts,
    subscription_entitlements,
    subscription_overrides,
    subscriptions,
    taxes,
    usage,
    wallet_alerts,
    wallet_transactions,
    wallets,
    webhook_endpoints,
)

__all__ = ["rest_routes"]

# Events first: the hot path.
_RESOURCES = (
    events, activity_logs, api_logs, security_logs,
    analytics, billable_metrics, billing_entities, customers, organizations, plan_charges, plan_charge_filters,
    plan_fixed_charges, plan_entitlements, features, plans, subscription_alerts, subscription_entitlements,
    subscription_overrides, subscriptions, taxes, webhook_endpoints,
    add_ons, usage, collect, invoices, fees, payments, payment_requests, payment_methods, payment_receipts, coupons,
    credit_notes, wallet_alerts, wallets, wallet_transactions, emails, downloads, inbound, pay,
)  # fmt: skip


def rest_routes() -> list[BaseRoute]:
    """The routes of every resource; where two match a path, the one listed first answers."""
    return [route for resource in _RESOURCES for route in resource.routes]
