"""Wallets over GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.kernel.tenancy import Tenant
from tests.background import Background, background
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

MARCH = "2024-03-01T00:10:00Z"
WALLET = """
    id name code status currency priority rateAmount billingEntityId traceable balanceCents creditsBalance
    consumedAmountCents consumedCredits ongoingBalanceCents ongoingUsageBalanceCents creditsOngoingBalance
    creditsOngoingUsageBalance invoiceRequiresSuccessfulPayment paidTopUpMinAmountCents paidTopUpMaxAmountCents
    paidTopUpMinCredits paidTopUpMaxCredits purchaseOrderNumber skipInvoiceCustomSections metadata { key value }
    paymentMethodType
    expirationAt lastBalanceSyncAt lastConsumedCreditAt lastOngoingBalanceSyncAt terminatedAt createdAt updatedAt
    customer { externalId hasActiveWallet } appliesTo { feeTypes billableMetrics { code } }
    recurringTransactionRules {
        lagoId trigger interval method paidCredits grantedCredits grantsTargetTopUp thresholdCredits
        targetOngoingBalance ignorePaidTopUpLimits invoiceRequiresSuccessfulPayment purchaseOrderNumber
        paymentMethodType
        skipInvoiceCustomSections transactionName transactionMetadata { key value } startedAt expirationAt createdAt
    }
"""
MOVEMENT = """
    id amount creditAmount remainingAmountCents remainingCreditAmount status source transactionStatus transactionType
    priority name walletName invoiceRequiresSuccessfulPayment metadata { key value } purchaseOrderNumber
    skipInvoiceCustomSections settledAt failedAt createdAt updatedAt wallet { id } voidedInvoice { id }
    invoice { id invoiceType associatedActiveWalletPresent prepaidCreditAmountCents prepaidGrantedCreditAmountCents
              prepaidPurchasedCreditAmountCents
              fees { feeType invoiceName itemName walletTransaction { id amount } } }
"""
CREATE = f"mutation($input: CreateCustomerWalletInput!) {{ createCustomerWallet(input: $input) {{ {WALLET} }} }}"
UPDATE = f"mutation($input: UpdateCustomerWalletInput!) {{ updateCustomerWallet(input: $input) {{ {WALLET} }} }}"
TERMINATE = "mutation($id: ID!) { terminateCustomerWallet(input: {id: $id}) { id status terminatedAt } }"
SHOW = f"query($id: ID!) {{ wallet(id: $id) {{ {WALLET} }} }}"
LIST = """
    query($customer: ID!, $status: WalletStatusEnum, $ids: [ID!]) {
        wallets(customerId: $customer, status: $status, ids: $ids) {
            collection { id name }
            metadata { currentPage customerActiveWalletsCount limitValue totalCount totalPages }
        }
    }
"""
MOVE = f"""
    mutation($input: CreateCustomerWalletTransactionInput!) {{
        createCustomerWalletTransaction(input: $input) {{ collection {{ {MOVEMENT} }} metadata {{ totalCount }} }}
    }}
"""
MOVEMENTS = f"""
    query($wallet: ID!, $status: WalletTransactionStatusEnum, $type: WalletTransactionTransactionTypeEnum) {{
        walletTransactions(walletId: $wallet, status: $status, transactionType: $type) {{
            collection {{ {MOVEMENT} }} metadata {{ totalCount }}
        }}
    }}
"""
FUNDINGS = """
    query($id: ID!) {
        walletTransactionFundings(walletTransactionId: $id) {
            collection { id amountCents creditAmount createdAt walletTransaction { id } } metadata { totalCount }
        }
    }
"""
CONSUMPTIONS = FUNDINGS.replace("Fundings", "Consumptions")


@pytest.fixture
def jobs(admin: Caller) -> Iterator[Background]:
    with background() as kept:
        yield kept


@pytest.fixture
def world(admin: Caller, jobs: Background) -> Iterator[World]:
    assert admin.organization_id is not None
    with World(instant(MARCH), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.customers = len(world.rows("customers"))
        yield world


async def created(admin: Caller, world: World, jobs: Background, customer: UUID, **more: Any) -> dict[str, Any]:
    values = {"customerId": str(customer), "currency": "EUR", "rateAmount": "1", "paidCredits": "0", "priority": 50}
    answer = await admin.data(CREATE, {"input": {**values, "grantedCredits": "0", **more}})
    await jobs.run(Tenant(world.organization_id))
    return dict(answer["createCustomerWallet"])


async def test_a_wallet_is_made_shown_changed_and_ended(admin: Caller, world: World, jobs: Background) -> None:
    name = f"c-{uuid4().hex}"
    customer = world.customer(external_id=name, currency="EUR")
    metric = world.metric(name)
    wallet = await created(
        admin, world, jobs, customer, name="Main", rateAmount="2", grantedCredits="10.5", priority=3,
        expirationAt="2990-01-01T00:00:00Z", metadata=[{"key": "tier", "value": "gold"}],
        appliesTo={"feeTypes": ["charge"], "billableMetricIds": [str(metric)]}, purchaseOrderNumber="PO",
        paymentMethod={"paymentMethodType": "manual"},
        paidTopUpMinAmountCents="300", paidTopUpMaxAmountCents="9000",
        recurringTransactionRules=[
            {"trigger": "threshold", "thresholdCredits": "1", "method": "target", "targetOngoingBalance": "5",
             "transactionName": "Refill", "transactionMetadata": [{"key": "a", "value": "b"}]}
        ],
    )  # fmt: skip
    assert (wallet["balanceCents"], wallet["traceable"], wallet["code"]) == ("0", True, "main")
    shown = (await admin.data(SHOW, {"id": wallet["id"]}))["wallet"]
    assert (shown["balanceCents"], shown["creditsBalance"], shown["ongoingBalanceCents"]) == ("2100", 10.5, "2100")
    assert (shown["rateAmount"], shown["priority"], shown["status"], shown["currency"]) == (2, 3, "active", "EUR")
    assert shown["paymentMethodType"] == "manual"
    assert (shown["paidTopUpMinCredits"], shown["paidTopUpMaxCredits"]) == ("1", "45")
    assert shown["metadata"] == [{"key": "tier", "value": "gold"}]
    assert shown["appliesTo"] == {"feeTypes": ["charge"], "billableMetrics": [{"code": name}]}
    assert shown["customer"] == {"externalId": name, "hasActiveWallet": True}
    (rule,) = shown["recurringTransactionRules"]
    assert (rule["trigger"], rule["targetOngoingBalance"], rule["transactionName"]) == ("threshold", "5.0", "Refill")
    assert (rule["transactionMetadata"], rule["interval"]) == ([{"key": "a", "value": "b"}], None)
    change = {"id": wallet["id"], "name": "Other", "priority": 1, "recurringTransactionRules": [
        {"lagoId": rule["lagoId"], "targetOngoingBalance": "7"}]}  # fmt: skip
    changed = (await admin.data(UPDATE, {"input": change}))["updateCustomerWallet"]
    assert (changed["name"], changed["appliesTo"]) == ("Other", {"feeTypes": ["charge"], "billableMetrics": []})
    assert [each["targetOngoingBalance"] for each in changed["recurringTransactionRules"]] == ["7.0"]
    second = await created(admin, world, jobs, customer, name="Second")
    listed = (await admin.data(LIST, {"customer": str(customer)}))["wallets"]
    assert [each["name"] for each in listed["collection"]] == ["Other", "Second"]
    assert listed["metadata"] == {"currentPage": 1, "customerActiveWalletsCount": 2, "limitValue": 25,
                                  "totalCount": 2, "totalPages": 1}  # fmt: skip
    ended = (await admin.data(TERMINATE, {"id": second["id"]}))["terminateCustomerWallet"]
    assert (ended["status"], ended["terminatedAt"] is not None) == ("terminated", True)
    listed = (await admin.data(LIST, {"customer": str(customer), "status": "terminated"}))["wallets"]
    assert [each["id"] for each in listed["collection"]] == [second["id"]]
    assert listed["metadata"]["customerActiveWalletsCount"] == 1


async def test_movements_are_made_and_each_cent_is_traced(admin: Caller, world: World, jobs: Background) -> None:
    wallet = await created(admin, world, jobs, world.customer(external_id=f"c-{uuid4().hex}"), name="Main")

    async def move(**values: Any) -> list[Any]:
        answer = await admin.data(MOVE, {"input": {"walletId": wallet["id"], **values}})
        await jobs.run(Tenant(world.organization_id))
        return list(answer["createCustomerWalletTransaction"]["collection"])

    bought, granted = await move(
        paidCredits="4", grantedCredits="10", priority=2, name="Pack", metadata=[{"key": "k", "value": "v"}]
    )
    assert (bought["status"], bought["transactionStatus"], bought["remainingAmountCents"]) == (
        "pending", "purchased", None
    )  # fmt: skip
    assert (granted["amount"], granted["remainingAmountCents"], granted["remainingCreditAmount"]) == (
        "10.0", "1000", "10.0"
    )  # fmt: skip
    assert (granted["metadata"], granted["walletName"]) == ([{"key": "k", "value": "v"}], "Main")
    (voided,) = await move(voidedCredits="3")
    funded = (await admin.data(FUNDINGS, {"id": voided["id"]}))["walletTransactionFundings"]["collection"]
    assert [(each["amountCents"], each["walletTransaction"]["id"]) for each in funded] == [("300", granted["id"])]
    spent = (await admin.data(CONSUMPTIONS, {"id": granted["id"]}))["walletTransactionConsumptions"]["collection"]
    assert [(each["creditAmount"], each["walletTransaction"]["id"]) for each in spent] == [("3.0", voided["id"])]
    all_of_them = (await admin.data(MOVEMENTS, {"wallet": wallet["id"]}))["walletTransactions"]
    assert all_of_them["metadata"]["totalCount"] == 3
    waiting = (await admin.data(MOVEMENTS, {"wallet": wallet["id"], "status": "pending"}))["walletTransactions"]
    (row,) = waiting["collection"]
    assert (row["invoice"]["invoiceType"], row["invoice"]["associatedActiveWalletPresent"]) == ("credit", True)
    (fee,) = row["invoice"]["fees"]
    assert (fee["feeType"], fee["invoiceName"], fee["walletTransaction"]["id"]) == ("credit", "Pack", bought["id"])
    out = (await admin.data(MOVEMENTS, {"wallet": wallet["id"], "type": "outbound"}))["walletTransactions"]
    assert [each["id"] for each in out["collection"]] == [voided["id"]]


async def test_what_is_wrong_is_named_in_camel_case(admin: Caller, world: World, jobs: Background) -> None:
    wallet = await created(admin, world, jobs, world.customer(external_id=f"c-{uuid4().hex}"))
    for document, values, status, details in (
        (MOVE, {"walletId": wallet["id"], "voidedCredits": "1"}, 422, {"voidedCredits": ["insufficient_credits"]}),
        (MOVE, {"walletId": str(uuid4()), "paidCredits": "1"}, 422, {"walletId": ["wallet_not_found"]}),
        (UPDATE, {"id": str(uuid4()), "priority": 1}, 404, None),
        (
            UPDATE,
            {"id": wallet["id"], "priority": 1, "paymentMethod": {"paymentMethodId": str(uuid4())}},
            422,
            {"paymentMethod": ["invalid_payment_method"]},
        ),
        (UPDATE, {"id": wallet["id"], "priority": 99}, 422, {"priority": ["value_is_invalid"]}),
    ):
        error = await admin.error(document, {"input": values})
        assert error["status"] == status
        assert details is None or error["details"] == details
    for document in (SHOW, FUNDINGS):
        error = await admin.error(document, {"id": str(uuid4())})
        assert error["status"] == 404
