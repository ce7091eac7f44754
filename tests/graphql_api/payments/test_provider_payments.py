"""What a payment provider adds to payments, methods and customers, and its pages, over GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.payments.methods import learn_method
from domain.payments.providers.customers import provider_customers_of
from domain.payments.providers.gateway import RemoteMethod
from infrastructure.settings import settings
from tests.domain.billing.world import World, instant
from tests.domain.payments.test_remind import owing
from tests.graphql_api.conftest import Caller
from tests.graphql_api.payments.test_providers import added, customer_of
from tests.stripe_server import StripeServer, stripe_server

PAYMENT = """
    query($id: ID!) { payment(id: $id) { paymentType paymentProviderType providerPaymentId paymentMethodId
        paymentProvider { ... on StripeProvider { code } } } }
"""
METHODS = """
    query($id: ID!) { customer(id: $id) { providerCustomer { paymentMethods(limit: 5) { metadata { totalCount }
        collection { id isDefault providerMethodId paymentProviderCode paymentProviderName paymentProviderType
            paymentProviderCustomerId details { brand last4 expirationMonth expirationYear type } } } } } }
"""


@pytest.fixture
def stripe(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeServer]:
    with stripe_server() as server:
        monkeypatch.setenv("TARN_STRIPE_URL", server.url)
        settings.cache_clear()
        yield server
    settings.cache_clear()


@pytest.fixture
def world(admin: Caller) -> Iterator[World]:
    organization_id = UUID(str(admin.organization_id))
    with World(instant("2024-03-01T00:10:00Z"), organization_id=organization_id, adopted=True) as world:
        yield world


async def test_a_customer_pays_through_stripe(
    admin: Caller, stranger: Caller, stripe: StripeServer, world: World
) -> None:
    provider = await added(admin, "paid", secretKey="sk_test_good")
    remote = stripe.new("cus")["id"]
    customer = await customer_of(
        admin, paymentProvider="stripe", paymentProviderCode="paid", providerCustomer={"providerCustomerId": remote}
    )
    customer_id = UUID(customer["id"])
    async with tenant_work(Tenant(world.organization_id)) as work:
        holder = (await provider_customers_of(work.session, [customer_id]))[customer_id]
        details = {"brand": "visa", "last4": "4242", "expiration_month": 4, "expiration_year": 2031}
        method_id, _ = await learn_method(work, holder, RemoteMethod("pm_ok", "card", details))
    found = (await admin.data(METHODS, {"id": customer["id"]}))["customer"]["providerCustomer"]["paymentMethods"]
    assert found == {
        "metadata": {"totalCount": 1},
        "collection": [
            {
                "id": str(method_id), "isDefault": True, "providerMethodId": "pm_ok", "paymentProviderCode": "paid",
                "paymentProviderName": "Stripe", "paymentProviderType": "stripe",
                "paymentProviderCustomerId": str(holder.id),
                "details": {"brand": "visa", "last4": "4242", "expirationMonth": "4", "expirationYear": "2031",
                            "type": "card"},
            }
        ],
    }  # fmt: skip
    invoice = str(owing(world, customer_id, 700))
    url = "mutation($id: ID!) { generatePaymentUrl(input: {invoiceId: $id}) { paymentUrl } }"
    page = (await admin.data(url, {"id": invoice}))["generatePaymentUrl"]["paymentUrl"]
    assert page == stripe.of("cs")[0]["url"]
    assert (await stranger.error(url, {"id": invoice}))["code"] == "not_found"
    card = "mutation($id: ID!) { generateCheckoutUrl(input: {customerId: $id}) { checkoutUrl } }"
    assert (await admin.data(card, {"id": customer["id"]}))["generateCheckoutUrl"]["checkoutUrl"] == (
        stripe.of("cs")[1]["url"]
    )
    stripe.faults = [403]
    refused = await admin.error(card, {"id": customer["id"]})
    assert (refused["code"], refused["details"]) == ("third_party_error", {"error": "Stripe: fault - told to fail"})
    payment = world.insert(
        "payments",
        organization_id=world.organization_id,
        customer_id=customer_id,
        invoice_id=UUID(invoice),
        payment_type="provider",
        amount_cents=700,
        amount_currency="EUR",
        status="succeeded",
        payable_payment_status="succeeded",
        payment_provider_id=UUID(provider["id"]),
        payment_provider_customer_id=holder.id,
        payment_method_id=method_id,
        provider_payment_id="pi_7",
    )
    assert (await admin.data(PAYMENT, {"id": str(payment)}))["payment"] == {
        "paymentType": "provider", "paymentProviderType": "stripe", "providerPaymentId": "pi_7",
        "paymentMethodId": str(method_id), "paymentProvider": {"code": "paid"},
    }  # fmt: skip
