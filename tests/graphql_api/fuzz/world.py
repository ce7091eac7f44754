"""An organization with something of everything, kept filled while a fuzz takes it apart, and names of what is in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel import clock
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from infrastructure.database import bare_url
from tests.domain.billing.world import World
from tests.graphql_api.conftest import Caller
from tests.graphql_api.fuzz.strategies import Names
from tests.tenancy.rows import MODELS

__all__ = ["Filled"]

TABLES_OF_FIELDS = {
    "addOnId": "add_ons", "appliedDunningCampaignId": "dunning_campaigns", "billableMetricId": "billable_metrics",
    "billableMetricIds": "billable_metrics", "billingEntityId": "billing_entities", "chargeFilterId": "charge_filters",
    "billingEntityIds": "billing_entities", "chargeId": "charges", "couponId": "coupons", "customerId": "customers",
    "configurableInvoiceCustomSectionIds": "invoice_custom_sections", "feeId": "fees", "fixedChargeId": "fixed_charges",
    "invoiceCustomSectionIds": "invoice_custom_sections", "invoiceId": "invoices", "lagoInvoiceIds": "invoices",
    "invoiceSubscriptionId": "invoice_subscriptions", "lagoId": "recurring_transaction_rules", "planId": "plans",
    "organizationId": "organizations", "paymentMethodId": "payment_methods", "planIds": "plans",
    "subscriptionId": "subscriptions", "voidedInvoiceId": "invoices", "walletId": "wallets",
    "walletTransactionId": "wallet_transactions", "webhookEndpointId": "webhook_endpoints", "ids": "wallets",
}  # fmt: skip
TABLES_OF_NOUNS = {
    "tax": "taxes", "addon": "add_ons", "adjustedfee": "fees", "apikey": "api_keys", "appliedcoupon": "applied_coupons",
    "billablemetric": "billable_metrics", "billingentity": "billing_entities", "chargefilter": "charge_filters",
    "subscriptionchargefilter": "charge_filters", "fixedcharge": "fixed_charges", "charge": "charges",
    "coupon": "coupons", "creditnote": "credit_notes", "customerwalletalert": "usage_alerts",
    "customerwallet": "wallets", "customer": "customers", "dunningcampaign": "dunning_campaigns",
    "invoicecustomsection": "invoice_custom_sections", "invoice": "invoices", "paymentmethod": "payment_methods",
    "paymentreceipt": "payment_receipts", "payment": "payments", "plan": "plans", "pricingunit": "pricing_units",
    "subscriptionalert": "usage_alerts", "alert": "usage_alerts", "subscription": "subscriptions",
    "wallettransaction": "wallet_transactions", "wallet": "wallets", "webhookendpoint": "webhook_endpoints",
    "webhook": "webhooks", "feature": "features", "role": "roles", "fee": "fees", "member": "memberships",
}  # fmt: skip
TEXTS_OF_FIELDS = {
    "taxCodes": ("taxes", "code"), "chargeCode": ("charges", "code"), "fixedChargeCode": ("fixed_charges", "code"),
    "billingEntityCode": ("billing_entities", "code"), "externalCustomerId": ("customers", "external_id"),
    "subscriptionExternalId": ("subscriptions", "external_id"), "planCode": ("plans", "code"),
    "externalSubscriptionId": ("subscriptions", "external_id"), "couponCode": ("coupons", "code"),
    "billableMetricCode": ("billable_metrics", "code"), "featureCode": ("features", "code"),
    "privilegeCode": ("privileges", "code"),
    "transactionId": ("events", "transaction_id"), "customerExternalId": ("customers", "external_id"),
}  # fmt: skip
NAMED = {(table, "id") for table in (*TABLES_OF_FIELDS.values(), *TABLES_OF_NOUNS.values())}
NAMED |= {*TEXTS_OF_FIELDS.values(), ("pricing_units", "code")}
GONE = ("deleted_at", "terminated_at")


def table_of(name: str, root: str) -> str | None:
    """The table that a field of this name, in an argument of this root field, names rows of."""
    if name in TABLES_OF_FIELDS:
        return TABLES_OF_FIELDS[name]
    if name == "id":
        noun = root.lower()
        for each in sorted(TABLES_OF_NOUNS, key=len, reverse=True):
            if each in noun:
                return TABLES_OF_NOUNS[each]
    return None


@dataclass
class Filled(Names):
    """One organization, and another whose rows must stay as they are."""

    caller: Caller
    other: Caller
    rows: dict[str, list[str]] = field(default_factory=dict)
    others_rows: dict[str, list[str]] = field(default_factory=dict)
    fingerprint: str = ""

    # What fields may hold -------------------------------------------------------------------------------------------

    def known(self, name: str, path: tuple[str, ...]) -> list[Any] | None:
        if name == "id" and len(path) > 1:
            inner = {"ChargeInput": "charges", "FixedChargeInput": "fixed_charges", "ChargeOverridesInput": "charges",
                     "FixedChargeOverridesInput": "fixed_charges"}.get(path[-1])  # fmt: skip
            if inner:
                return self.rows.get(inner, [])
        if name == "code" and path[-1].startswith("AppliedPricingUnit"):
            return self.rows.get("pricing_units.code", [])
        return self._of(self.rows, name, path)

    def foreign(self, name: str, path: tuple[str, ...]) -> list[Any] | None:
        return self._of(self.others_rows, name, path)

    def _of(self, rows: dict[str, list[str]], name: str, path: tuple[str, ...]) -> list[Any] | None:
        if name in TEXTS_OF_FIELDS:
            return rows.get(".".join(TEXTS_OF_FIELDS[name]), [])
        if name == "externalId" and path[0] in ("customer", "subscription"):
            return rows.get(f"{path[0]}s.external_id", [])
        table = table_of(name, path[0])
        return rows.get(table, []) if table else None

    # Keeping it filled ----------------------------------------------------------------------------------------------

    async def fill(self) -> None:
        """Makes what is missing, and looks up the names of what is there, newest first."""
        try:
            await _fill(self.caller)
        except AssertionError as refused:
            # Hostile requests may have made it impossible, say with a tax on everything. What is there has to do.
            if not self.fingerprint or "internal_error" in str(refused):
                raise
        self.rows = _names(self.caller)
        if not self.fingerprint:
            await _fill(self.other)
            self.others_rows, self.fingerprint = _names(self.other), self.others_fingerprint()

    def others_fingerprint(self) -> str:
        """Of every row that the other organization has."""
        found = hashlib.sha256()
        with psycopg.connect(bare_url()) as connection:
            for table, model in sorted(MODELS.items()):
                if "organization_id" in model.model_fields:
                    query = sql.SQL("SELECT t::text FROM {} t WHERE organization_id = %s ORDER BY 1")
                    for row in connection.execute(query.format(sql.Identifier(table)), [self.other.organization_id]):
                        found.update(row[0].encode())
        return found.hexdigest()


def _names(caller: Caller) -> dict[str, list[str]]:
    """The four newest of each table, those that are gone last; one statement."""
    parts = []
    for table, column in sorted(NAMED):
        fields = MODELS[table].model_fields
        owner = "id" if table == "organizations" else "organization_id"
        order = [*(f"{each} IS NOT NULL" for each in GONE if each in fields), "id DESC"]
        parts.append(
            f"(SELECT '{table}', '{column}', {column}::text FROM {table} WHERE {owner} = %(owner)s"
            f" AND {column} IS NOT NULL ORDER BY {', '.join(order)} LIMIT 4)"
        )
    found: dict[str, list[str]] = {}
    with psycopg.connect(bare_url()) as connection:
        for table, column, text in connection.execute(" UNION ALL ".join(parts), {"owner": caller.organization_id}):
            found.setdefault(table if column == "id" else f"{table}.{column}", []).append(text)
    return found


def _live(caller: Caller) -> dict[str, int]:
    queries = {
        "taxes": "deleted_at IS NULL", "add_ons": "deleted_at IS NULL", "billable_metrics": "deleted_at IS NULL",
        "plans": "deleted_at IS NULL AND parent_id IS NULL AND EXISTS (SELECT FROM charges c JOIN charge_filters f ON"
                 " f.charge_id = c.id WHERE c.plan_id = t.id AND c.deleted_at IS NULL AND f.deleted_at IS NULL)"
                 " AND EXISTS (SELECT FROM fixed_charges c WHERE c.plan_id = t.id AND c.deleted_at IS NULL)",
        "customers": "deleted_at IS NULL", "subscriptions": "status = 'active'", "wallets": "status = 'active'",
        "coupons": "deleted_at IS NULL AND status = 'active'", "applied_coupons": "status = 'active'",
        "dunning_campaigns": "deleted_at IS NULL", "invoice_custom_sections": "deleted_at IS NULL",
        "webhook_endpoints": "", "pricing_units": "", "usage_alerts": "deleted_at IS NULL", "credit_notes": "",
        "invoices": "status = 'finalized'", "payments": "", "payment_methods": "deleted_at IS NULL",
        "api_keys": "expires_at IS NULL", "features": "deleted_at IS NULL",
    }  # fmt: skip
    parts = [
        f"(SELECT count(*) FROM {table} t WHERE organization_id = %(o)s AND {condition or 'true'}) AS {table}"
        for table, condition in queries.items()
    ]
    parts.append("(SELECT count(*) FROM invoices WHERE organization_id = %(o)s AND status = 'draft') AS drafts")
    with psycopg.connect(bare_url(), row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute("SELECT " + ", ".join(parts), {"o": caller.organization_id}).fetchone()
    assert found is not None
    return dict(found)


async def _fill(caller: Caller) -> None:  # one maker after the other, in the order in which they lean on each other
    live = _live(caller)
    if all(live.values()):
        return
    mark = uuid4().hex[:8]

    async def make(mutation: str, kind: str, selection: str = "id", **input: Any) -> Any:
        document = f"mutation M($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} }} }}"
        return (await caller.data(document, {"input": input}))[mutation]

    def missing(table: str) -> bool:
        return not live[table]

    if missing("taxes"):
        await make("createTax", "TaxCreateInput", name="VAT", code=f"vat-{mark}", rate=20.0)
    if missing("add_ons"):
        await make(
            "createAddOn", "CreateAddOnInput", name="a", code=f"a{mark}", amountCents="100", amountCurrency="EUR"
        )
    if missing("pricing_units"):
        await make("createPricingUnit", "CreatePricingUnitInput", name="p", code=f"p{mark}", shortName="CR")
    if missing("features"):
        await make(
            "createFeature", "CreateFeatureInput", code=f"f{mark}",
            privileges=[{"code": "max", "valueType": "integer"},
                        {"code": "region", "valueType": "select", "config": {"selectOptions": ["eu"]}}],
        )  # fmt: skip
    if missing("billable_metrics") or missing("plans"):
        metric = await make(
            "createBillableMetric", "CreateBillableMetricInput", name="m", code=f"m{mark}", description="d",
            aggregationType="sum_agg", fieldName="value", recurring=False,
            filters=[{"key": "region", "values": ["eu", "us", "asia"]}],
        )  # fmt: skip
        live["plans"] = 0
    names = _names(caller)
    if missing("plans"):
        metric_id = names["billable_metrics"][0] if not live["billable_metrics"] else metric["id"]
        await make(
            "createPlan", "CreatePlanInput", name="p", code=f"p{mark}", interval="monthly", amountCents="1000",
            amountCurrency="EUR", payInAdvance=False, taxCodes=[],
            charges=[{"billableMetricId": metric_id, "chargeModel": "standard",
                      "properties": {"amount": "1"}, "filters": [
                          {"values": {"region": ["eu"]}, "properties": {"amount": "2"}, "invoiceDisplayName": "f"}]}],
            fixedCharges=[{"addOnId": names["add_ons"][0], "chargeModel": "standard", "units": "2",
                           "properties": {"amount": "1"}}],
        )  # fmt: skip
        live["subscriptions"] = 0
    if missing("customers"):
        await make("createCustomer", "CreateCustomerInput", externalId=f"cust-{mark}", name="C", currency="EUR",
                   email="a@example.com")  # fmt: skip
        live["subscriptions"] = live["wallets"] = 0
    names = _names(caller)
    customer, plan = names["customers"][0], names["plans"][0]
    if missing("subscriptions"):
        await make("createSubscription", "CreateSubscriptionInput", customerId=customer, planId=plan,
                   externalId=f"sub-{mark}", billingTime="calendar", subscriptionAt="2024-01-01T00:00:00Z")  # fmt: skip
    if missing("wallets"):
        await make("createCustomerWallet", "CreateCustomerWalletInput", customerId=customer, rateAmount="1",
                   currency="EUR", paidCredits="0", grantedCredits="10", priority=1)  # fmt: skip
    if missing("coupons") or missing("applied_coupons"):
        coupon = await make(
            "createCoupon", "CreateCouponInput", name="c", code=f"k{mark}", couponType="fixed_amount", amountCents="10",
            amountCurrency="EUR", frequency="forever", expiration="no_expiration", reusable=True,
        )  # fmt: skip
        await make("createAppliedCoupon", "CreateAppliedCouponInput", couponId=coupon["id"], customerId=customer)
    if missing("dunning_campaigns"):
        await make(
            "createDunningCampaign", "CreateDunningCampaignInput", name="d", code=f"d{mark}", maxAttempts=3,
            daysBetweenAttempts=2, appliedToOrganization=False, thresholds=[{"amountCents": "100", "currency": "EUR"}],
        )  # fmt: skip
    if missing("invoice_custom_sections"):
        await make("createInvoiceCustomSection", "CreateInvoiceCustomSectionInput", name="s", code=f"s{mark}")
    if missing("webhook_endpoints"):
        await make("createWebhookEndpoint", "WebhookEndpointCreateInput", webhookUrl="https://example.com/" + mark)
    if missing("api_keys"):
        await make("createApiKey", "CreateApiKeyInput", name="k")
    names = _names(caller)
    if missing("usage_alerts"):
        await make(
            "createSubscriptionAlert", "CreateSubscriptionAlertInput", subscriptionId=names["subscriptions"][0],
            alertType="current_usage_amount", code=f"u{mark}", thresholds=[{"value": "10"}],
        )  # fmt: skip
        await make("createCustomerWalletAlert", "CreateCustomerWalletAlertInput", walletId=names["wallets"][0],
                   alertType="wallet_balance_amount", code=f"w{mark}", thresholds=[{"value": "10"}])  # fmt: skip
    if missing("invoices") or missing("credit_notes") or missing("payments"):
        invoice = await make(
            "createInvoice", "CreateInvoiceInput", "id fees { id }", customerId=customer, currency="EUR",
            fees=[{"addOnId": names["add_ons"][0], "units": 3, "unitAmountCents": "1000",
                   "fromDatetime": "2024-01-01T00:00:00Z", "toDatetime": "2024-01-31T23:59:59Z"}],
        )  # fmt: skip
        await make(
            "createPayment", "CreatePaymentInput", invoiceId=invoice["id"], amountCents="500", reference="r",
            createdAt="2024-01-02T00:00:00Z",
        )  # fmt: skip
        await make(
            "createCreditNote", "CreateCreditNoteInput", invoiceId=invoice["id"], reason="other",
            creditAmountCents="100", items=[{"feeId": invoice["fees"][0]["id"], "amountCents": "100"}],
        )  # fmt: skip
    assert caller.organization_id is not None
    owner = UUID(caller.organization_id)
    with World(clock.now(), adopted=True, organization_id=owner) as world:
        if missing("payment_methods"):
            world.insert(
                "payment_methods", organization_id=owner, customer_id=customer, provider_method_id=f"pm-{mark}",
                provider_method_type="card", is_default=False, details={},
            )  # fmt: skip
        if missing("drafts"):
            subscription = names["subscriptions"][0]
            external = world.execute("SELECT external_id FROM subscriptions WHERE id = %s", subscription)[0][0]
            code = world.execute("SELECT code FROM billable_metrics WHERE id = %s", names["billable_metrics"][0])[0][0]
            world.event(external, code, "2024-03-05T00:00:00Z", "7")
            world.execute("UPDATE customers SET invoice_grace_period = 5 WHERE organization_id = %s", owner)
            billed = world.execute(
                "SELECT coalesce(max(to_datetime), '2024-03-01') + interval '35 days' FROM invoice_subscriptions"
                " WHERE subscription_id = %s", subscription,
            )[0][0]  # fmt: skip
            at = billed.replace(day=1, hour=1, minute=0, second=0, microsecond=0)
            async with tenant_work(Tenant(owner)) as work:
                await bill_subscriptions(work, [BillRequest((UUID(subscription),), at, "subscription_periodic")])
