"""What a customer is made of: its addresses, metadata and settings of invoices."""

from __future__ import annotations

import strawberry

from graphql_api.customers.enums import (
    CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum,
    CustomerSubscriptionInvoiceIssuingDateAnchorEnum,
)
from graphql_api.enums import CountryCode
from graphql_api.scalars import ISO8601DateTime

__all__ = ["CustomerAddress", "CustomerBillingConfiguration", "CustomerMetadata"]


@strawberry.type
class CustomerAddress:
    address_line1: str | None
    address_line2: str | None
    city: str | None
    country: CountryCode | None
    state: str | None
    zipcode: str | None


@strawberry.type
class CustomerMetadata:
    id: strawberry.ID
    key: str
    value: str
    display_in_invoice: bool
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime


@strawberry.type
class CustomerBillingConfiguration:
    """The id is made up, for the client's cache."""

    id: strawberry.ID
    document_locale: str | None
    subscription_invoice_issuing_date_anchor: CustomerSubscriptionInvoiceIssuingDateAnchorEnum | None
    subscription_invoice_issuing_date_adjustment: CustomerSubscriptionInvoiceIssuingDateAdjustmentEnum | None
