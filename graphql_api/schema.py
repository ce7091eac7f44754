"""The schema, put together from what each context offers.

A context adds its classes to QUERIES and MUTATIONS below and nothing else here.
"""

from __future__ import annotations

from typing import Any

import structlog
from graphql import GraphQLError
from strawberry import Schema
from strawberry.extensions import AddValidationRules, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from graphql_api.catalog.add_ons import AddOnMutations, AddOnQueries
from graphql_api.catalog.charge_mutations import ChargeMutations
from graphql_api.catalog.entity_taxes import EntityTaxMutations, EntityTaxQueries
from graphql_api.catalog.features import FeatureMutations, FeatureQueries
from graphql_api.catalog.metrics import MetricMutations, MetricQueries
from graphql_api.catalog.mutations import CatalogMutations
from graphql_api.catalog.pricing_units import PricingUnitMutations, PricingUnitQueries
from graphql_api.catalog.queries import CatalogQueries
from graphql_api.credits.coupon_operations import CouponMutations, CouponQueries
from graphql_api.credits.note_mutations import CreditNoteMutations
from graphql_api.credits.note_queries import CreditNoteQueries
from graphql_api.credits.wallet_mutations import WalletMutations
from graphql_api.credits.wallet_queries import WalletQueries
from graphql_api.customers.mutations import CustomersMutations
from graphql_api.customers.queries import CustomersQueries
from graphql_api.errors import is_fault
from graphql_api.identity.billing_entities import BillingEntityMutations, BillingEntityQueries
from graphql_api.identity.custom_sections import CustomSectionMutations, CustomSectionQueries
from graphql_api.identity.mutations import IdentityMutations
from graphql_api.identity.queries import IdentityQueries
from graphql_api.identity.sandboxes import SandboxMutations
from graphql_api.identity.security_logs import SecurityLogQueries
from graphql_api.identity.team import TeamMutations, TeamQueries
from graphql_api.insight.activity_logs import ActivityLogQueries
from graphql_api.insight.analytics import AnalyticsQueries
from graphql_api.insight.api_logs import ApiLogQueries
from graphql_api.insight.contracted import ContractedQueries
from graphql_api.insight.data_exports import DataExportMutations
from graphql_api.insight.revenue import RevenueQueries
from graphql_api.insight.usages import UsageFigureQueries
from graphql_api.invoicing.adjusted_fees import AdjustedFeeMutations
from graphql_api.invoicing.draft_taxes import DraftTaxMutations
from graphql_api.invoicing.explanation import FeeExplanationQueries
from graphql_api.invoicing.life_mutations import InvoiceLifeMutations
from graphql_api.invoicing.mutations import InvoicingMutations
from graphql_api.invoicing.queries import InvoicingQueries
from graphql_api.limits import LimitsRule, OperationNamed
from graphql_api.messaging.emails import EmailMutations
from graphql_api.messaging.mutations import MessagingMutations
from graphql_api.messaging.queries import MessagingQueries
from graphql_api.metering.alerts import AlertMutations, AlertQueries
from graphql_api.metering.queries import MeteringQueries
from graphql_api.payments.campaigns import CampaignMutations, CampaignQueries
from graphql_api.payments.collect import CollectMutations
from graphql_api.payments.mutations import PaymentMutations
from graphql_api.payments.provider_customers import ProviderCustomerMutations
from graphql_api.payments.providers import PaymentProviderMutations, PaymentProviderQueries
from graphql_api.payments.queries import PaymentQueries
from graphql_api.portal.mutations import PortalMutations
from graphql_api.portal.queries import PortalQueries
from graphql_api.portal.shown import wall_off
from graphql_api.scalars import SCALARS
from graphql_api.subscriptions.charge_mutations import SubscriptionChargeMutations
from graphql_api.subscriptions.entitlements import (
    SubscriptionEntitlementMutations,
    SubscriptionEntitlementQueries,
)
from graphql_api.subscriptions.mutations import SubscriptionsMutations
from graphql_api.subscriptions.queries import SubscriptionsQueries
from graphql_api.texts import StorableTextsRule

__all__ = ["export", "schema"]

QUERIES: tuple[type, ...] = (
    IdentityQueries,
    TeamQueries,
    SecurityLogQueries,
    BillingEntityQueries,
    CustomSectionQueries,
    CustomersQueries,
    CatalogQueries,
    MetricQueries,
    AddOnQueries,
    FeatureQueries,
    SubscriptionEntitlementQueries,
    EntityTaxQueries,
    PricingUnitQueries,
    MessagingQueries,
    MeteringQueries,
    AlertQueries,
    SubscriptionsQueries,
    InvoicingQueries,
    WalletQueries,
    PaymentQueries,
    PaymentProviderQueries,
    CampaignQueries,
    CreditNoteQueries,
    CouponQueries,
    ActivityLogQueries,
    ApiLogQueries,
    AnalyticsQueries,
    UsageFigureQueries,
    RevenueQueries,
    ContractedQueries,
    FeeExplanationQueries,
    PortalQueries,
)
MUTATIONS: tuple[type, ...] = (
    IdentityMutations,
    SandboxMutations,
    TeamMutations,
    BillingEntityMutations,
    CustomSectionMutations,
    CustomersMutations,
    CatalogMutations,
    ChargeMutations,
    MetricMutations,
    AddOnMutations,
    FeatureMutations,
    SubscriptionEntitlementMutations,
    EntityTaxMutations,
    PricingUnitMutations,
    MessagingMutations,
    AlertMutations,
    SubscriptionsMutations,
    SubscriptionChargeMutations,
    InvoicingMutations,
    WalletMutations,
    PaymentMutations,
    PaymentProviderMutations,
    ProviderCustomerMutations,
    CampaignMutations,
    CollectMutations,
    EmailMutations,
    CreditNoteMutations,
    CouponMutations,
    InvoiceLifeMutations,
    AdjustedFeeMutations,
    DraftTaxMutations,
    DataExportMutations,
    PortalMutations,
)

log = structlog.get_logger(__name__)

# One list, made once: the validation cache is keyed by it, and a list made per request would defeat it.
_RULES: list[Any] = [LimitsRule, StorableTextsRule]
_DOCUMENTS = 512


class _TarnSchema(Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs defects with their traceback; a refusal is an answer, not a fault."""
        for error in errors:
            if is_fault(error):
                log.error("resolver failed", path=error.path, exc_info=error.original_error or error)


_query = merge_types("Query", QUERIES)
_mutation = merge_types("Mutation", MUTATIONS)

schema = _TarnSchema(
    query=_query,
    mutation=_mutation,
    extensions=[
        lambda: ParserCache(maxsize=_DOCUMENTS),
        lambda: ValidationCache(maxsize=_DOCUMENTS),
        lambda: AddValidationRules(_RULES),
        OperationNamed,
    ],
    config=StrawberryConfig(scalar_map=SCALARS),
)
wall_off(schema._schema)


def export() -> str:
    """The schema as text, sorted, so that it does not depend on the order of the lists above."""
    # A sorted schema is for printing only: its enums are plain copies that don't know Python's members.
    printed = Schema(query=_query, mutation=_mutation, config=StrawberryConfig(scalar_map=SCALARS, sort_schema=True))
    return printed.as_str().rstrip() + "\n"
