"""The values that an organization's settings may take. Source: handbook, platform 5 and 6."""

from __future__ import annotations

from typing import Final

__all__ = [
    "AUTHENTICATION_METHODS",
    "DOCUMENT_LOCALES",
    "EMAIL_SETTINGS",
    "FEATURE_FLAGS",
    "NUMBERING_OF_BILLING_ENTITY",
    "ORGANIZATION_NUMBERINGS",
    "PREMIUM_INTEGRATIONS",
    "numbering_of_organization",
]

AUTHENTICATION_METHODS: Final = ("email_password", "google_oauth", "okta", "entra_id")
DOCUMENT_LOCALES: Final = ("en", "fr", "nb", "de", "it", "es", "sv", "pt-BR", "zh-TW")
EMAIL_SETTINGS: Final = ("invoice.finalized", "credit_note.created", "payment_receipt.created")

ORGANIZATION_NUMBERINGS: Final = ("per_customer", "per_organization")
# The interface speaks of organizations; the row is a billing entity's.
NUMBERING_OF_BILLING_ENTITY: Final = {"per_customer": "per_customer", "per_organization": "per_billing_entity"}

_INTEGRATIONS: Final = (
    "beta_payment_authorization netsuite okta entra_id avalara xero progressive_billing lifetime_usage hubspot "
    "auto_dunning revenue_analytics salesforce api_permissions revenue_share remove_branding_watermark "
    "manual_payments from_email issue_receipts preview multi_entities_pro multi_entities_enterprise "
    "analytics_dashboards forecasted_usage projected_usage custom_roles events_targeting_wallets security_logs "
    "granular_lifetime_usage order_forms revenue_recognition"
)
PREMIUM_INTEGRATIONS: Final = tuple(_INTEGRATIONS.split())
_FLAGS: Final = (
    "postgres_enriched_events enriched_events_aggregation wallet_traceability payment_gated_subscriptions "
    "order_forms meilisearch stripe_shared_payment_token fixed_charge_usage_delta_migration multi_connection "
    "lazy_charge_usage_cache product_catalog"
)
FEATURE_FLAGS: Final = tuple(_FLAGS.split())


def numbering_of_organization(numbering: str) -> str:
    """How the interface names a billing entity's numbering for the organization."""
    return "per_organization" if numbering == "per_billing_entity" else numbering
