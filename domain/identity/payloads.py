"""An organization and its billing entities as REST and webhooks show them.

Source: handbook, platform 6 and 9; interface `OrganizationObject`, `BillingEntityObject`, `InvoiceCustomSectionObject`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from domain.identity.logo import logo_url
from domain.identity.settings import numbering_of_organization
from domain.kernel.format import instant

__all__ = ["applied_section_payload", "billing_entity_payload", "custom_section_payload", "organization_payload"]


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


_SAME_OF_ENTITY: Final = (
    "code", "name", "default_currency", "document_locale", "document_numbering", "document_number_prefix",
    "finalize_zero_amount_invoice", "invoice_footer", "invoice_grace_period",
    "subscription_invoice_issuing_date_anchor", "subscription_invoice_issuing_date_adjustment", "net_payment_term",
    "address_line1", "address_line2", "city", "state", "country", "zipcode", "email", "phone", "legal_name",
    "legal_number", "tax_identification_number", "timezone", "eu_tax_management", "einvoicing",
)  # fmt: skip


def billing_entity_payload(row: Any) -> dict[str, Any]:
    """A billing entity without its taxes and sections. `row` as the table has it."""
    return {
        "lago_id": row.id,
        **{name: getattr(row, name) for name in _SAME_OF_ENTITY},
        "is_default": row.id == row.organization_id,
        "email_settings": list(row.email_settings),
        "logo_url": logo_url(row.logo_key, row.logo_content_type),
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
    }


def applied_section_payload(row: Any) -> dict[str, Any]:
    """A section as what selected it shows it; `row` of `custom_sections.sections_of`."""
    return {
        "lago_id": row.link_id,
        "created_at": instant(row.selected_at),
        "invoice_custom_section_id": row.id,
        "invoice_custom_section": custom_section_payload(row),
    }


def custom_section_payload(row: Any) -> dict[str, Any]:
    """An invoice custom section; `row` as the table has it."""
    return {
        "lago_id": row.id,
        "code": row.code,
        "name": row.name,
        "description": row.description,
        "details": row.details,
        "display_name": row.display_name,
        "organization_id": row.organization_id,
        "created_at": instant(row.created_at),
    }
