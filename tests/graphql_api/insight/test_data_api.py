"""What the dashboard asks of the data API, by hand: two customers, a coupon, taxes and a wallet through real bills."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest_asyncio

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.unit_of_work import tenant_work
from domain.metering.daily_usages import keep_days
from tests.domain.billing.world import World, instant
from tests.domain.insight.figures import put_fee, put_invoice
from tests.graphql_api.conftest import Caller

SPAN = 'fromDate: "2024-01-01", toDate: "2024-03-31", timeGranularity: monthly'
OPERATIONS = (
    "dataApiRevenueStreams", "dataApiRevenueStreamsCustomers", "dataApiRevenueStreamsPlans", "dataApiMrrs",
    "dataApiMrrsPlans", "dataApiPrepaidCredits", "dataApiUsages", "dataApiUsagesAggregatedAmounts",
    "dataApiUsagesForecasted", "dataApiUsagesInvoiced",
)  # fmt: skip
FIGURES = f"""{{
    dataApiRevenueStreams({SPAN}, currency: USD) {{
        collection {{
            amountCurrency startOfPeriodDt endOfPeriodDt subscriptionFeeAmountCents usageBasedFeeAmountCents
            oneOffFeeAmountCents commitmentFeeAmountCents grossRevenueAmountCents couponsAmountCents
            creditNotesCreditsAmountCents freeCreditsAmountCents prepaidCreditsAmountCents
            progressiveBillingCreditAmountCents contraRevenueAmountCents netRevenueAmountCents
        }}
        metadata {{ totalCount totalPages }}
    }}
    dataApiRevenueStreamsCustomers(orderBy: net_revenue_amount_cents, limit: 1) {{
        collection {{
            amountCurrency customerDeletedAt customerId customerName externalCustomerId
            grossRevenueAmountCents grossRevenueShare netRevenueAmountCents netRevenueShare
        }}
        metadata {{ currentPage nextPage prevPage totalCount totalPages }}
    }}
    dataApiRevenueStreamsPlans(currency: USD, page: 2, limit: 1) {{
        collection {{
            amountCurrency customersCount customersShare planCode planDeletedAt planId planInterval planName
            grossRevenueAmountCents grossRevenueShare netRevenueAmountCents netRevenueShare
        }}
        metadata {{ currentPage nextPage prevPage totalCount totalPages }}
    }}
    dataApiMrrs({SPAN}) {{
        collection {{
            amountCurrency startOfPeriodDt endOfPeriodDt startingMrr mrrNew mrrExpansion mrrContraction mrrChurn
            mrrChange endingMrr
        }}
        metadata {{ totalCount }}
    }}
    dataApiMrrsPlans(currency: USD) {{
        collection {{
            activeCustomersCount activeCustomersShare amountCurrency dt mrr mrrShare planCode planDeletedAt planId
            planInterval planName
        }}
        metadata {{ currentPage nextPage prevPage totalCount totalPages }}
    }}
    dataApiPrepaidCredits({SPAN}, planCode: "small") {{
        collection {{
            amountCurrency startOfPeriodDt endOfPeriodDt purchasedAmount purchasedCreditsQuantity offeredAmount
            offeredCreditsQuantity consumedAmount consumedCreditsQuantity voidedAmount voidedCreditsQuantity
        }}
        metadata {{ totalCount }}
    }}
    dataApiUsagesInvoiced({SPAN}, filterValues: "eu, us", groupedBy: "cloud") {{
        collection {{ amountCents amountCurrency billableMetricCode startOfPeriodDt endOfPeriodDt }}
        metadata {{ totalCount }}
    }}
    invoicedUsages {{ collection {{ month code amountCents }} }}
}}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(admin: Caller) -> AsyncIterator[World]:
    """Small: $100 a month, $10 a call. Large: $1,200 a year. Ada on small since January, with 10 % off and 20 % taxes
    and a wallet with $5 given; she used 2 calls in January. Bob on small in January, on large since February."""
    assert admin.organization_id
    with World(instant("2024-02-01T01:00:00Z"), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.execute(
            "UPDATE organizations SET created_at = '2024-01-01', sandbox = true, frozen_at = %s WHERE id = %s",
            world.now, world.organization_id,
        )  # fmt: skip
        world.tax("20", "vat")
        small, large = world.plan(10_000, code="small", name="Small"), world.plan(120_000, "yearly", code="large")
        calls = world.metric("calls")
        charge = world.charge(small, calls, "standard", {"amount": "10"})
        key = world.insert(
            "billable_metric_filters", organization_id=world.organization_id, billable_metric_id=calls, key="region",
            values=["eu", "us", "asia"],
        )  # fmt: skip
        ada, bob = world.customer(external_id="ada", name=None, firstname="Ada", lastname="L"), world.customer()
        world.coupon(ada, percentage_rate="10")
        wallet = world.insert(
            "wallets", organization_id=world.organization_id, customer_id=ada, code="w", currency="USD", rate_amount=1,
            balance_cents=500, credits_balance=5, consumed_credits=0, credits_ongoing_usage_balance=0,
            credits_ongoing_balance=5, allowed_fee_types=[],
        )  # fmt: skip
        world.insert(
            "wallet_transactions", organization_id=world.organization_id, wallet_id=wallet, transaction_type="inbound",
            transaction_status="granted", status="settled", amount_cents=500, credit_amount=5,
            remaining_amount_cents=500, settled_at=instant("2024-01-15"), transaction_metadata="[]",
        )  # fmt: skip
        first = world.subscription(ada, small, "2024-01-01", external_id="first")
        world.event("first", "calls", "2024-01-31T12:00:00Z", "2")
        world.subscription(bob, small, "2024-01-01", status="terminated", terminated_at=instant("2024-02-01T00:00:00Z"))
        world.subscription(bob, large, "2024-02-01")
        async with tenant_work(world.tenant) as work:
            await keep_days(work, [first])
            (invoice_id,) = await bill_subscriptions(work, [BillRequest((first,), world.now, "subscription_periodic")])
        # Bob bought something once, and used what is kept apart by cloud and priced by region.
        one_off = put_invoice(world, bob, world.now.date(), total_amount_cents=3000)
        put_fee(world, bob, one_off, "add_on", 2000)
        eu = world.insert(
            "charge_filters", organization_id=world.organization_id, charge_id=charge, code="eu", properties={}
        )
        world.insert(
            "charge_filter_values", organization_id=world.organization_id, charge_filter_id=eu,
            billable_metric_filter_id=key, values=["eu"],
        )  # fmt: skip
        put_fee(world, bob, one_off, "charge", 1000, charge_id=charge, charge_filter_id=eu, grouped_by={"cloud": "a"})
        world.at("2024-02-03T00:00:00Z")
        assert invoice_id
        yield world


async def test_figures_by_hand(world: World, admin: Caller) -> None:
    found = await admin.data(FIGURES)
    # Ada: 100 + 20 of calls, less 12 by the coupon, with 20 % of 108 as taxes 129.60; the wallet pays 5 of it.
    assert found["dataApiRevenueStreams"] == {
        "collection": [{
            "amountCurrency": "USD", "startOfPeriodDt": "2024-02-01", "endOfPeriodDt": "2024-02-29",
            "subscriptionFeeAmountCents": "10000", "usageBasedFeeAmountCents": "3000", "oneOffFeeAmountCents": "2000",
            "commitmentFeeAmountCents": "0", "grossRevenueAmountCents": "15000", "couponsAmountCents": "1200",
            "creditNotesCreditsAmountCents": "0", "freeCreditsAmountCents": "500", "prepaidCreditsAmountCents": "0",
            "progressiveBillingCreditAmountCents": "0", "contraRevenueAmountCents": "1700",
            "netRevenueAmountCents": "13300",
        }],
        "metadata": {"totalCount": 1, "totalPages": 1},
    }  # fmt: skip
    (ada,) = world.rows("customers", external_id="ada")
    assert found["dataApiRevenueStreamsCustomers"] == {
        "collection": [{
            "amountCurrency": "USD", "customerDeletedAt": None, "customerId": str(ada.id), "customerName": "Ada L",
            "externalCustomerId": "ada", "grossRevenueAmountCents": "12000", "grossRevenueShare": 0.8,
            "netRevenueAmountCents": "10300", "netRevenueShare": 0.774436,
        }],
        "metadata": {"currentPage": 1, "nextPage": 2, "prevPage": 0, "totalCount": 2, "totalPages": 2},
    }  # fmt: skip
    assert found["dataApiRevenueStreamsPlans"] == {
        "collection": [],
        "metadata": {"currentPage": 2, "nextPage": 0, "prevPage": 1, "totalCount": 1, "totalPages": 1},
    }
    # Bob's plan of $1,200 a year is $100 a month, as the one before: nothing moves in February.
    of_month = {"amountCurrency": "USD", "mrrExpansion": "0", "mrrContraction": "0", "mrrChurn": "0"}
    assert found["dataApiMrrs"] == {
        "collection": [
            of_month | {"startOfPeriodDt": "2024-01-01", "endOfPeriodDt": "2024-01-31", "startingMrr": "0",
                        "mrrNew": "20000", "mrrChange": "20000", "endingMrr": "20000"},
            of_month | {"startOfPeriodDt": "2024-02-01", "endOfPeriodDt": "2024-02-29", "startingMrr": "20000",
                        "mrrNew": "0", "mrrChange": "0", "endingMrr": "20000"},
        ],
        "metadata": {"totalCount": 2},
    }  # fmt: skip
    large, small = world.rows("plans", order="code")
    of_plan = {"activeCustomersCount": "1", "activeCustomersShare": 0.5, "amountCurrency": "USD", "dt": "2024-02-03"}
    of_plan |= {"mrr": 10000.0, "mrrShare": 0.5, "planDeletedAt": None}
    assert found["dataApiMrrsPlans"] == {
        "collection": [
            of_plan | {"planCode": "large", "planId": str(large.id), "planInterval": "yearly", "planName": "Plan"},
            of_plan | {"planCode": "small", "planId": str(small.id), "planInterval": "monthly", "planName": "Small"},
        ],
        "metadata": {"currentPage": 1, "nextPage": 0, "prevPage": 0, "totalCount": 2, "totalPages": 1},
    }
    nothing = dict.fromkeys(
        f"{name}{unit}" for name in ("purchased", "offered", "consumed", "voided")
        for unit in ("Amount", "CreditsQuantity")
    )  # fmt: skip
    nothing |= dict.fromkeys(nothing, 0.0) | {"amountCurrency": "USD"}
    assert found["dataApiPrepaidCredits"] == {
        "collection": [
            nothing | {"startOfPeriodDt": "2024-01-01", "endOfPeriodDt": "2024-01-31", "offeredAmount": 5.0,
                       "offeredCreditsQuantity": 5.0},
            nothing | {"startOfPeriodDt": "2024-02-01", "endOfPeriodDt": "2024-02-29", "consumedAmount": 5.0,
                       "consumedCreditsQuantity": 5.0},
        ],
        "metadata": {"totalCount": 2},
    }  # fmt: skip
    assert found["dataApiUsagesInvoiced"] == {
        "collection": [{"amountCents": "1000", "amountCurrency": "USD", "billableMetricCode": "calls",
                        "startOfPeriodDt": "2024-02-01", "endOfPeriodDt": "2024-02-29"}],
        "metadata": {"totalCount": 1},
    }  # fmt: skip
    assert found["invoicedUsages"]["collection"] == [
        {"month": "2024-02-01T00:00:00Z", "code": "calls", "amountCents": "2800"}
    ]


async def test_plans_and_what_usage_will_come_to(world: World, admin: Caller) -> None:
    (charge,) = world.rows("charges")
    (eu,) = world.rows("charge_filters")
    found = await admin.data(
        f"""query Figures($charge: String, $filter: String) {{
            plans: dataApiRevenueStreamsPlans {{
                collection {{
                    amountCurrency customersCount customersShare planCode planDeletedAt planId planInterval planName
                    grossRevenueAmountCents grossRevenueShare netRevenueAmountCents netRevenueShare
                }}
            }}
            invoiced: dataApiUsagesInvoiced({SPAN}, billableMetricCode: "calls", billingEntityCode: "none") {{
                collection {{ amountCents }}
            }}
            forecast: dataApiUsagesForecasted({SPAN}, chargeId: $charge, billableMetricCode: "calls") {{
                collection {{
                    amountCents amountCentsForecastConservative amountCentsForecastOptimistic
                    amountCentsForecastRealistic amountCurrency startOfPeriodDt endOfPeriodDt units
                    unitsForecastConservative unitsForecastOptimistic unitsForecastRealistic
                }}
                metadata {{ totalCount }}
            }}
            filtered: dataApiUsagesForecasted({SPAN}, chargeFilterId: $filter) {{ collection {{ units }} }}
            unknown: dataApiUsagesForecasted({SPAN}, chargeId: "none") {{ collection {{ units }} }}
        }}""",
        {"charge": str(charge.id), "filter": str(eu.id)},
    )
    small = world.rows("plans", code="small")[0]
    assert found["plans"]["collection"] == [
        {"amountCurrency": "USD", "customersCount": 1, "customersShare": 1.0, "planCode": "small",
         "planDeletedAt": None, "planId": str(small.id), "planInterval": "monthly", "planName": "Small",
         "grossRevenueAmountCents": "12000", "grossRevenueShare": 1.0, "netRevenueAmountCents": "10300",
         "netRevenueShare": 1.0}
    ]  # fmt: skip
    assert found["invoiced"]["collection"] == found["filtered"]["collection"] == found["unknown"]["collection"] == []
    # January came to 2 calls in 31 days. Two days of February have ended without any, and so it goes on; for March
    # January alone is the past: 2 calls in 31 days again, a fifth more or less.
    names = ("Conservative", "Realistic", "Optimistic")
    rows = found["forecast"]["collection"]
    assert found["forecast"]["metadata"] == {"totalCount": 3}
    assert [(row["startOfPeriodDt"], row["endOfPeriodDt"]) for row in rows] == [
        ("2024-01-01", "2024-01-31"), ("2024-02-01", "2024-02-29"), ("2024-03-01", "2024-03-31")
    ]  # fmt: skip
    assert [(row["amountCents"], row["units"], row["amountCurrency"]) for row in rows] == [
        ("2000", 2.0, "USD"), ("0", 0.0, "USD"), ("0", 0.0, "USD")
    ]  # fmt: skip
    assert [[row[f"amountCentsForecast{name}"] for name in names] for row in rows] == [
        ["2000"] * 3, ["0"] * 3, ["1600", "2000", "2400"]
    ]  # fmt: skip
    assert [[row[f"unitsForecast{name}"] for name in names] for row in rows] == [[2.0] * 3, [0.0] * 3, [1.6, 2.0, 2.4]]


async def test_what_others_have_is_not_counted(world: World, stranger: Caller) -> None:
    asked = " ".join(f"{name} {{ collection {{ amountCurrency }} }}" for name in OPERATIONS)
    assert all(figure["collection"] == [] for figure in (await stranger.data(f"{{ {asked} }}")).values())


async def test_managers_see_no_figures(world: World, stranger: Caller) -> None:
    """Last, because the stranger is a manager from here on."""
    world.execute(
        "UPDATE membership_roles SET role_id = (SELECT id FROM roles WHERE code = 'manager'"
        " AND organization_id IS NULL) WHERE organization_id = %s", stranger.organization_id,
    )  # fmt: skip
    for name in OPERATIONS:
        error = await stranger.error(f"{{ {name} {{ collection {{ amountCurrency }} }} }}")
        assert error["code"] == "forbidden", name


async def test_a_granularity_and_days_that_are_none_are_refused(admin: Caller) -> None:
    body = await admin.ask('{ dataApiMrrs(timeGranularity: hourly, fromDate: "no") { collection { endingMrr } } }')
    assert len(body["errors"]) == 2
