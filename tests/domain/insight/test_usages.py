"""Usage by period over random days, its filters, and what it is forecast to come to."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from domain.insight.forecasted_usage import forecasted_usages
from domain.insight.periods import first_day
from domain.insight.usages import usage_amounts, usages
from domain.insight.wanted import read_wanted_figures
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.domain.insight.figures import counted

START, TODAY = date(2024, 1, 1), date(2024, 3, 15)
CODES = ("calls", "seats")


@dataclass
class Book:
    """What was used: (day, code, filtered, cents, units), partners left out."""

    world: World
    days: list[tuple[date, str, bool, int, Decimal]] = field(default_factory=list)
    charges: dict[str, UUID] = field(default_factory=dict)
    filter_id: UUID | None = None


def part(cents: int, units: Decimal, **more: Any) -> dict[str, Any]:
    return {"amount_cents": cents, "units": str(units), **more}


@pytest.fixture(scope="module")
def book(migrated: str) -> Iterator[Book]:
    chance = random.Random(20260104)
    with World(instant("2024-03-15T10:00:00")) as world:
        book = Book(world)
        other = world.insert(
            "billing_entities", organization_id=world.organization_id, code="other", name="Other", email_settings=[],
            eu_tax_management=False, default_currency="USD", timezone="UTC", document_locale="en",
            document_numbering="per_customer", document_number_prefix="oth-1", invoice_grace_period=0,
            net_payment_term=0, finalize_zero_amount_invoice=True,
        )  # fmt: skip
        plan = world.plan(0, code="paid")
        own = world.plan(0, code="paid", parent_id=plan)
        metrics = {code: world.metric(code, recurring=code == "seats") for code in CODES}
        book.charges = {code: world.charge(plan, metrics[code], "standard", {}) for code in CODES}
        of_own = {
            code: world.charge(own, metrics[code], "standard", {}, parent_id=book.charges[code]) for code in CODES
        }
        key = world.insert(
            "billable_metric_filters", organization_id=world.organization_id, billable_metric_id=metrics["calls"],
            key="region", values=["eu", "us"],
        )  # fmt: skip
        book.filter_id = world.insert(
            "charge_filters", organization_id=world.organization_id, charge_id=book.charges["calls"], code="eu",
            properties={},
        )  # fmt: skip
        world.insert(
            "charge_filter_values", organization_id=world.organization_id, charge_filter_id=book.filter_id,
            billable_metric_filter_id=key, values=["eu"],
        )  # fmt: skip
        for number, account in enumerate(("customer", "customer", "partner")):
            customer = world.customer(account_type=account)
            entity = {"billing_entity_id": other} if number == 1 else {}
            charges = of_own if number == 1 else book.charges
            subscription = world.subscription(
                customer, own if number == 1 else plan, "2024-01-01", external_id=f"s{number}", **entity
            )
            for day in sorted(chance.sample(range((TODAY - START).days), 40)):
                used = []
                for code in CODES:
                    # A day can take back what the one before had added.
                    parts = [(chance.randint(-5, 100), Decimal(chance.randint(0, 500)) / 100) for _ in range(2)]
                    filters = [
                        part(*parts[0], values={"region": ["eu"]}), part(*parts[1], values=None)
                    ] if code == "calls" else []  # fmt: skip
                    cents, units = sum(each for each, _ in parts), sum((each for _, each in parts), Decimal(0))
                    used.append(part(cents, units, filters=filters, charge={"lago_id": str(charges[code])},
                                     billable_metric={"lago_id": str(metrics[code]), "code": code}))  # fmt: skip
                    if account == "customer":
                        at = START + timedelta(days=day)
                        book.days.extend((at, code, n == 0 and code == "calls", *each) for n, each in enumerate(parts))
                document = Jsonb({"currency": "USD", "charges_usage": used})
                world.insert(
                    "daily_usages", organization_id=world.organization_id, customer_id=customer,
                    subscription_id=subscription, external_subscription_id=f"s{number}",
                    usage_date=START + timedelta(days=day), from_datetime=world.now, to_datetime=world.now,
                    usage=document, usage_diff=document,
                )  # fmt: skip
        yield book


def wanted(granularity: str, **more: object) -> Any:
    span = {"from_date": "2024-01-03", "to_date": "2024-03-14"}
    return read_wanted_figures({"time_granularity": granularity, **span, **more})


def sums(book: Book, granularity: str, **known: object) -> dict[tuple[date, str], tuple[int, Decimal]]:
    found: dict[tuple[date, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for day, code, filtered, cents, units in book.days:
        if day >= date(2024, 1, 3) and (not known.get("filtered") or filtered):
            first = first_day(granularity, day)
            found[first, code] = (found[first, code][0] + cents, found[first, code][1] + units)
    return found


@pytest.mark.parametrize("granularity", ["daily", "weekly", "monthly"])
async def test_periods_sum_their_days(book: Book, granularity: str) -> None:
    async with tenant_work(book.world.tenant) as work:
        with counted() as statements:
            rows = await usages(work, wanted(granularity))
            amounts = await usage_amounts(work, wanted(granularity))
    assert len(statements) == 2
    known = sums(book, granularity)
    assert {(row.first, row.code): (row.amount_cents, row.units) for row in rows} == known
    for row in amounts:
        assert row.amount_cents == sum(cents for (first, _), (cents, _) in known.items() if first == row.first)


async def test_filters_take_their_part(book: Book) -> None:
    async with tenant_work(book.world.tenant) as work:

        async def cents(**more: object) -> int:
            return sum(int(row.amount_cents) for row in await usages(work, wanted("monthly", **more)))

        whole = await cents()
        assert await cents(billing_entity_code="main") + await cents(billing_entity_code="other") == whole
        assert await cents(billing_entity_code="other") == await cents(external_subscription_id="s1") > 0
        assert await cents(is_billable_metric_recurring=True) == await cents(billable_metric_code="seats")
        # A charge is also what stands for it on the plan of a single subscription.
        assert await cents(charge_id=str(book.charges["calls"])) == await cents(billable_metric_code="calls")
        of_filter = sum(each for each, _ in sums(book, "monthly", filtered=True).values())
        assert await cents(charge_filter_id=str(book.filter_id)) == of_filter > 0
        assert await cents(external_subscription_id="s2") == await cents(charge_filter_id="no id") == 0


async def test_a_forecast_reads_all_periods_at_once_and_keeps_what_was_used(book: Book) -> None:
    async with tenant_work(book.world.tenant) as work:
        with counted() as statements:
            rows = await forecasted_usages(work, wanted("monthly", to_date="2024-05-02"))
        assert len(statements) == 1
        assert await forecasted_usages(work, wanted("monthly", from_date="2024-05-02", to_date="2024-04-01")) == []
        far = await forecasted_usages(work, wanted("monthly", to_date="2999-01-01"))
    assert [row.first for row in rows] == [date(2024, month, 1) for month in (1, 2, 3, 4, 5)]
    for row in rows:
        assert row.amount == sum(cents for day, _, _, cents, _ in book.days if first_day("monthly", day) == row.first)
        if row.first < date(2024, 3, 1):
            assert row.amounts.conservative == row.amounts.realistic == row.amounts.optimistic == row.amount
        else:
            assert row.amounts.conservative < row.amounts.realistic < row.amounts.optimistic
    # Fourteen days of March have ended.
    assert round(rows[2].amounts.realistic, 6) == round(rows[2].amount / 14 * 31, 6)
    assert far[-1].first == date(2025, 3, 1), "a year ahead at most"
