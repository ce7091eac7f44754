"""What of the dashboard's types a customer sees in its portal.

The portal answers invoices, subscriptions and usage with the types of the dashboard, and from those a document can go
on: from a subscription to its plan, from a plan to how many customers it has. So every type that can be reached says
here which of its fields are the customer's business: its own deals, documents and money. All other fields, those added
later among them, are null in the portal, or refused where they can't be null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    default_field_resolver,
    get_named_type,
    is_non_null_type,
)

from graphql_api.errors import AccessDenied
from graphql_api.portal.documents import PORTAL_FIELDS

__all__ = ["SHOWN", "WHOLE", "reached", "wall_off"]

WHOLE: Final = frozenset(
    {
        "AppliedPricingUnit", "BillingEntityBillingConfiguration", "ChargeFilter", "ChargeFilterUsage", "ChargeUsage",
        "CollectionMetadata", "Commitment", "CreditNoteAppliedTax", "CreditNoteItem", "CustomerAddress",
        "CustomerBillingConfiguration", "CustomerPortalCustomer", "CustomerPortalOrganization", "CustomerPortalWallet",
        "CustomerPortalWalletCollection", "CustomerPortalWalletTransaction",
        "CustomerPortalWalletTransactionCollection", "CustomerProjectedUsage", "CustomerUsage", "FeeAmountDetails",
        "FeeAmountDetailsGraduatedPercentageRange", "FeeAmountDetailsGraduatedRange", "FeeAppliedTax",
        "FeeProperties", "FinalizedInvoiceCollection", "FinalizedInvoiceCollectionCollection", "FixedChargeProperties",
        "GraduatedPercentageRange", "GraduatedRange", "GroupedChargeUsage", "InvoiceAppliedTax", "InvoiceCollection",
        "InvoiceSubscription", "OrganizationBillingConfiguration", "OverdueBalance", "OverdueBalanceCollection",
        "PresentationBreakdownUsage", "PresentationGroupKey", "PresentationGroupKeyOptions", "PricingUnitUsage",
        "ProjectedChargeFilterUsage", "ProjectedChargeUsage", "ProjectedGroupedChargeUsage", "Properties",
        "SubscriptionActivationRule", "SubscriptionCollection", "SubscriptionLifetimeUsage", "UsageThreshold",
        "VolumeRange",
    }
)  # fmt: skip
"""Types all of whose fields are shown."""

_SHOWN: Final[Mapping[str, str]] = {
    "AddOn": "id code name invoiceDisplayName description amountCents amountCurrency",
    "BillableMetric": "id code name aggregationType recurring",
    "BillingEntity": """
        id code name legalName legalNumber taxIdentificationNumber email phone addressLine1 addressLine2 city state
        zipcode country timezone logoUrl""",
    "Charge": """
        id code chargeModel invoiceDisplayName invoiceable minAmountCents payInAdvance prorated properties filters
        billableMetric appliedPricingUnit taxes regroupPaidFees createdAt updatedAt deletedAt""",
    "CreditNote": """
        id number sequentialId currency issuingDate reason description creditStatus refundStatus refundedAt voidedAt
        totalAmountCents subTotalExcludingTaxesAmountCents taxesAmountCents taxesRate couponsAdjustmentAmountCents
        creditAmountCents refundAmountCents offsetAmountCents balanceAmountCents items appliedTaxes invoice customer
        billingEntity fileUrl xmlUrl createdAt updatedAt""",
    "Customer": """
        id externalId name firstname lastname displayName customerType accountType email phone url legalName legalNumber
        taxIdentificationNumber addressLine1 addressLine2 city state zipcode country shippingAddress currency timezone
        applicableTimezone billingConfiguration billingEntity""",
    "Fee": """
        id feeType itemCode itemName itemType invoiceName invoiceDisplayName invoiceId description units eventsCount
        groupedBy currency amountCurrency amountCents preciseAmountCents preciseUnitAmount preciseTotalAmountCents
        preciseCouponsAmountCents subTotalExcludingTaxesAmountCents subTotalExcludingTaxesPreciseAmountCents
        taxesAmountCents taxesPreciseAmountCents taxesRate totalAmountCents payInAdvance succeededAt properties
        amountDetails appliedTaxes presentationBreakdowns pricingUnitUsage addOn charge chargeFilter fixedCharge
        subscription trueUpFee trueUpParentFee""",
    "FixedCharge": """
        id code chargeModel invoiceDisplayName payInAdvance prorated properties units addOn taxes createdAt updatedAt
        deletedAt""",
    "Invoice": """
        id number sequentialId invoiceType status paymentStatus paymentOverdue paymentDisputeLostAt taxStatus currency
        issuingDate paymentDueDate expectedFinalizationDate purchaseOrderNumber selfBilled versionNumber voidedAt
        feesAmountCents chargeAmountCents couponsAmountCents creditNotesAmountCents prepaidCreditAmountCents
        prepaidGrantedCreditAmountCents prepaidPurchasedCreditAmountCents progressiveBillingCreditAmountCents
        subTotalExcludingTaxesAmountCents subTotalIncludingTaxesAmountCents taxesAmountCents taxesRate totalAmountCents
        totalDueAmountCents totalPaidAmountCents totalSettledAmountCents payableType voidedInvoiceId
        regeneratedInvoiceId appliedTaxes billingEntity creditNotes customer fees invoiceSubscriptions payments
        subscriptions fileUrl xmlUrl createdAt updatedAt""",
    "Payment": """
        id amountCents amountCurrency payablePaymentStatus paymentType paymentReceipt customer createdAt updatedAt""",
    "PaymentReceipt": "id number fileUrl xmlUrl createdAt",
    "Plan": """
        id code name invoiceDisplayName amountCents amountCurrency interval payInAdvance trialPeriod
        billChargesMonthly billFixedChargesMonthly charges chargesCount hasCharges fixedCharges fixedChargesCount
        hasFixedCharges minimumCommitment taxes usageThresholds applicableUsageThresholds createdAt updatedAt
        deletedAt""",
    "PricingUnit": "id code name shortName",
    "Subscription": """
        id externalId name nextName status billingTime subscriptionAt startedAt activatedAt endingAt canceledAt
        terminatedAt currentBillingPeriodStartedAt currentBillingPeriodEndingAt periodEndDate downgradePlanDate
        nextSubscriptionAt nextSubscriptionType activationRules cancellationReason purchaseOrderNumber
        onTerminationCreditNote onTerminationInvoice progressiveBillingDisabled consolidateInvoice charges customer fees
        fixedCharges lifetimeUsage nextPlan nextSubscription plan previousPlan previousSubscription usageThresholds
        createdAt updatedAt""",
    "Tax": "id code name description rate",
}
SHOWN: Final[Mapping[str, frozenset[str]]] = {name: frozenset(text.split()) for name, text in _SHOWN.items()}
"""The fields that are shown, by type, of the other types that can be reached."""


def reached(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    """The types that an answer of the portal can hold, by name."""
    roots = [root for root in (schema.query_type, schema.mutation_type) if root is not None]
    pending = [
        get_named_type(field.type) for root in roots for name, field in root.fields.items() if name in PORTAL_FIELDS
    ]
    found: dict[str, GraphQLObjectType] = {}
    while pending:
        kind = pending.pop()
        if not isinstance(kind, GraphQLObjectType) or kind.name in found:
            continue
        found[kind.name] = kind
        pending += [get_named_type(field.type) for name, field in kind.fields.items() if _shown(kind.name, name)]
    return found


def wall_off(schema: GraphQLSchema) -> None:
    """From here on requests of the portal get nothing out of fields that are not shown."""
    for kind in reached(schema).values():
        for name, field in kind.fields.items():
            if not _shown(kind.name, name):
                field.resolve = _walled(
                    field.resolve or default_field_resolver, nullable=not is_non_null_type(field.type)
                )


def _shown(kind: str, name: str) -> bool:
    return kind in WHOLE or name in SHOWN.get(kind, frozenset())


def _walled(inner: Any, *, nullable: bool) -> Any:
    def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if info.context.portal is None:
            return inner(source, info, **arguments)
        if nullable:
            return None
        raise AccessDenied("forbidden", "forbidden")

    return resolve
