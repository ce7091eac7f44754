"""Add-ons, taxes put on them and on customers, and pricing units over GraphQL."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.graphql_api.conftest import Caller

FIELDS = """id name code invoiceDisplayName description amountCents amountCurrency appliedAddOnsCount customersCount
    taxes { id code } organization { id }"""
CREATE = f"mutation($input: CreateAddOnInput!) {{ createAddOn(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation($input: UpdateAddOnInput!) {{ updateAddOn(input: $input) {{ {FIELDS} }} }}"
DESTROY = "mutation($input: DestroyAddOnInput!) { destroyAddOn(input: $input) { id } }"
SHOW = f"query($id: ID!) {{ addOn(id: $id) {{ {FIELDS} }} }}"
TAX = "mutation($input: TaxCreateInput!) { createTax(input: $input) { id code } }"
COUNTS = "query($id: ID!) { tax(id: $id) { addOnsCount chargesCount customersCount plansCount appliedToOrganization } }"
UNIT = "id name code shortName description"
CREATE_UNIT = f"mutation($input: CreatePricingUnitInput!) {{ createPricingUnit(input: $input) {{ {UNIT} }} }}"
UPDATE_UNIT = f"mutation($input: UpdatePricingUnitInput!) {{ updatePricingUnit(input: $input) {{ {UNIT} }} }}"
SHOW_UNIT = f"query($id: ID!) {{ pricingUnit(id: $id) {{ {UNIT} }} }}"


def some(word: str) -> str:
    return f"{word}-{uuid4().hex[:8]}"


def terms(**fields: Any) -> dict[str, Any]:
    return {"name": "Setup", "code": some("setup"), "amountCents": "50000", "amountCurrency": "EUR", **fields}


async def tax(caller: Caller) -> dict[str, Any]:
    made = await caller.data(TAX, {"input": {"name": "Tax", "code": some("tax"), "rate": 12.5}})
    return made["createTax"]  # type: ignore[no-any-return]


async def test_an_add_on_is_made_changed_listed_and_deleted(admin: Caller) -> None:
    vat, eco = await tax(admin), await tax(admin)
    wanted = terms(description="once", invoiceDisplayName="Set-up", taxCodes=[eco["code"], vat["code"]])
    add_on = (await admin.data(CREATE, {"input": wanted}))["createAddOn"]
    assert add_on.items() >= {
        "name": "Setup", "code": wanted["code"], "amountCents": "50000", "amountCurrency": "EUR",
        "appliedAddOnsCount": 0, "customersCount": 0, "taxes": [eco, vat], "description": "once",
        "organization": {"id": admin.organization_id},
    }.items()  # fmt: skip
    assert (await admin.data(SHOW, {"id": add_on["id"]}))["addOn"] == add_on
    change = terms(id=add_on["id"], code=wanted["code"], name="New", taxCodes=[])
    changed = (await admin.data(UPDATE, {"input": change}))["updateAddOn"]
    assert (changed["name"], changed["taxes"], changed["description"]) == ("New", [], "once")
    query = "query($term: String) { addOns(searchTerm: $term) { collection { id } metadata { totalCount } } }"
    found = (await admin.data(query, {"term": wanted["code"]}))["addOns"]
    assert found == {"collection": [{"id": add_on["id"]}], "metadata": {"totalCount": 1}}
    assert (await admin.data(DESTROY, {"input": {"id": add_on["id"]}}))["destroyAddOn"]["id"] == add_on["id"]
    assert (await admin.error(SHOW, {"id": add_on["id"]}))["details"] == {"addOn": ["not_found"]}


async def test_what_one_off_invoices_billed_is_applied_to_the_customer(admin: Caller) -> None:
    add_on = (await admin.data(CREATE, {"input": terms()}))["createAddOn"]
    create = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { id appliedAddOns { id } } }"
    customer = (await admin.data(create, {"input": {"externalId": some("customer"), "currency": "EUR"}}))[
        "createCustomer"
    ]
    assert customer["appliedAddOns"] == []
    invoice = "mutation($input: CreateInvoiceInput!) { createInvoice(input: $input) { id fees { id } } }"
    line = {"addOnId": add_on["id"], "fromDatetime": "2024-03-01T00:00:00Z", "toDatetime": "2024-03-01T00:00:00Z"}
    lines = [{**line, "units": 3}, {**line, "unitAmountCents": "700"}]
    asked = {"customerId": customer["id"], "currency": "EUR", "fees": lines}
    fees = (await admin.data(invoice, {"input": asked}))["createInvoice"]["fees"]
    shown = """query($id: ID!) { customer(id: $id) { appliedAddOns {
        id amountCents amountCurrency createdAt addOn { id code appliedAddOnsCount customersCount } } } }"""
    applied = (await admin.data(shown, {"id": customer["id"]}))["customer"]["appliedAddOns"]
    assert {each["id"] for each in applied} == {each["id"] for each in fees}
    assert sorted(each["amountCents"] for each in applied) == ["150000", "700"]
    counted = {"id": add_on["id"], "code": add_on["code"], "appliedAddOnsCount": 2, "customersCount": 1}
    assert {each["amountCurrency"] for each in applied} == {"EUR"}
    assert [each["addOn"] for each in applied] == [counted, counted]
    void = "mutation($input: VoidInvoiceInput!) { voidInvoice(input: $input) { id } }"
    made = (await admin.data("query { invoices(limit: 1) { collection { id } } }", {}))["invoices"]["collection"][0]
    await admin.data(void, {"input": {"id": made["id"]}})
    assert (await admin.data(shown, {"id": customer["id"]}))["customer"]["appliedAddOns"] == []


async def test_wrong_add_ons_are_refused(admin: Caller) -> None:
    error = await admin.error(CREATE, {"input": terms(amountCents="0", name=" ")})
    assert error["details"] == {"amountCents": ["value_is_out_of_range"], "name": ["value_is_mandatory"]}
    error = await admin.error(CREATE, {"input": terms(taxCodes=["nothing"])})
    assert error["details"] == {"tax": ["not_found"]}


async def test_another_organizations_add_on_is_not_found(admin: Caller, stranger: Caller) -> None:
    add_on = (await admin.data(CREATE, {"input": terms()}))["createAddOn"]
    for query, variables in (
        (SHOW, {"id": add_on["id"]}),
        (UPDATE, {"input": terms(id=add_on["id"])}),
        (DESTROY, {"input": {"id": add_on["id"]}}),
    ):
        assert (await stranger.error(query, variables))["code"] == "not_found"


async def test_a_tax_counts_what_it_is_on(admin: Caller) -> None:
    vat = await tax(admin)
    await admin.data(CREATE, {"input": terms(taxCodes=[vat["code"]])})
    create = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { id taxes { id code } } }"
    update = "mutation($input: UpdateCustomerInput!) { updateCustomer(input: $input) { taxes { code } } }"
    external_id = some("customer")
    wanted = {"externalId": external_id, "taxCodes": [vat["code"]]}
    customer = (await admin.data(create, {"input": wanted}))["createCustomer"]
    assert customer["taxes"] == [vat]
    assert (await admin.data(COUNTS, {"id": vat["id"]}))["tax"] == {
        "addOnsCount": 1, "chargesCount": 0, "customersCount": 1, "plansCount": 0, "appliedToOrganization": False,
    }  # fmt: skip
    wanted = {"id": customer["id"], "externalId": external_id}
    assert (await admin.data(update, {"input": wanted}))["updateCustomer"]["taxes"] == [{"code": vat["code"]}]
    assert (await admin.data(update, {"input": {**wanted, "taxCodes": []}}))["updateCustomer"]["taxes"] == []
    assert (await admin.data(COUNTS, {"id": vat["id"]}))["tax"]["customersCount"] == 0
    error = await admin.error(create, {"input": {"externalId": some("customer"), "taxCodes": ["nothing"]}})
    assert error["details"] == {"tax": ["not_found"]}


async def test_a_pricing_unit_is_made_changed_and_listed(admin: Caller) -> None:
    wanted = {"name": "Credits", "code": some("credits"), "shortName": "CR", "description": "d"}
    unit = (await admin.data(CREATE_UNIT, {"input": wanted}))["createPricingUnit"]
    assert unit.items() >= wanted.items()
    change = {"id": unit["id"], "shortName": "TOK", "description": None}
    changed = (await admin.data(UPDATE_UNIT, {"input": change}))["updatePricingUnit"]
    assert changed == {**unit, "shortName": "TOK", "description": None}
    assert (await admin.data(SHOW_UNIT, {"id": unit["id"]}))["pricingUnit"] == changed
    query = "query($term: String) { pricingUnits(searchTerm: $term) { collection { id } metadata { totalCount } } }"
    found = (await admin.data(query, {"term": wanted["code"]}))["pricingUnits"]
    assert found == {"collection": [{"id": unit["id"]}], "metadata": {"totalCount": 1}}
    error = await admin.error(CREATE_UNIT, {"input": wanted})
    assert error["details"] == {"code": ["value_already_exist"]}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("shortName", "ABCD", "value_is_too_long"),
        ("shortName", "", "value_is_mandatory"),
        ("name", " ", "value_is_mandatory"),
        ("description", "x" * 601, "value_is_too_long"),
    ],
)
async def test_wrong_pricing_units_are_refused(admin: Caller, field: str, value: str, code: str) -> None:
    wanted = {"name": "Credits", "code": some("credits"), "shortName": "CR"}
    error = await admin.error(CREATE_UNIT, {"input": {**wanted, field: value}})
    assert error["details"] == {field: [code]}
    unit = (await admin.data(CREATE_UNIT, {"input": wanted}))["createPricingUnit"]
    error = await admin.error(UPDATE_UNIT, {"input": {"id": unit["id"], field: value}})
    assert error["details"] == {field: [code]}


async def test_another_organizations_pricing_unit_is_not_found(admin: Caller, stranger: Caller) -> None:
    wanted = {"name": "Credits", "code": some("credits"), "shortName": "CR"}
    unit = (await admin.data(CREATE_UNIT, {"input": wanted}))["createPricingUnit"]
    assert (await stranger.error(UPDATE_UNIT, {"input": {"id": unit["id"], "name": "x"}}))["code"] == "not_found"
    body = await stranger.ask(SHOW_UNIT, {"id": unit["id"]})
    assert body["errors"][0]["extensions"]["details"] == {"pricingUnit": ["not_found"]}
    await stranger.data(CREATE_UNIT, {"input": wanted})
