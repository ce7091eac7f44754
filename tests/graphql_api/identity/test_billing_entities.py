"""Billing entities and invoice custom sections over GraphQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest_asyncio

from tests.graphql_api.conftest import Caller

CREATE_ENTITY = """
    mutation($input: CreateBillingEntityInput!) { createBillingEntity(input: $input) {
        id code name isDefault legalName legalNumber taxIdentificationNumber email phone addressLine1 addressLine2 city
        state zipcode country defaultCurrency timezone netPaymentTerm documentNumbering documentNumberPrefix
        finalizeZeroAmountInvoice euTaxManagement einvoicing emailSettings logoUrl createdAt updatedAt
        organization { canCreateBillingEntity }
        selectedInvoiceCustomSections { code }
        billingConfiguration { id documentLocale invoiceFooter invoiceGracePeriod subscriptionInvoiceIssuingDateAnchor
                               subscriptionInvoiceIssuingDateAdjustment }
    } }
"""
CREATE_SECTION = """
    mutation($input: CreateInvoiceCustomSectionInput!) { createInvoiceCustomSection(input: $input) {
        id code name displayName details description organization { name } } }
"""
CUSTOMER = """
    query($id: ID!) { customer(id: $id) {
        skipInvoiceCustomSections hasOverwrittenInvoiceCustomSectionsSelection excludeFromDunningCampaign
        configurableInvoiceCustomSections { code } billingEntity { code isDefault } } }
"""
UPDATE_CUSTOMER = "mutation($input: UpdateCustomerInput!) { updateCustomer(input: $input) { id } }"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    """Of an organization for each test: the lists here are whole ones."""
    return await sign_up()


async def section(caller: Caller, code: str, **fields: Any) -> str:
    body = {"code": code, "name": code.title(), **fields}
    return str((await caller.data(CREATE_SECTION, {"input": body}))["createInvoiceCustomSection"]["id"])


async def test_an_entity_is_made_listed_changed_and_never_deleted(admin: Caller) -> None:
    made = {
        "code": "emea", "name": "EMEA", "country": "DE", "defaultCurrency": "EUR", "timezone": "TZ_EUROPE_BERLIN",
        "documentNumbering": "per_billing_entity", "documentNumberPrefix": "de", "netPaymentTerm": 14, "phone": "49",
        "emailSettings": ["invoice_finalized"], "einvoicing": True, "city": "Berlin",
    }  # fmt: skip
    configuration = {"invoiceGracePeriod": 2, "subscriptionInvoiceIssuingDateAnchor": "current_period_end"}
    body = {**made, "billingConfiguration": configuration}
    shown = (await admin.data(CREATE_ENTITY, {"input": body}))["createBillingEntity"]
    assert {name: shown[name] for name in made} == {**made, "documentNumberPrefix": "DE"}
    assert {name: shown["billingConfiguration"][name] for name in configuration} == configuration
    assert (shown["isDefault"], shown["organization"], shown["selectedInvoiceCustomSections"]) == (
        False, {"canCreateBillingEntity": True}, [],
    )  # fmt: skip
    listed = (await admin.data("{ billingEntities { collection { code isDefault } metadata { totalCount } } }"))[
        "billingEntities"
    ]
    assert listed["metadata"] == {"totalCount": 2}
    assert [each["isDefault"] for each in listed["collection"]] == [True, False]
    chosen = await section(admin, "bank")
    update = """mutation($input: UpdateBillingEntityInput!) { updateBillingEntity(input: $input) {
        name code selectedInvoiceCustomSections { code } } }"""
    body = {"id": shown["id"], "name": "Renamed", "code": "ignored", "invoiceCustomSectionIds": [chosen]}
    assert (await admin.data(update, {"input": body}))["updateBillingEntity"] == {
        "name": "Renamed", "code": "emea", "selectedInvoiceCustomSections": [{"code": "bank"}],
    }  # fmt: skip
    destroy = 'mutation { destroyBillingEntity(input: {code: "emea"}) { code } }'
    assert (await admin.data(destroy))["destroyBillingEntity"] == {"code": listed["collection"][0]["code"]}
    assert (await admin.data('{ billingEntity(code: "emea") { name } }'))["billingEntity"] == {"name": "Renamed"}


async def test_wrong_entities_are_refused_and_strangers_see_none(admin: Caller, stranger: Caller) -> None:
    body = {"code": "x", "name": "X", "country": "US", "euTaxManagement": True, "netPaymentTerm": -1}
    error = await admin.error(CREATE_ENTITY, {"input": body})
    assert error["details"] == {
        "euTaxManagement": ["billing_entity_must_be_in_eu"], "netPaymentTerm": ["value_is_out_of_range"],
    }  # fmt: skip
    await stranger.data(CREATE_ENTITY, {"input": {"code": "theirs", "name": "T"}})
    assert (await admin.error('{ billingEntity(code: "theirs") { id } }'))["code"] == "not_found"


async def test_sections_are_made_changed_deleted_and_their_codes_used_again(admin: Caller, stranger: Caller) -> None:
    body = {"code": "iban", "name": "Bank", "displayName": "Our bank", "details": "IBAN", "description": "internal"}
    shown = (await admin.data(CREATE_SECTION, {"input": body}))["createInvoiceCustomSection"]
    assert {name: shown[name] for name in body} == body
    assert (await admin.error(CREATE_SECTION, {"input": body}))["details"] == {"code": ["value_already_exist"]}
    assert (await admin.error(CREATE_SECTION, {"input": {"code": " ", "name": ""}}))["details"] == {
        "code": ["value_is_mandatory"], "name": ["value_is_mandatory"],
    }  # fmt: skip
    one = "query($id: ID!) { invoiceCustomSection(id: $id) { code details } }"
    update = (
        "mutation($input: UpdateInvoiceCustomSectionInput!) { "
        "updateInvoiceCustomSection(input: $input) { name details } }"
    )
    changed = await admin.data(update, {"input": {"id": shown["id"], "name": "New", "details": None}})
    assert changed["updateInvoiceCustomSection"] == {"name": "New", "details": None}
    assert (await stranger.error(one, {"id": shown["id"]}))["code"] == "not_found"
    listed = "{ invoiceCustomSections { collection { code } metadata { totalCount } } }"
    assert (await admin.data(listed))["invoiceCustomSections"]["collection"] == [{"code": "iban"}]
    destroy = "mutation($id: ID!) { destroyInvoiceCustomSection(input: {id: $id}) { id } }"
    assert (await admin.data(destroy, {"id": shown["id"]}))["destroyInvoiceCustomSection"] == {"id": shown["id"]}
    assert (await admin.error(destroy, {"id": shown["id"]}))["code"] == "not_found"
    assert (await admin.data(listed))["invoiceCustomSections"]["metadata"] == {"totalCount": 0}
    await section(admin, "iban")


async def test_a_customer_has_its_own_sections_else_its_entitys_else_none(admin: Caller) -> None:
    own, of_entity = await section(admin, "own"), await section(admin, "entity")
    entity = (await admin.data(CREATE_ENTITY, {"input": {"code": "second", "name": "S"}}))["createBillingEntity"]
    update = "mutation($input: UpdateBillingEntityInput!) { updateBillingEntity(input: $input) { id } }"
    await admin.data(update, {"input": {"id": entity["id"], "invoiceCustomSectionIds": [of_entity]}})
    create = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }"
    body = {"externalId": "c", "billingEntityCode": "second", "accountType": "partner"}
    who = (await admin.data(create, {"input": body}))["createCustomer"]["id"]
    seen = []
    for fields in (
        {}, {"configurableInvoiceCustomSectionIds": [own]}, {"skipInvoiceCustomSections": True},
        {"skipInvoiceCustomSections": False},
    ):  # fmt: skip
        await admin.data(UPDATE_CUSTOMER, {"input": {"id": who, "externalId": "c", **fields}})
        shown = (await admin.data(CUSTOMER, {"id": who}))["customer"]
        assert shown["billingEntity"] == {"code": "second", "isDefault": False}
        assert shown["excludeFromDunningCampaign"] is True
        seen.append(
            (
                [each["code"] for each in shown["configurableInvoiceCustomSections"]],
                shown["hasOverwrittenInvoiceCustomSectionsSelection"],
                shown["skipInvoiceCustomSections"],
            )
        )
    assert seen == [(["entity"], False, False), (["own"], True, False), ([], False, True), (["entity"], False, False)]
    both = {
        "id": who,
        "externalId": "c",
        "configurableInvoiceCustomSectionIds": [own],
        "skipInvoiceCustomSections": True,
    }
    assert (await admin.error(UPDATE_CUSTOMER, {"input": both}))["details"] == {
        "invoiceCustomSections": ["skip_sections_and_selected_ids_sent_together"]
    }
    both = {"id": who, "externalId": "c", "configurableInvoiceCustomSectionIds": ["nothing"]}
    assert (await admin.error(UPDATE_CUSTOMER, {"input": both}))["code"] == "not_found"


async def test_the_grace_period_of_a_customer_is_set_and_left_to_the_entity(admin: Caller) -> None:
    create = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }"
    who = (await admin.data(create, {"input": {"externalId": "graced"}}))["createCustomer"]["id"]
    query = """mutation($input: UpdateCustomerInvoiceGracePeriodInput!) {
        updateCustomerInvoiceGracePeriod(input: $input) { invoiceGracePeriod externalId } }"""
    for days in (3, 0, None):
        shown = await admin.data(query, {"input": {"id": who, "invoiceGracePeriod": days}})
        assert shown["updateCustomerInvoiceGracePeriod"] == {"invoiceGracePeriod": days, "externalId": "graced"}
    error = await admin.error(query, {"input": {"id": who, "invoiceGracePeriod": -1}})
    assert error["details"] == {"invoiceGracePeriod": ["value_is_out_of_range"]}


async def test_a_subscription_selects_sections_and_its_successor_keeps_them(admin: Caller) -> None:
    chosen = await section(admin, "chosen")
    customer = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }"
    who = (await admin.data(customer, {"input": {"externalId": "c"}}))["createCustomer"]["id"]
    plan = "mutation($input: CreatePlanInput!) { createPlan(input: $input) { id } }"
    plans = []
    for code, amount in (("small", "100"), ("large", "200")):
        body = {"name": code, "code": code, "interval": "monthly", "amountCents": amount, "amountCurrency": "EUR",
                "payInAdvance": False, "charges": []}  # fmt: skip
        plans.append((await admin.data(plan, {"input": body}))["createPlan"]["id"])
    create = """mutation($input: CreateSubscriptionInput!) { createSubscription(input: $input) {
        id externalId skipInvoiceCustomSections selectedInvoiceCustomSections { code } } }"""
    body = {"customerId": who, "planId": plans[0], "billingTime": "calendar",
            "invoiceCustomSection": {"invoiceCustomSectionIds": [chosen]}}  # fmt: skip
    first = (await admin.data(create, {"input": body}))["createSubscription"]
    assert (first["skipInvoiceCustomSections"], first["selectedInvoiceCustomSections"]) == (False, [{"code": "chosen"}])
    body = {"customerId": who, "planId": plans[1], "billingTime": "calendar", "externalId": first["externalId"]}
    second = (await admin.data(create, {"input": body}))["createSubscription"]
    assert second["id"] != first["id"]
    assert second["selectedInvoiceCustomSections"] == [{"code": "chosen"}]
    update = """mutation($input: UpdateSubscriptionInput!) { updateSubscription(input: $input) {
        skipInvoiceCustomSections selectedInvoiceCustomSections { code } } }"""
    body = {"id": second["id"], "invoiceCustomSection": {"skipInvoiceCustomSections": True}}
    assert (await admin.data(update, {"input": body}))["updateSubscription"] == {
        "skipInvoiceCustomSections": True, "selectedInvoiceCustomSections": [],
    }  # fmt: skip
