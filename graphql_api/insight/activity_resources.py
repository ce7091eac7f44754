"""What an activity is told of, as the object that it is now; deleted ones as well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry import Info

from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.entitlement_types import FeatureObject, fetch_features
from graphql_api.catalog.metrics import BillableMetric, fetch_metrics
from graphql_api.catalog.types import Plan, fetch_plans
from graphql_api.credits.coupons import Coupon, fetch_coupons
from graphql_api.credits.note_types import CreditNote, fetch_notes
from graphql_api.credits.wallet_types import Wallet, fetch_wallets
from graphql_api.customers.types import Customer, fetch_customers
from graphql_api.identity.billing_entities import BillingEntity, fetch_entities
from graphql_api.invoicing.types import Invoice, fetch_invoices
from graphql_api.loaders import load
from graphql_api.payments.types import (
    PaymentReceipt,
    PaymentRequest,
    fetch_receipts,
    fetch_requests,
)
from graphql_api.subscriptions.types import Subscription, fetch_subscriptions

__all__ = ["ActivityLogResourceObject", "resource"]

ActivityLogResourceObject = Annotated[
    BillableMetric
    | BillingEntity
    | Coupon
    | CreditNote
    | Customer
    | FeatureObject
    | Invoice
    | PaymentReceipt
    | PaymentRequest
    | Plan
    | Subscription
    | Wallet,
    strawberry.union("ActivityLogResourceObject"),
]

_Fetch = Callable[[UnitOfWork, list[UUID]], Awaitable[Mapping[UUID, Any]]]
# By type of resource: the loader that other fields share, and what it reads.
_FETCH: Final[Mapping[str, tuple[str, _Fetch]]] = {
    "billable_metric": ("metrics", fetch_metrics),
    "billing_entity": ("billing_entities", fetch_entities),
    "coupon": ("coupons", fetch_coupons),
    "credit_note": ("credit_notes", fetch_notes),
    "customer": ("customers", fetch_customers),
    "feature": ("features", fetch_features),
    "invoice": ("invoices", fetch_invoices),
    "payment_receipt": ("payment_receipts", fetch_receipts),
    "payment_request": ("payment_requests", fetch_requests),
    "plan": ("plans", fetch_plans),
    "subscription": ("subscriptions", fetch_subscriptions),
    "wallet": ("wallets", fetch_wallets),
}


async def resource(info: Info, resource_type: str, resource_id: UUID) -> Any:
    """The object, or None for one that is gone altogether."""
    name, fetch = _FETCH[resource_type]
    return await load(info, name, fetch, resource_id)
