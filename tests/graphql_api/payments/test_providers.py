"""Payment providers, and what customers are called there, over GraphQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.graphql_api.conftest import Caller

ADD = """
    mutation($input: AddStripePaymentProviderInput!) { addStripePaymentProvider(input: $input) {
        id code name secretKey successRedirectUrl supports3ds requireTermsOfServiceConsent } }
"""
UPDATE = """
    mutation($input: UpdateStripePaymentProviderInput!) { updateStripePaymentProvider(input: $input) {
        id code name successRedirectUrl supports3ds requireTermsOfServiceConsent } }
"""
DESTROY = (
    'mutation($id: ID!) { destroyPaymentProvider(input: {id: $id, clientMutationId: "7"}) { id clientMutationId } }'
)
CREATE_CUSTOMER = """
    mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { id paymentProvider paymentProviderCode
        providerCustomer { id code isDefault providerCustomerId providerPaymentMethods syncWithProvider
            paymentMethods { collection { id } metadata { totalCount } } } } }
"""
CUSTOMER = "query($id: ID!) { customer(id: $id) { paymentProvider paymentProviderCode providerCustomer { id } } }"
LOGS = """query($to: ISO8601DateTime!) { securityLogs(toDatetime: $to, logTypes: [integration]) {
    collection { logEvent resources } } }"""
FIELDS = "id code isDefault providerCustomerId providerPaymentMethods syncWithProvider"


async def added(caller: Caller, code: str, **more: Any) -> Any:
    terms = {"code": code, "name": "Stripe", "secretKey": "sk_test_1234", **more}
    return (await caller.data(ADD, {"input": terms}))["addStripePaymentProvider"]


async def customer_of(caller: Caller, **more: Any) -> Any:
    made = await caller.data(CREATE_CUSTOMER, {"input": {"externalId": uuid4().hex, **more}})
    return made["createCustomer"]


async def test_a_connection_is_added_shown_changed_and_removed(admin: Caller, stranger: Caller) -> None:
    made = await added(admin, "one", successRedirectUrl="https://hooli.example.com", supports3ds=True)
    assert made == {
        "id": made["id"], "code": "one", "name": "Stripe", "secretKey": "••••••••…234",
        "successRedirectUrl": "https://hooli.example.com", "supports3ds": True, "requireTermsOfServiceConsent": False,
    }  # fmt: skip
    by_id = """
        query($id: ID, $code: String) { paymentProvider(id: $id, code: $code) { ... on StripeProvider { id code } } }
    """
    assert (await admin.data(by_id, {"code": "one"}))["paymentProvider"]["id"] == made["id"]
    assert (await admin.data(by_id, {"id": made["id"]}))["paymentProvider"]["code"] == "one"
    assert (await stranger.error(by_id, {"id": made["id"]}))["code"] == "not_found"
    listed = """
        query($type: ProviderTypeEnum) { paymentProviders(type: $type) {
            collection { ... on StripeProvider { id } } metadata { totalCount } } }
    """
    for kind, count in (("stripe", 1), (None, 1), ("adyen", 0)):
        assert (await admin.data(listed, {"type": kind}))["paymentProviders"]["metadata"]["totalCount"] == count
    assert (await stranger.data(listed))["paymentProviders"]["collection"] == []
    organization = "{ organization { stripePaymentProviders { id } } }"
    assert (await admin.data(organization))["organization"]["stripePaymentProviders"] == [{"id": made["id"]}]
    customer = await customer_of(admin, paymentProvider="stripe", providerCustomer={"providerCustomerId": "cus_1"})
    assert customer["paymentProviderCode"] == "one"
    changed = await admin.data(UPDATE, {"input": {"id": made["id"], "code": "two", "supports3ds": False}})
    assert changed["updateStripePaymentProvider"] == {
        "id": made["id"], "code": "two", "name": "Stripe", "successRedirectUrl": "https://hooli.example.com",
        "supports3ds": False, "requireTermsOfServiceConsent": False,
    }  # fmt: skip
    assert (await admin.data(CUSTOMER, {"id": customer["id"]}))["customer"]["paymentProviderCode"] == "two"
    assert (await stranger.error(UPDATE, {"input": {"id": made["id"]}}))["code"] == "not_found"
    assert (await stranger.error(DESTROY, {"id": made["id"]}))["code"] == "not_found"
    gone = (await admin.data(DESTROY, {"id": made["id"]}))["destroyPaymentProvider"]
    assert gone == {"id": made["id"], "clientMutationId": "7"}
    assert (await admin.data(CUSTOMER, {"id": customer["id"]}))["customer"] == {
        "paymentProvider": None, "paymentProviderCode": None, "providerCustomer": None,
    }  # fmt: skip
    assert (await admin.error(DESTROY, {"id": made["id"]}))["code"] == "not_found"
    logs = await admin.data(LOGS, {"to": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()})
    about = {"integration_type": "stripe", "name": "Stripe"}
    assert {log["logEvent"]: log["resources"] for log in logs["securityLogs"]["collection"]} == {
        "integration_created": {**about, "code": "one"},
        "integration_updated": {
            **about, "code": {"deleted": "one", "added": "two"}, "supports_3ds": {"deleted": True, "added": False},
        },
        "integration_deleted": {**about, "code": "two"},
    }  # fmt: skip


async def test_what_is_no_connection_is_refused_field_by_field(admin: Caller) -> None:
    await added(admin, "taken")
    for terms, details in (
        (
            {"code": "", "name": " ", "secretKey": None, "successRedirectUrl": "javascript://x"},
            {"code": ["value_is_mandatory"], "name": ["value_is_mandatory"], "secretKey": ["value_is_mandatory"],
             "successRedirectUrl": ["value_is_invalid"]},
        ),
        ({"code": "taken", "name": "x", "secretKey": "y"}, {"code": ["value_already_exist"]}),
        ({"code": "lago_manual", "name": "x", "secretKey": "y"}, {"code": ["value_is_reserved"]}),
        (
            {"code": "long", "name": "x", "secretKey": "y", "successRedirectUrl": "https://a.example/" + "b" * 1_024},
            {"successRedirectUrl": ["value_is_too_long"]},
        ),
    ):  # fmt: skip
        assert (await admin.error(ADD, {"input": terms}))["details"] == details
    one = await added(admin, "free")
    refused = await admin.error(UPDATE, {"input": {"id": one["id"], "code": "taken", "name": "x"}})
    assert refused["details"] == {"code": ["value_already_exist"]}
    gone = [(await admin.data("{ organization { stripePaymentProviders { id } } }"))["organization"]]
    for each in gone[0]["stripePaymentProviders"]:
        await admin.data(DESTROY, {"id": each["id"]})


async def test_a_customer_has_a_name_at_its_provider(admin: Caller, stranger: Caller) -> None:
    provider = await added(admin, "main")
    made = await customer_of(
        admin,
        paymentProvider="stripe",
        paymentProviderCode="main",
        providerCustomer={"providerCustomerId": "cus_7", "providerPaymentMethods": ["card", "link"]},
    )
    holder = made["providerCustomer"]
    assert (made["paymentProvider"], made["paymentProviderCode"]) == ("stripe", "main")
    assert holder == {
        "id": holder["id"], "code": "main", "isDefault": True, "providerCustomerId": "cus_7",
        "providerPaymentMethods": ["card", "link"], "syncWithProvider": False,
        "paymentMethods": {"collection": [], "metadata": {"totalCount": 0}},
    }  # fmt: skip
    update = (
        "mutation($input: UpdatePaymentProviderCustomerInput!) { updatePaymentProviderCustomer(input: $input) { %s } }"
    )
    terms: dict[str, Any] = {"id": holder["id"], "code": "eu", "syncWithProvider": True}
    changed = (await admin.data(update % FIELDS, {"input": terms}))["updatePaymentProviderCustomer"]
    assert (changed["code"], changed["syncWithProvider"]) == ("eu", True)
    assert (await stranger.error(update % FIELDS, {"input": {"id": holder["id"]}}))["code"] == "not_found"
    reserved = await admin.error(update % FIELDS, {"input": {"id": holder["id"], "code": "lago_manual"}})
    assert reserved["details"] == {"code": ["value_is_reserved"]}
    default = "mutation($id: ID!) { setPaymentProviderCustomerAsDefault(input: {id: $id}) { id isDefault } }"
    assert (await admin.data(default, {"id": holder["id"]}))["setPaymentProviderCustomerAsDefault"]["isDefault"] is True
    destroy = "mutation($id: ID!) { destroyPaymentProviderCustomer(input: {id: $id}) { id } }"
    assert (await stranger.error(destroy, {"id": holder["id"]}))["code"] == "not_found"
    assert (await admin.data(destroy, {"id": holder["id"]}))["destroyPaymentProviderCustomer"]["id"] == holder["id"]
    assert (await admin.data(CUSTOMER, {"id": made["id"]}))["customer"]["paymentProvider"] is None
    create = """
        mutation($input: CreatePaymentProviderCustomerInput!) { createPaymentProviderCustomer(input: $input) {
            code isDefault providerPaymentMethods } }
    """
    terms = {"customerId": made["id"], "paymentProvider": "stripe", "paymentProviderCode": "main",
             "providerCustomerId": "cus_8"}  # fmt: skip
    second = (await admin.data(create, {"input": terms}))["createPaymentProviderCustomer"]
    assert (second["code"], second["isDefault"], second["providerPaymentMethods"]) == ("main", True, ["card"])
    assert (await admin.data(CUSTOMER, {"id": made["id"]}))["customer"]["paymentProviderCode"] == "main"
    assert (await admin.error(create, {"input": terms}))["details"] in (
        {"code": ["value_already_exist"]}, {"paymentProvider": ["value_already_exist"]},
    )  # fmt: skip
    assert (await stranger.error(create, {"input": terms}))["code"] == "not_found"
    unknown = terms | {"paymentProviderCode": "none"}
    assert (await admin.error(create, {"input": unknown}))["details"] == {"paymentProvider": ["not_found"]}
    await admin.data(DESTROY, {"id": provider["id"]})
