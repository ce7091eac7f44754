"""Analytics over GraphQL."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

FIGURES = """
    query Figures($currency: CurrencyEnum, $entity: String) {
        grossRevenues(currency: $currency, billingEntityCode: $entity, months: 2, expireCache: true) {
            collection { month amountCents currency invoicesCount billingEntityId } metadata { totalCount totalPages }
        }
        mrrs(currency: $currency, billingEntityCode: $entity) { collection { month amountCents currency } }
        invoiceCollections(currency: $currency, billingEntityCode: $entity, isCustomerTinEmpty: true) {
            collection { month paymentStatus invoicesCount amountCents currency }
        }
        invoicedUsages(currency: $currency, billingEntityCode: $entity) {
            collection { month code amountCents currency }
        }
        overdueBalances(currency: $currency, billingEntityCode: $entity, externalCustomerId: "customer-1") {
            collection { month amountCents currency lagoInvoiceIds billingEntityId }
        }
    }
"""
MARCH, FEBRUARY = "2024-03-01T00:00:00Z", "2024-02-01T00:00:00Z"


async def test_figures_of_a_month(admin: Caller) -> None:
    assert admin.organization_id
    with World(instant(MARCH), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.execute(
            "UPDATE organizations SET created_at = '2024-02-10', sandbox = true, frozen_at = %s WHERE id = %s",
            world.now, world.organization_id,
        )  # fmt: skip
        plan = world.plan(10_000)
        world.charge(plan, world.metric("calls"), "standard", {"amount": "10"})
        subscription = world.subscription(world.customer(), plan, FEBRUARY, external_id="s")
        world.event("s", "calls", "2024-02-05T00:00:00Z", "3")
        async with tenant_work(world.tenant) as work:
            request = BillRequest((subscription,), world.now, "subscription_periodic")
            (invoice_id,) = await bill_subscriptions(work, [request])
        world.execute("UPDATE invoices SET payment_overdue = true WHERE id = %s", invoice_id)
        found = await admin.data(FIGURES)
        entity = admin.organization_id
        assert found["grossRevenues"] == {
            "collection": [{"month": MARCH, "amountCents": "13000", "currency": "USD", "invoicesCount": "1",
                            "billingEntityId": entity}],
            "metadata": {"totalCount": 1, "totalPages": 1},
        }  # fmt: skip
        assert found["mrrs"]["collection"] == [
            {"month": FEBRUARY, "amountCents": None, "currency": None},
            {"month": MARCH, "amountCents": "10000", "currency": "USD"},
        ]
        assert found["invoiceCollections"]["collection"] == [
            {"month": FEBRUARY, "paymentStatus": None, "invoicesCount": "0", "amountCents": "0", "currency": None},
            {"month": MARCH, "paymentStatus": "pending", "invoicesCount": "1", "amountCents": "13000",
             "currency": "USD"},
        ]  # fmt: skip
        assert found["invoicedUsages"]["collection"] == [
            {"month": MARCH, "code": "calls", "amountCents": "3000", "currency": "USD"}
        ]
        assert found["overdueBalances"]["collection"] == [
            {"month": MARCH, "amountCents": "13000", "currency": "USD", "lagoInvoiceIds": [str(invoice_id)],
             "billingEntityId": entity}
        ]  # fmt: skip
        euros = await admin.data(FIGURES, {"currency": "EUR"})
        assert euros["grossRevenues"]["collection"] == euros["overdueBalances"]["collection"] == []
        body = await admin.ask(FIGURES, {"entity": "none"})
        assert {error["extensions"]["code"] for error in body["errors"]} == {"not_found"}


@pytest.mark.parametrize("name", ["grossRevenues", "mrrs", "invoiceCollections", "invoicedUsages", "overdueBalances"])
async def test_figures_are_for_members_only(anyone: Caller, name: str) -> None:
    error = await anyone.error(f"{{ {name} {{ collection {{ month }} }} }}")
    assert error["code"] == "forbidden"
