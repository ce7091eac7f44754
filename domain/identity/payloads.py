"""An organization as REST and webhooks show it. Pure. Source: handbook, platform 6; interface `OrganizationObject`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.identity.settings import numbering_of_organization

__all__ = ["organization_payload"]


def organization_payload(row: Any, webhook_urls: Sequence[str]) -> Mapping[str, Any]:
    """`row` as `queries.organization_row` reads it; `webhook_urls` of its endpoints, oldest first."""
    created_at: datetime = row.created_at
    return {
        "lago_id": row.id,
        "name": row.name,
        "slug": row.slug,
        "default_currency": row.default_currency,
        "created_at": created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "webhook_url": webhook_urls[0] if webhook_urls else None,
        "webhook_urls": list(webhook_urls),
        "country": row.country,
        "address_line1": row.address_line1,
        "address_line2": row.address_line2,
        "state": row.state,
        "zipcode": row.zipcode,
        "email": row.email,
        "city": row.city,
        "legal_name": row.legal_name,
        "legal_number": row.legal_number,
        "timezone": row.timezone,
        "net_payment_term": row.net_payment_term,
        "email_settings": list(row.email_settings),
        "document_numbering": numbering_of_organization(row.document_numbering),
        "document_number_prefix": row.document_number_prefix,
        "tax_identification_number": row.tax_identification_number,
        "finalize_zero_amount_invoice": row.finalize_zero_amount_invoice,
        "billing_configuration": {
            "invoice_footer": row.invoice_footer,
            "invoice_grace_period": row.invoice_grace_period,
            "document_locale": row.document_locale,
        },
        "events_store": "postgres",
    }
