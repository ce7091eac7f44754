"""What a customer sees in its portal."""

from __future__ import annotations

from graphql_api.portal.shown import SHOWN, WHOLE, reached
from graphql_api.schema import schema
from tests.domain.billing.world import World, instant
from tests.graphql_api.portal.conftest import Visitor

USER = """
    { customerPortalUser {
        id accountType customerType name firstname lastname displayName email legalName legalNumber
        taxIdentificationNumber addressLine1 addressLine2 city state zipcode country currency applicableTimezone premium
        shippingAddress { city country addressLine1 } billingConfiguration { id documentLocale }
        billingEntityBillingConfiguration { id documentLocale }
      }
      customerPortalOrganization {
        id name logoUrl timezone defaultCurrency premiumIntegrations billingConfiguration { id documentLocale }
      } }
"""
INVOICES = """
    query Invoices($page: Int, $limit: Int, $search: String, $status: [InvoiceStatusTypeEnum!]) {
        customerPortalInvoices(page: $page, limit: $limit, searchTerm: $search, status: $status) {
            collection {
                id number status paymentStatus paymentOverdue paymentDisputeLostAt invoiceType currency issuingDate
                totalAmountCents totalPaidAmountCents totalDueAmountCents fileUrl
                customer { id name applicableTimezone } subscriptions { id plan { name } }
                fees { itemName units amountCents charge { billableMetric { code } } }
            }
            metadata { currentPage totalPages totalCount limitValue }
        }
    }
"""
SUBSCRIPTION = """
    id externalId status currentBillingPeriodEndingAt plan { name code amountCents amountCurrency interval }
    customer { id currency } lifetimeUsage { totalUsageAmountCents }
"""
SUBSCRIPTIONS = f"""
    query Subscriptions($id: ID!, $status: [StatusTypeEnum!], $plan: String, $currency: String) {{
        customerPortalSubscription(id: $id) {{ {SUBSCRIPTION} }}
        customerPortalSubscriptions(status: $status, planCode: $plan, currency: $currency) {{
            collection {{ {SUBSCRIPTION} }} metadata {{ totalCount }}
        }}
    }}
"""
USAGE = """
    query Usage($id: ID!) {
        customerPortalCustomerUsage(subscriptionId: $id) {
            amountCents taxesAmountCents totalAmountCents currency fromDatetime toDatetime
            chargesUsage { units amountCents charge { chargeModel } billableMetric { code } }
        }
        customerPortalCustomerProjectedUsage(subscriptionId: $id) {
            amountCents projectedAmountCents chargesUsage { units projectedUnits }
        }
    }
"""
FIGURES = """
    { customerPortalInvoiceCollections(expireCache: true) {
        collection { month paymentStatus invoicesCount amountCents currency } metadata { totalCount }
      }
      customerPortalOverdueBalances(expireCache: true) {
        collection { month amountCents currency lagoInvoiceIds } metadata { totalCount }
      } }
"""
WALLET = """
    id name code status currency priority rateAmount balanceCents creditsBalance consumedAmountCents consumedCredits
    ongoingBalanceCents ongoingUsageBalanceCents creditsOngoingBalance paidTopUpMinAmountCents paidTopUpMaxAmountCents
    paidTopUpMinCredits paidTopUpMaxCredits expirationAt lastBalanceSyncAt
"""
WALLETS = f"""
    query Wallets($id: ID!, $status: WalletStatusEnum) {{
        customerPortalWallet(id: $id) {{ {WALLET} }}
        customerPortalWallets(status: $status) {{ collection {{ {WALLET} }} metadata {{ totalCount }} }}
    }}
"""


async def test_a_customer_sees_itself_and_who_bills_it(me: Visitor, world: World) -> None:
    world.execute("UPDATE billing_entities SET logo_key = 'logo', logo_content_type = 'image/png'")
    found = await me.data(USER)
    organization = str(world.organization_id)
    assert found["customerPortalUser"] == {
        "id": me.customer, "accountType": "customer", "customerType": "company", "name": "Customer 2",
        "firstname": "Mary", "lastname": "Major", "displayName": "Me SA - Mary Major",
        "email": "me@example.com", "legalName": "Me SA", "legalNumber": "77", "taxIdentificationNumber": None,
        "addressLine1": "1 Main St", "addressLine2": None, "city": "Lyon", "state": None, "zipcode": "69001",
        "country": "FR", "currency": "USD", "applicableTimezone": "TZ_EUROPE_PARIS", "premium": True,
        "shippingAddress": {"city": "Paris", "country": "FR", "addressLine1": None},
        "billingConfiguration": {"id": f"{me.customer}-c0nf", "documentLocale": "fr"},
        "billingEntityBillingConfiguration": {"id": f"{organization}-c1nf", "documentLocale": "en"},
    }  # fmt: skip
    shown = found["customerPortalOrganization"]
    assert shown["logoUrl"]
    assert "custom_roles" in shown["premiumIntegrations"]
    assert {**shown, "logoUrl": None, "premiumIntegrations": []} == {
        "id": organization, "name": "Northwind", "logoUrl": None, "timezone": "TZ_UTC", "defaultCurrency": "USD",
        "premiumIntegrations": [], "billingConfiguration": {"id": f"{organization}-c0nf", "documentLocale": "en"},
    }  # fmt: skip


async def test_invoices_are_ones_own_whatever_is_searched(me: Visitor, world: World, statements: list[str]) -> None:
    found = (await me.data(INVOICES))["customerPortalInvoices"]
    (invoice,) = found["collection"]
    assert found["metadata"] == {"currentPage": 1, "totalPages": 1, "totalCount": 1, "limitValue": 25}
    assert (invoice["id"], invoice["status"], invoice["totalAmountCents"]) == (me.invoice, "finalized", "4000")
    assert invoice["customer"] == {"id": me.customer, "name": "Customer 2", "applicableTimezone": "TZ_EUROPE_PARIS"}
    assert invoice["subscriptions"] == [{"id": me.subscription, "plan": {"name": "Gold"}}]
    assert [(fee["units"], fee["amountCents"]) for fee in invoice["fees"]] == [(1, "1000"), (3, "3000")]
    one = len(statements)
    row = world.rows("invoices", id=me.invoice)[0]._asdict()
    taken = {name: row[name] for name in row if name not in ("id", "number", "sequential_id", "created_at")}
    taken = {name: value for name, value in taken.items() if not isinstance(value, list)}
    for status in ("finalized", "closed", "open"):
        world.insert("invoices", **{**taken, "status": status, "number": f"more-{status}"})
    statements.clear()
    assert (await me.data(INVOICES))["customerPortalInvoices"]["metadata"]["totalCount"] == 2
    assert len(statements) == one
    for wanted, count in (
        ({"search": invoice["number"]}, 1), ({"search": "Customer 1"}, 0), ({"status": ["draft"]}, 0),
        ({"status": ["finalized", "closed"]}, 2), ({"status": ["closed"]}, 0), ({"limit": 1, "page": 3}, 2),
    ):  # fmt: skip
        page = (await me.data(INVOICES, wanted))["customerPortalInvoices"]
        assert page["metadata"]["totalCount"] == count
    world.execute("DELETE FROM invoices WHERE number LIKE 'more-%%'")


async def test_subscriptions_with_their_plans(me: Visitor) -> None:
    plan = {"name": "Gold", "code": "gold-me", "amountCents": "1000", "amountCurrency": "USD", "interval": "monthly"}
    found = await me.data(SUBSCRIPTIONS, {"id": me.subscription})
    mine = found["customerPortalSubscription"]
    assert (mine["id"], mine["status"], mine["plan"]) == (me.subscription, "active", plan)
    assert mine["customer"] == {"id": me.customer, "currency": "USD"}
    assert mine["lifetimeUsage"]["totalUsageAmountCents"] == "5000"
    assert found["customerPortalSubscriptions"] == {"collection": [mine], "metadata": {"totalCount": 1}}
    for wanted, count in (
        ({"status": ["terminated"]}, 0), ({"plan": "gold-other"}, 0), ({"currency": "EUR"}, 0),
        ({"status": ["active"], "plan": "gold-me", "currency": "USD"}, 1),
    ):  # fmt: skip
        page = (await me.data(SUBSCRIPTIONS, {"id": me.subscription, **wanted}))["customerPortalSubscriptions"]
        assert page["metadata"]["totalCount"] == count


async def test_usage_of_the_period_and_what_it_will_come_to_at_the_organizations_time(me: Visitor) -> None:
    found = await me.data(USAGE, {"id": me.subscription})
    usage, projected = found["customerPortalCustomerUsage"], found["customerPortalCustomerProjectedUsage"]
    assert (usage["amountCents"], usage["taxesAmountCents"], usage["totalAmountCents"]) == ("2000", "0", "2000")
    assert (usage["currency"], usage["toDatetime"]) == ("USD", "2024-03-31T21:59:59Z")
    (charge,) = usage["chargesUsage"]
    assert charge == {
        "units": 2, "amountCents": "2000", "charge": {"chargeModel": "standard"}, "billableMetric": {"code": "calls-me"}
    }  # fmt: skip
    assert projected["amountCents"] == "2000"
    assert int(projected["projectedAmountCents"]) > 5_000
    assert projected["chargesUsage"][0]["projectedUnits"] > 5


async def test_figures_are_of_the_customer_itself_and_not_of_one_who_had_its_name_before(
    me: Visitor, world: World
) -> None:
    before = world.customer(external_id="me", currency="USD", deleted_at=world.now)
    world.execute("UPDATE invoices SET payment_overdue = true")
    figures = await me.data(FIGURES)
    assert figures["customerPortalOverdueBalances"] == {
        "collection": [{"month": "2024-03-01T00:00:00Z", "amountCents": "4000", "currency": "USD",
                        "lagoInvoiceIds": [me.invoice]}],
        "metadata": {"totalCount": 1},
    }  # fmt: skip
    assert figures["customerPortalInvoiceCollections"]["collection"] == [
        {"month": "2024-02-01T00:00:00Z", "paymentStatus": None, "invoicesCount": "0", "amountCents": "0",
         "currency": None},
        {"month": "2024-03-01T00:00:00Z", "paymentStatus": "pending", "invoicesCount": "1", "amountCents": "4000",
         "currency": "USD"},
    ]  # fmt: skip
    world.execute("UPDATE invoices SET customer_id = %s WHERE id = %s", before, me.invoice)
    none = await me.data(FIGURES)
    assert none["customerPortalOverdueBalances"]["collection"] == []
    assert {each["invoicesCount"] for each in none["customerPortalInvoiceCollections"]["collection"]} == {"0"}
    world.execute("UPDATE invoices SET customer_id = %s WHERE id = %s", me.customer, me.invoice)


async def test_wallets_are_listed_in_the_order_in_which_they_are_spent(me: Visitor, world: World) -> None:
    wallet = world.rows("wallets", id=me.wallet)[0]._asdict()
    del wallet["id"]
    first = str(world.insert("wallets", **{**wallet, "priority": 1, "code": "first"}))
    ended = str(world.insert("wallets", **{**wallet, "status": "terminated", "code": "ended"}))
    world.execute(
        "UPDATE wallets SET balance_cents = 500, credits_balance = 2.5, ongoing_balance_cents = 400,"
        " credits_ongoing_balance = 2, ongoing_usage_balance_cents = 100, consumed_amount_cents = 300,"
        " consumed_credits = 1.5, expiration_at = %s, last_balance_sync_at = %s WHERE id = %s",
        instant("2030-01-01"), instant("2024-03-01"), me.wallet,
    )  # fmt: skip
    found = await me.data(WALLETS, {"id": me.wallet})
    assert found["customerPortalWallet"] == {
        "id": me.wallet, "name": "Wallet me", "code": "wallet_me", "status": "active", "currency": "USD",
        "priority": 50, "rateAmount": 2, "balanceCents": "500", "creditsBalance": 2.5, "consumedAmountCents": "300",
        "consumedCredits": 1.5, "ongoingBalanceCents": "400", "ongoingUsageBalanceCents": "100",
        "creditsOngoingBalance": 2, "paidTopUpMinAmountCents": "1000", "paidTopUpMaxAmountCents": "100000",
        "paidTopUpMinCredits": "5", "paidTopUpMaxCredits": "500", "expirationAt": "2030-01-01T00:00:00Z",
        "lastBalanceSyncAt": "2024-03-01T00:00:00Z",
    }  # fmt: skip
    assert [each["id"] for each in found["customerPortalWallets"]["collection"]] == [first, me.wallet]
    found = await me.data(WALLETS, {"id": ended, "status": "terminated"})
    assert found["customerPortalWallets"] == {
        "collection": [found["customerPortalWallet"]], "metadata": {"totalCount": 1}
    }  # fmt: skip


async def test_what_is_the_organizations_business_is_null_or_refused(me: Visitor) -> None:
    plan = (
        "description metadata { key } parent { id } organization { id } hasOverriddenPlans activityLogs { activityId }"
    )
    document = f"""query Q($id: ID!) {{
        customerPortalSubscription(id: $id) {{
            __typename id activityLogs {{ activityId }} paymentMethod {{ id }} customer {{ metadata {{ key }} }}
            plan {{ id {plan} charges {{ parentId billableMetric {{ code expression organization {{ id }} }} }} }}
        }}
    }}"""
    shown = (await me.data(document, {"id": me.subscription}))["customerPortalSubscription"]
    assert (shown["__typename"], shown["activityLogs"], shown["paymentMethod"]) == ("Subscription", None, None)
    assert shown["customer"] == {"metadata": None}
    (charge,) = shown["plan"].pop("charges")
    assert charge["billableMetric"] == {"code": "calls-me", "expression": None, "organization": None}
    assert set(shown["plan"].values()) == {shown["plan"]["id"], None}
    for hidden in ("plan { customersCount }", "plan { subscriptionsCount }", "customer { subscriptions { id } }"):
        document = f"query Q($id: ID!) {{ customerPortalSubscription(id: $id) {{ id {hidden} }} }}"
        assert (await me.error(document, {"id": me.subscription}))["code"] == "forbidden"


def test_every_type_that_the_portal_reaches_says_what_it_shows() -> None:
    types = reached(schema._schema)
    assert set(types) == WHOLE | set(SHOWN)
    for name, fields in SHOWN.items():
        assert fields <= set(types[name].fields), name
