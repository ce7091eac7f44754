"""Filters, fixed charges, commitments, thresholds and prices of a subscription's own over GraphQL."""

from __future__ import annotations

from typing import Any

from tests.graphql_api.catalog.test_catalog import CREATE_METRIC, plan_input
from tests.graphql_api.conftest import Caller

PROPERTIES = """
    amount fixedAmount freeUnits freeUnitsPerEvents freeUnitsPerTotalAggregation packageSize perTransactionMaxAmount
    perTransactionMinAmount pricingGroupKeys rate customProperties
    presentationGroupKeys { value options { displayInInvoice } }
    graduatedRanges { fromValue toValue perUnitAmount flatAmount }
    graduatedPercentageRanges { fromValue toValue rate flatAmount }
    volumeRanges { fromValue toValue perUnitAmount flatAmount }
"""
FIXED = """
    id code units chargeModel payInAdvance prorated invoiceDisplayName parentId addOn { id code } taxes { code }
    properties { amount volumeRanges { fromValue toValue } graduatedRanges { toValue } }
"""
CHARGE = f"""
    id code chargeModel payInAdvance prorated invoiceable regroupPaidFees minAmountCents parentId taxes {{ code }}
    properties {{ {PROPERTIES} }} filters {{ id chargeCode invoiceDisplayName values properties {{ {PROPERTIES} }} }}
    appliedPricingUnit {{ conversionRate pricingUnit {{ code }} }}
"""
PLAN = f"""
    id code billFixedChargesMonthly fixedChargesCount hasFixedCharges metadata {{ key value }} taxes {{ code }}
    minimumCommitment {{ amountCents commitmentType invoiceDisplayName taxes {{ code }} plan {{ id }} }}
    usageThresholds {{ amountCents recurring thresholdDisplayName }} applicableUsageThresholds {{ amountCents }}
    charges {{ {CHARGE} }} fixedCharges {{ {FIXED} }}
"""
CREATE = f"mutation M($input: CreatePlanInput!) {{ createPlan(input: $input) {{ {PLAN} }} }}"


async def sold(caller: Caller, name: str) -> dict[str, Any]:
    """A plan with everything; `name` keeps the codes of this test apart."""
    metric_input = {
        "name": name, "code": name, "description": "", "aggregationType": "sum_agg", "fieldName": "n",
        "filters": [{"key": "region", "values": ["eu", "us"]}],
    }  # fmt: skip
    metric = (await caller.data(CREATE_METRIC, {"input": metric_input}))["createBillableMetric"]
    add_on = (
        await caller.data(
            "mutation M($input: CreateAddOnInput!) { createAddOn(input: $input) { id } }",
            {"input": {"name": name, "code": name, "amountCents": "5", "amountCurrency": "EUR", "description": ""}},
        )
    )["createAddOn"]
    await caller.data(
        "mutation M($input: TaxCreateInput!) { createTax(input: $input) { id } }",
        {"input": {"name": name, "code": name, "rate": 20}},
    )
    unit = {"name": name, "code": name, "shortName": "CR"}
    await caller.data(
        "mutation M($input: CreatePricingUnitInput!) { createPricingUnit(input: $input) { id } }", {"input": unit}
    )
    charge = {
        "billableMetricId": metric["id"], "chargeModel": "percentage", "taxCodes": [name],
        "properties": {
            "rate": "1.5", "fixedAmount": "0.1", "freeUnitsPerEvents": "3", "pricingGroupKeys": ["team"],
            "presentationGroupKeys": [{"value": "user", "options": {"displayInInvoice": True}}],
        },
        "appliedPricingUnit": {"code": name, "conversionRate": 0.25},
        "filters": [{"values": {"region": ["eu"]}, "properties": {"rate": "2"}, "invoiceDisplayName": "Europe"}],
    }  # fmt: skip
    ahead = {
        "billableMetricId": metric["id"], "chargeModel": "standard", "payInAdvance": True, "invoiceable": False,
        "regroupPaidFees": "invoice", "properties": {"amount": "1"},
    }  # fmt: skip
    volume = [{"fromValue": "0", "toValue": None, "perUnitAmount": "1", "flatAmount": "0"}]
    wanted = plan_input(
        interval="yearly",
        billFixedChargesMonthly=True,
        charges=[charge, ahead],
        fixedCharges=[
            {
                "addOnId": add_on["id"], "chargeModel": "volume", "units": "2.5", "prorated": True,
                "properties": {"volumeRanges": volume}, "taxCodes": [name],
            }
        ],
        minimumCommitment={"amountCents": "900", "commitmentType": "minimum_commitment", "taxCodes": [name]},
        usageThresholds=[{"amountCents": "100", "thresholdDisplayName": "First"}],
        taxCodes=[name],
        metadata=[{"key": "a", "value": "b"}],
    )  # fmt: skip
    return (await caller.data(CREATE, {"input": wanted}))["createPlan"]  # type: ignore[no-any-return]


async def test_a_plan_with_everything_is_made_and_shown(admin: Caller) -> None:
    made = await sold(admin, "everything")
    tax = [{"code": "everything"}]
    assert (made["taxes"], made["metadata"]) == (tax, [{"key": "a", "value": "b"}])
    assert (made["billFixedChargesMonthly"], made["fixedChargesCount"], made["hasFixedCharges"]) == (True, 1, True)
    commitment = made["minimumCommitment"]
    assert (commitment["amountCents"], commitment["taxes"], commitment["plan"]["id"]) == ("900", tax, made["id"])
    assert made["usageThresholds"] == [{"amountCents": "100", "recurring": False, "thresholdDisplayName": "First"}]
    assert made["applicableUsageThresholds"] == [{"amountCents": "100"}]
    first, second = made["charges"]
    assert (first["properties"]["rate"], first["properties"]["freeUnitsPerEvents"]) == ("1.5", "3")
    assert first["properties"]["pricingGroupKeys"] == ["team"]
    assert first["properties"]["presentationGroupKeys"] == [{"value": "user", "options": {"displayInInvoice": True}}]
    assert first["appliedPricingUnit"] == {"conversionRate": 0.25, "pricingUnit": {"code": "everything"}}
    assert (first["taxes"], first["filters"][0]["values"]) == (tax, {"region": ["eu"]})
    assert first["filters"][0]["properties"]["rate"] == "2"
    assert (second["payInAdvance"], second["invoiceable"], second["regroupPaidFees"]) == (True, False, "invoice")
    [fixed] = made["fixedCharges"]
    assert (fixed["units"], fixed["prorated"], fixed["taxes"], fixed["addOn"]["code"]) == (
        "2.5", True, tax, "everything",
    )  # fmt: skip
    assert fixed["properties"]["volumeRanges"] == [{"fromValue": "0", "toValue": None}]


async def test_filters_and_fixed_charges_are_edited_one_by_one(admin: Caller, stranger: Caller) -> None:
    made = await sold(admin, "single")
    charge = made["charges"][0]
    create = "mutation M($input: ChargeFilterCreateInput!) { createChargeFilter(input: $input) { id values } }"
    new = {"chargeId": charge["id"], "values": {"region": ["us"]}, "properties": {"rate": "9"}}
    one = (await admin.data(create, {"input": new}))["createChargeFilter"]
    assert one["values"] == {"region": ["us"]}
    update = """
        mutation M($input: ChargeFilterUpdateInput!) { updateChargeFilter(input: $input) { id properties { rate } } }
    """
    change = {"id": one["id"], "properties": {"rate": "8"}}
    assert (await admin.data(update, {"input": change}))["updateChargeFilter"]["properties"] == {"rate": "8"}
    assert (await stranger.error(update, {"input": change}))["details"] == {"chargeFilter": ["not_found"]}
    destroy = "mutation M($input: DestroyChargeFilterInput!) { destroyChargeFilter(input: $input) { id } }"
    assert (await admin.data(destroy, {"input": {"id": one["id"]}}))["destroyChargeFilter"]["id"] == one["id"]
    fixed = made["fixedCharges"][0]
    update = f"mutation M($input: FixedChargeUpdateInput!) {{ updateFixedCharge(input: $input) {{ {FIXED} }} }}"
    change = {"id": fixed["id"], "units": "4", "chargeModel": "standard", "properties": {"amount": "3"}}
    edited = (await admin.data(update, {"input": change}))["updateFixedCharge"]
    assert (edited["units"], edited["chargeModel"], edited["properties"]["amount"]) == ("4.0", "standard", "3")
    create = "mutation M($input: FixedChargeCreateInput!) { createFixedCharge(input: $input) { id code } }"
    another = {"planId": made["id"], "addOnId": fixed["addOn"]["id"], "chargeModel": "standard", "code": "x"}
    second = (await admin.data(create, {"input": another}))["createFixedCharge"]
    destroy = "mutation M($input: DestroyFixedChargeInput!) { destroyFixedCharge(input: $input) { id } }"
    assert (await admin.data(destroy, {"input": {"id": second["id"]}}))["destroyFixedCharge"]["id"] == second["id"]


async def test_a_subscription_gets_prices_of_its_own(admin: Caller) -> None:
    made = await sold(admin, "own")
    customer = await admin.data(
        "mutation M($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }",
        {"input": {"externalId": "own", "name": "Own"}},
    )
    subscribe = f"""
        mutation M($input: CreateSubscriptionInput!) {{
            createSubscription(input: $input) {{ id plan {{ parent {{ id }} {PLAN} }} fixedCharges {{ {FIXED} }} }}
        }}
    """
    overrides = {"fixedCharges": [{"id": made["fixedCharges"][0]["id"], "units": "7"}]}
    wanted = {
        "customerId": customer["createCustomer"]["id"], "planId": made["id"], "billingTime": "calendar",
        "planOverrides": overrides,
    }  # fmt: skip
    subscription = (await admin.data(subscribe, {"input": wanted}))["createSubscription"]
    assert (subscription["plan"]["id"], subscription["fixedCharges"][0]["units"]) == (made["id"], "7.0")
    code = made["charges"][1]["code"]
    update = f"""
        mutation M($input: UpdateSubscriptionChargeInput!) {{ updateSubscriptionCharge(input: $input) {{ {CHARGE} }} }}
    """
    change = {"subscriptionId": subscription["id"], "chargeCode": code, "properties": {"amount": "6"}}
    charge = (await admin.data(update, {"input": change}))["updateSubscriptionCharge"]
    assert (charge["parentId"], charge["properties"]["amount"]) == (made["charges"][1]["id"], "6")
    named = {"subscriptionId": subscription["id"], "chargeCode": code, "values": {"region": ["us"]}}
    create = """
        mutation M($input: CreateSubscriptionChargeFilterInput!) {
            createSubscriptionChargeFilter(input: $input) { id values properties { amount } }
        }
    """
    one = await admin.data(create, {"input": {**named, "properties": {"amount": "3"}}})
    assert one["createSubscriptionChargeFilter"]["properties"] == {"amount": "3"}
    update = create.replace("Create", "Update").replace("create", "update")
    one = await admin.data(update, {"input": {**named, "properties": {"amount": "4"}}})
    assert one["updateSubscriptionChargeFilter"]["properties"] == {"amount": "4"}
    destroy = create.replace("Create", "Destroy").replace("create", "destroy")
    assert (await admin.data(destroy, {"input": named}))["destroySubscriptionChargeFilter"]["values"]
    assert (await admin.error(destroy, {"input": named}))["details"] == {"chargeFilter": ["not_found"]}
    update = f"""
        mutation M($input: UpdateSubscriptionFixedChargeInput!) {{
            updateSubscriptionFixedCharge(input: $input) {{ {FIXED} }}
        }}
    """
    change = {"subscriptionId": subscription["id"], "fixedChargeCode": made["fixedCharges"][0]["code"], "units": "8"}
    fixed = (await admin.data(update, {"input": change}))["updateSubscriptionFixedCharge"]
    assert (fixed["units"], fixed["parentId"]) == ("8.0", made["fixedCharges"][0]["id"])
