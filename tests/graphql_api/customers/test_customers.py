"""Customers over GraphQL."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.graphql_api.conftest import Caller

FIELDS = """
    id externalId sequentialId slug name firstname lastname displayName customerType accountType email phone url logoUrl
    legalName legalNumber taxIdentificationNumber addressLine1 addressLine2 city state zipcode country currency timezone
    applicableTimezone netPaymentTerm invoiceGracePeriod finalizeZeroAmountInvoice externalSalesforceId deletedAt
    shippingAddress { addressLine1 city country zipcode }
    billingConfiguration {
        id documentLocale subscriptionInvoiceIssuingDateAnchor subscriptionInvoiceIssuingDateAdjustment
    }
    metadata { id key value displayInInvoice } activeSubscriptionsCount canEditAttributes hasOverdueInvoices
    subscriptions { id }
"""
CREATE = f"mutation M($input: CreateCustomerInput!) {{ createCustomer(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation M($input: UpdateCustomerInput!) {{ updateCustomer(input: $input) {{ {FIELDS} }} }}"
DESTROY = "mutation M($input: DestroyCustomerInput!) { destroyCustomer(input: $input) { id clientMutationId } }"
CUSTOMER = f"query Q($id: ID, $externalId: ID) {{ customer(id: $id, externalId: $externalId) {{ {FIELDS} }} }}"
CUSTOMERS = f"""
    query Q(
        $term: String, $countries: [CountryCode!], $currencies: [CurrencyEnum!], $type: [CustomerAccountTypeEnum!],
        $from: Int, $to: Int, $metadata: [CustomerMetadataFilter!], $deleted: Boolean, $entities: [ID!], $limit: Int
    ) {{
        customers(
            searchTerm: $term, countries: $countries, currencies: $currencies, accountType: $type,
            activeSubscriptionsCountFrom: $from, activeSubscriptionsCountTo: $to, metadata: $metadata,
            withDeleted: $deleted, billingEntityIds: $entities, limit: $limit
        ) {{ collection {{ {FIELDS} }} metadata {{ totalCount }} }}
    }}
"""


def external_id() -> str:
    return f"x{uuid4().hex[:12]}"


async def made(caller: Caller, **fields: Any) -> Any:
    sent = {"externalId": external_id(), **fields}
    return (await caller.data(CREATE, {"input": sent}))["createCustomer"]


async def test_a_customer_is_made_edited_shown_and_destroyed(admin: Caller) -> None:
    customer = await made(
        admin, name="Hooli", firstname="Gavin", lastname="Belson", customerType="company", accountType="customer",
        country="FR", currency="EUR", timezone="TZ_EUROPE_PARIS", netPaymentTerm=30, invoiceGracePeriod=3,
        finalizeZeroAmountInvoice="skip", shippingAddress={"city": "Lyon", "country": "DE"},
        billingConfiguration={"documentLocale": "fr", "subscriptionInvoiceIssuingDateAnchor": "current_period_end"},
        metadata=[{"key": "crm", "value": "42", "displayInInvoice": True}],
    )  # fmt: skip
    assert customer["displayName"] == "Hooli - Gavin Belson"
    assert (customer["timezone"], customer["applicableTimezone"]) == ("TZ_EUROPE_PARIS", "TZ_EUROPE_PARIS")
    assert (customer["netPaymentTerm"], customer["invoiceGracePeriod"]) == (30, 3)
    assert customer["shippingAddress"] == {"addressLine1": None, "city": "Lyon", "country": "DE", "zipcode": None}
    assert customer["billingConfiguration"] == {
        "id": f"{customer['id']}-c0nf", "documentLocale": "fr",
        "subscriptionInvoiceIssuingDateAnchor": "current_period_end",
        "subscriptionInvoiceIssuingDateAdjustment": None,
    }  # fmt: skip
    assert [(m["key"], m["value"]) for m in customer["metadata"]] == [("crm", "42")]
    assert (customer["canEditAttributes"], customer["activeSubscriptionsCount"]) == (True, 0)
    new = external_id()
    change = {"id": customer["id"], "externalId": new, "name": None, "metadata": []}
    changed = (await admin.data(UPDATE, {"input": change}))["updateCustomer"]
    assert (changed["externalId"], changed["name"], changed["currency"]) == (new, None, "EUR")
    assert changed["metadata"] == []
    assert (await admin.data(CUSTOMER, {"externalId": new}))["customer"] == changed
    assert (await admin.data(CUSTOMER, {"id": customer["id"]}))["customer"] == changed
    gone = await admin.data(DESTROY, {"input": {"id": customer["id"], "clientMutationId": "m"}})
    assert gone["destroyCustomer"] == {"id": customer["id"], "clientMutationId": "m"}
    assert (await admin.error(CUSTOMER, {"id": customer["id"]}))["details"] == {"customer": ["not_found"]}


async def test_an_external_id_is_taken_once(admin: Caller) -> None:
    first, second = await made(admin), await made(admin)
    taken = {"externalId": ["value_already_exist"]}
    assert (await admin.error(CREATE, {"input": {"externalId": first["externalId"]}}))["details"] == taken
    change = {"id": second["id"], "externalId": first["externalId"]}
    assert (await admin.error(UPDATE, {"input": change}))["details"] == taken


async def test_wrong_values_are_422_with_camel_case_fields(admin: Caller) -> None:
    sent = {
        "externalId": " ", "netPaymentTerm": -1, "email": "nobody", "logoUrl": "javascript:1",
        "billingConfiguration": {"documentLocale": "xx"},
    }  # fmt: skip
    error = await admin.error(CREATE, {"input": sent})
    assert (error["status"], error["code"]) == (422, "unprocessable_entity")
    assert error["details"] == {
        "externalId": ["value_is_mandatory"],
        "netPaymentTerm": ["value_is_out_of_range"],
        "email": ["invalid_email_format"],
        "logoUrl": ["url_is_invalid"],
        "documentLocale": ["not_a_valid_language_code"],
    }


@pytest.mark.parametrize("field", ["integrationCustomers"])
async def test_fields_that_are_not_acted_on_are_not_offered(admin: Caller, field: str) -> None:
    body = await admin.ask(CREATE, {"input": {"externalId": "x", field: None}})
    assert field in body["errors"][0]["message"]


async def test_a_query_without_any_id_finds_nobody(admin: Caller) -> None:
    assert (await admin.error(CUSTOMER))["status"] == 404
    assert (await admin.error(CUSTOMER, {"id": "nonsense"}))["status"] == 404


async def test_customers_are_filtered(stranger: Caller) -> None:
    a = await made(
        stranger, name="Hooli", country="FR", currency="EUR",
        metadata=[{"key": "crm", "value": "42", "displayInInvoice": False}],
    )  # fmt: skip
    b = await made(stranger, name="Raviga", country="US", currency="USD", accountType="partner")
    gone = await made(stranger, name="Pied Piper")
    await stranger.data(DESTROY, {"input": {"id": gone["id"]}})

    async def found(**variables: Any) -> list[str]:
        return [one["id"] for one in (await stranger.data(CUSTOMERS, variables))["customers"]["collection"]]

    assert await found() == [b["id"], a["id"]]
    assert await found(deleted=True) == [gone["id"], b["id"], a["id"]]
    assert await found(term="hoo") == [a["id"]]
    assert await found(countries=["US", "DE"]) == [b["id"]]
    assert await found(currencies=["EUR"]) == [a["id"]]
    assert await found(type=["partner"]) == [b["id"]]
    assert await found(metadata=[{"key": "crm", "value": "42"}]) == [a["id"]]
    assert await found(metadata=[{"key": "crm", "value": ""}]) == [b["id"]]
    assert await found(**{"from": 1}) == []
    assert await found(to=0) == [b["id"], a["id"]]
    assert await found(entities=[stranger.organization_id]) == [b["id"], a["id"]]
    assert await found(limit=1) == [b["id"]]


async def test_a_list_with_all_that_hangs_on_it_costs_a_fixed_number_of_statements(
    admin: Caller, statements: list[str]
) -> None:
    costs = []
    for count in (1, 10):
        for _ in range(count):
            await made(admin, metadata=[{"key": "k", "value": "v", "displayInInvoice": False}])
        statements.clear()
        await admin.data(CUSTOMERS, {"limit": 100})
        costs.append(len(statements))
    assert costs[0] == costs[1]


async def test_another_organization_sees_and_changes_nothing(admin: Caller, stranger: Caller) -> None:
    customer = await made(admin)
    for document, variables in (
        (CUSTOMER, {"id": customer["id"]}),
        (CUSTOMER, {"externalId": customer["externalId"]}),
        (UPDATE, {"input": {"id": customer["id"], "externalId": "y"}}),
        (DESTROY, {"input": {"id": customer["id"]}}),
    ):
        assert (await stranger.error(document, variables))["status"] == 404
    assert (await made(stranger, externalId=customer["externalId"]))["id"] != customer["id"]


async def test_nobody_without_an_organization_reads_customers(anyone: Caller) -> None:
    assert (await anyone.error(CUSTOMERS))["code"] == "forbidden"
