"""Customers as REST and webhooks show them (interface CustomerObject)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.applicable_sections import applicable_sections
from domain.customers.queries import connections_of_customers, customer_rows, metadata_of_customers, taxes_of_customers
from domain.identity.payloads import custom_section_payload
from domain.kernel.format import instant, rate

__all__ = ["customer_payload", "customer_payloads"]

Payload = dict[str, Any]

_SAME = (
    "sequential_id", "slug", "external_id", "billing_entity_code", "address_line1", "address_line2",
    "applicable_timezone", "city", "country", "currency", "email", "legal_name", "legal_number", "logo_url", "name",
    "firstname", "lastname", "account_type", "customer_type", "phone", "state", "tax_identification_number",
    "timezone", "url", "zipcode", "net_payment_term", "finalize_zero_amount_invoice", "external_salesforce_id",
)  # fmt: skip
_CONNECTION = ("provider_customer_id", "sync_with_provider", "provider_payment_methods")
_ADDRESS = ("address_line1", "address_line2", "city", "state", "zipcode", "country")


def customer_payload(
    row: Any,
    metadata: Sequence[Any],
    taxes: Sequence[Any] = (),
    sections: Sequence[Any] = (),
    connection: Any = None,
) -> Payload:
    """A customer with its metadata, tax and custom section rows, and with what it is called at its payment provider;
    the row carries `billing_entity_code` and
    `applicable_timezone`."""
    return {
        "lago_id": row.id,
        **{name: getattr(row, name) for name in _SAME},
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "skip_invoice_custom_sections": row.skip_invoice_custom_sections,
        "shipping_address": {name: getattr(row, f"shipping_{name}") for name in _ADDRESS},
        "billing_configuration": {
            "invoice_grace_period": row.invoice_grace_period,
            "payment_provider": row.payment_provider,
            "payment_provider_code": row.payment_provider_code,
            **({} if connection is None else {name: getattr(connection, name) for name in _CONNECTION}),
            "document_locale": row.document_locale,
            "subscription_invoice_issuing_date_anchor": row.subscription_invoice_issuing_date_anchor,
            "subscription_invoice_issuing_date_adjustment": row.subscription_invoice_issuing_date_adjustment,
        },
        "metadata": [
            {
                "lago_id": one.id,
                "key": one.key,
                "value": one.value,
                "display_in_invoice": one.display_in_invoice,
                "created_at": instant(one.created_at),
            }
            for one in metadata
        ],
        "integration_customers": [],
        "taxes": [
            {
                "lago_id": tax.id,
                "name": tax.name,
                "code": tax.code,
                "rate": rate(tax.rate),
                "description": tax.description,
                "applied_to_organization": tax.applied_to_organization,
                "created_at": instant(tax.created_at),
            }
            for tax in taxes
        ],
        "applicable_invoice_custom_sections": [custom_section_payload(each) for each in sections],
    }


async def customer_payloads(
    session: AsyncSession, customer_ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None
) -> dict[UUID, Payload]:
    """Customers by id, deleted ones as well: six statements at most, five when the customers' rows are already read."""
    customers = rows if rows is not None else await customer_rows(session, customer_ids)
    metadata = await metadata_of_customers(session, list(customers))
    taxes = await taxes_of_customers(session, list(customers))
    sections = await applicable_sections(session, customers)
    connections = await connections_of_customers(session, customers)
    return {
        customer_id: customer_payload(
            row,
            metadata.get(customer_id, ()),
            taxes.get(customer_id, ()),
            sections.get(customer_id, ()),
            connections.get(customer_id),
        )
        for customer_id, row in customers.items()
    }
