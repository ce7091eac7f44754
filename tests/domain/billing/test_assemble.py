"""Assembling an invoice is pure: whatever was used, its amounts belong together."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.billing.assemble import Built, assemble
from domain.billing.facts import CustomerFacts, Facts, Past, SubscriptionFacts
from domain.billing.history import History
from domain.billing.lines import BilledLine
from domain.billing.plan_facts import ChargeFacts, PlanFacts
from domain.billing.purse import Purse
from domain.billing.rating import Known
from domain.billing.requests import Line, Target
from domain.billing.tax_facts import TaxFacts
from domain.billing.usage_fees import asked_charges
from domain.invoicing.calculation.state import Tax
from domain.invoicing.dates import DateSettings
from domain.kernel.money import round_cents
from domain.metering.usage import Usage
from domain.subscriptions.calendar import BillingTime, Interval
from domain.subscriptions.terms import SubscriptionTerms
from domain.subscriptions.windows import windows
from tests.domain.billing.world import instant

UTC = ZoneInfo("UTC")
START, AT = instant("2024-02-10T09:00:00Z"), instant("2024-03-01T00:10:00Z")
CUSTOMER = UUID(int=1)
SUBSCRIPTION = UUID(int=2)
PLAN = UUID(int=3)

price = st.decimals("0", "1000", places=8, allow_nan=False)
MODELS = st.one_of(
    st.builds(lambda amount: ("standard", {"amount": str(amount)}), price),
    st.builds(
        lambda amount, size, free: ("package", {"amount": str(amount), "package_size": size, "free_units": free}),
        price, st.integers(1, 10_000), st.integers(0, 10_000),
    ),
    st.builds(
        lambda first, second, flat, end: (
            "graduated",
            {
                "graduated_ranges": [
                    {"from_value": 0, "to_value": end, "per_unit_amount": str(first), "flat_amount": str(flat)},
                    {"from_value": end + 1, "to_value": None, "per_unit_amount": str(second), "flat_amount": "0"},
                ]
            },
        ),
        price, price, price, st.integers(1, 1000),
    ),
)  # fmt: skip
units = st.decimals("-1000", "1000000", places=6, allow_nan=False)
rates = st.decimals("0", "100", places=3, allow_nan=False)


def built(
    plan_cents: int, charges: list[tuple[tuple[str, dict[str, object]], Decimal]], taxes: list[Decimal], grace: int
) -> Built:
    terms = SubscriptionTerms(Interval.MONTHLY, BillingTime.CALENDAR, False, UTC, START, START)
    customer = CustomerFacts(CUSTOMER, CUSTOMER, "UTC", False, DateSettings(UTC, grace))
    subscription = SubscriptionFacts(
        id=SUBSCRIPTION, external_id="sub", customer=customer, plan_id=PLAN, plan_ids=frozenset({PLAN}),
        plan_amount_cents=plan_cents, currency="USD", status="active", created_at=START, terms=terms,
        trial_period=None, trial_ended_at=None, first_started_at=None, purchase_order_number=None,
        billing_entity_id=CUSTOMER, finalizes_zero=True, predecessor_id=None, predecessor_upgraded=False,
        next_plan_id=None,
    )  # fmt: skip
    rows = [
        ChargeFacts(
            id=UUID(int=100 + n), plan_id=PLAN, charge_model=model, properties=properties, metric_id=UUID(int=200 + n),
            metric_code="m", aggregation_type="sum_agg", field_name="units", recurring=False, rounding_function=None,
            rounding_precision=None, values_ready=True,
        )
        for n, ((model, properties), _) in enumerate(charges)
    ]  # fmt: skip
    usage: dict[Hashable, list[Usage]] = {
        (0, row.id, None): [Usage(used, 1 if used else 0)] for row, (_, used) in zip(rows, charges, strict=True)
    }
    tax_rows = [
        TaxFacts(UUID(int=300 + n), f"t{n}", f"t{n}", None, Tax(UUID(int=300 + n), rate))
        for n, rate in enumerate(taxes)
    ]
    taxed = {CUSTOMER: tax_rows} if tax_rows else {}
    facts = Facts({SUBSCRIPTION: subscription}, PlanFacts(charges={PLAN: rows}), taxed)
    target = Target(UUID(int=9), AT, (Line(SUBSCRIPTION, AT, "subscription_periodic"),))
    line = BilledLine(0, subscription, Past(), windows(terms, AT), AT, "subscription_periodic")
    known = Known(facts, History(), {0: asked_charges(line, facts, rebuilt=False)}, usage)
    found = assemble(target, [line], known, purse=Purse())
    assert found is not None
    return found


@given(st.integers(0, 10**9), st.lists(st.tuples(MODELS, units), max_size=4), st.lists(rates, max_size=3))
def test_fees_and_taxes_sum_to_the_invoice(
    plan_cents: int, charges: list[tuple[tuple[str, dict[str, object]], Decimal]], taxes: list[Decimal]
) -> None:
    rows = built(plan_cents, charges, taxes, 0).rows
    invoice = rows.invoice
    assert invoice["fees_amount_cents"] == sum(fee["amount_cents"] for fee in rows.fees)
    assert all(fee["amount_cents"] >= 0 and fee["units"] >= 0 for fee in rows.fees)
    exact = sum((invoice["fees_amount_cents"] * rate / 100 for rate in taxes), Decimal(0))
    assert invoice["taxes_amount_cents"] == round_cents(exact)
    assert invoice["total_amount_cents"] == invoice["fees_amount_cents"] + invoice["taxes_amount_cents"]
    assert abs(sum(tax["amount_cents"] for tax in rows.taxes) - invoice["taxes_amount_cents"]) <= len(taxes)
    assert len(rows.fee_taxes) == len(rows.fees) * len(taxes)
    assert invoice["payment_status"] == ("pending" if invoice["total_amount_cents"] else "succeeded")


@given(st.integers(0, 10**9), st.lists(st.tuples(MODELS, units), max_size=3), st.integers(1, 60))
def test_a_draft_has_the_amounts_of_the_final_invoice_and_waits_its_days(
    plan_cents: int, charges: list[tuple[tuple[str, dict[str, object]], Decimal]], grace: int
) -> None:
    draft, final = built(plan_cents, charges, [Decimal(20)], grace), built(plan_cents, charges, [Decimal(20)], 0)
    assert (draft.status, final.status) == ("draft", "finalized")
    assert draft.rows.invoice["total_amount_cents"] == final.rows.invoice["total_amount_cents"]
    assert draft.rows.invoice["expected_finalization_date"] == AT.date() + timedelta(days=grace)


@given(st.lists(st.tuples(MODELS, units), min_size=1, max_size=4))
def test_the_same_facts_give_the_same_amounts(charges: list[tuple[tuple[str, dict[str, object]], Decimal]]) -> None:
    def amounts() -> list[tuple[int, Decimal]]:
        return [(fee["amount_cents"], fee["precise_amount_cents"]) for fee in built(4900, charges, [], 0).rows.fees]

    assert amounts() == amounts()
