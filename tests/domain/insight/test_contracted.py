"""Contracted recurring revenue of random subscriptions, against a reckoning day by day."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from domain.insight.contracted import contracted_mrrs, contracted_plans
from domain.insight.periods import first_day
from domain.insight.wanted import read_wanted_figures
from domain.kernel.money import round_cents
from domain.kernel.pagination import PageRequest
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.domain.insight.figures import counted, put_fee, put_invoice

TODAY = date(2024, 6, 15)
FACTORS = {
    "weekly": Decimal("4.33"), "monthly": Decimal(1), "quarterly": 1 / Decimal(3), "semiannual": 1 / Decimal(6),
    "yearly": 1 / Decimal(12),
}  # fmt: skip
PARTS = ("starting", "new", "expansion", "contraction", "churn", "ending")


@dataclass
class Contract:
    """A subscription as it counts: from a day up to one, at these prices a month; `prices` of days win."""

    customer: UUID
    plan: UUID
    currency: str
    started: date
    since: date
    until: date
    monthly: int
    prices: dict[date, int]

    def on(self, day: date) -> int:
        return self.prices.get(day, self.monthly) if self.since <= day < self.until else 0


@dataclass
class Book:
    world: World
    contracts: list[Contract]

    def has(self, day: date) -> dict[tuple[UUID, str], int]:
        found: dict[tuple[UUID, str], int] = defaultdict(int)
        for each in self.contracts:
            found[each.customer, each.currency] += each.on(day)
        return found


def days_between(start: date, end: date) -> Iterator[date]:
    while start <= end:
        yield start
        start += timedelta(days=1)


def at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), UTC)


@pytest.fixture(scope="module")
def book(migrated: str) -> Iterator[Book]:
    chance = random.Random(20260102)
    with World(instant("2024-06-15T15:00:00")) as world:
        plans = {}
        for number, interval in enumerate(FACTORS):
            cents = chance.choice([999, 5000, 12345])
            currency, trial = ("EUR", None) if number == 2 else ("USD", Decimal(10) if number == 4 else None)
            plans[
                world.plan(cents, interval, code=interval, amount_currency=currency, trial_period=trial)
            ] = interval, cents, currency, trial  # fmt: skip
        customers = [world.customer() for _ in range(6)]
        partner = world.customer(account_type="partner")
        contracts = []
        for number in range(30):
            customer = partner if number == 0 else chance.choice(customers)
            plan = chance.choice(list(plans))
            interval, cents, currency, trial = plans[plan]
            since = date(2024, 1, 1) + timedelta(days=chance.randrange(150))
            until = since + timedelta(days=chance.choice([0, 1, 20, 60])) if chance.random() < 0.6 else date.max
            ended = {"status": "terminated", "terminated_at": at(until, 11)} if until < TODAY else {}
            subscription = world.subscription(customer, plan, f"{since}T09:00:00", **ended)
            until = until if ended else date.max
            prices: dict[date, int] = {}
            fee_from = since + timedelta(days=chance.randrange(-5, 20))
            for price in chance.sample([cents, 0, 700, 33333], 2):
                fee_to = fee_from + timedelta(days=chance.choice([1, 7, 30]))
                status = chance.choice(["finalized", "finalized", "voided", "draft"])
                put_fee(
                    world, customer, put_invoice(world, customer, TODAY, status=status), "subscription", 1,
                    subscription_id=subscription, amount_details={"plan_amount_cents": price},
                    properties={
                        "from_datetime": f"{fee_from}T22:00:00Z", "to_datetime": f"{fee_to}T21:59:59Z"
                    },
                )  # fmt: skip
                if status == "finalized":
                    monthly = round_cents(price * FACTORS[interval])
                    prices |= dict.fromkeys(days_between(fee_from, fee_to - timedelta(days=1)), monthly)
                fee_from = fee_to
            if customer != partner:
                pays_from = since + timedelta(days=10) if trial else since
                monthly = round_cents(cents * FACTORS[interval])
                contracts.append(Contract(customer, plan, currency, since, pays_from, until, monthly, prices))
        waiting = world.subscription(customers[0], plan, "2024-07-01", status="pending")
        world.execute("UPDATE subscriptions SET started_at = NULL WHERE id = %s", waiting)
        yield Book(world, contracts)


def wanted(granularity: str, start: str, end: str, **more: object) -> Any:
    return read_wanted_figures({"time_granularity": granularity, "from_date": start, "to_date": end, **more})


def reckoned(book: Book, granularity: str, start: date, end: date) -> dict[tuple[date, str], dict[str, int]]:
    found: dict[tuple[date, str], dict[str, int]] = {}
    for day in days_between(start, min(end, TODAY)):
        before, after = book.has(day - timedelta(days=1)), book.has(day)
        for customer, currency in after:
            period = found.setdefault((first_day(granularity, day), currency), dict.fromkeys(PARTS, 0))
            was, now = before[customer, currency], after[customer, currency]
            if day == max(start, first_day(granularity, day)):
                period["starting"] += was
            kind = ("new" if not was else "expansion") if now > was else ("churn" if not now else "contraction")
            period[kind] += now - was
            if day == min(end, TODAY) or first_day(granularity, day + timedelta(days=1)) != first_day(granularity, day):
                period["ending"] += now
    return found


@pytest.mark.parametrize(
    ("granularity", "start", "end"),
    [
        ("daily", "2024-02-10", "2024-04-10"),
        ("weekly", "2024-01-17", "2024-06-15"),
        ("monthly", "2023-11-20", "2030-01-01"),
    ],
)
async def test_movements_are_those_of_the_days(book: Book, granularity: str, start: str, end: str) -> None:
    async with tenant_work(book.world.tenant) as work:
        with counted() as statements:
            rows = await contracted_mrrs(work, wanted(granularity, start, end))
    assert len(statements) == 1
    known = reckoned(book, granularity, date.fromisoformat(start), date.fromisoformat(end))
    shown = {(row.first, row.currency): {name: getattr(row, name) for name in PARTS} for row in rows}
    assert shown == {key: known[key] for key in shown}
    assert all(not any(known[key].values()) for key in known.keys() - shown.keys()), "before the first revenue"
    for currency in ("USD", "EUR"):
        of_currency = [row for row in rows if row.currency == currency]
        for row, following in pairwise(of_currency):
            assert following.starting == row.ending
        for row in of_currency:
            assert row.change == row.new + row.expansion + row.contraction + row.churn
            assert row.churn <= 0 >= row.contraction
            assert row.new >= 0 <= row.expansion
    assert any(row.expansion for row in rows)
    assert any(row.contraction for row in rows)


async def test_plans_share_what_the_last_period_ends_with(book: Book) -> None:
    async with tenant_work(book.world.tenant) as work:
        ends = {
            row.currency: row.ending for row in await contracted_mrrs(work, wanted("daily", "2024-06-15", "2024-06-15"))
        }
        with counted() as statements:
            page = await contracted_plans(work, PageRequest(1, 1000), currency=None)
        assert len(statements) == 1
        dollars = await contracted_plans(work, PageRequest(2, 2), currency="USD")
        of_plans = {
            row.code: await contracted_mrrs(work, wanted("daily", "2024-06-15", "2024-06-15", plan_code=row.code))
            for row in page.rows
        }
    assert {row.day for row in page.rows} == {TODAY}
    for currency, ending in ends.items():
        rows = [row for row in page.rows if row.currency == currency]
        assert sum(row.mrr for row in rows) == ending
        assert abs(sum((row.mrr_share or Decimal(0) for row in rows), Decimal(0)) - 1) < Decimal("0.00001")
        assert abs(sum((row.customers_share for row in rows), Decimal(0)) - 1) < Decimal("0.00001")
    for row in page.rows:
        assert [each.ending for each in of_plans[row.code]] == [row.mrr]
        running = [each for each in book.contracts if each.plan == row.id and each.started <= TODAY < each.until]
        assert row.customers == len({each.customer for each in running})
    assert dollars.rows[0].mrr <= page.rows[0].mrr
    assert dollars.total_count == len({row.id for row in page.rows if row.currency == "USD"})


async def test_nothing_is_said_of_days_to_come_or_of_others(book: Book) -> None:
    async with tenant_work(book.world.tenant) as work:
        assert await contracted_mrrs(work, wanted("daily", "2024-06-16", "2030-01-01")) == []
        for name in ("external_customer_id", "external_subscription_id", "plan_code", "billing_entity_code"):
            assert await contracted_mrrs(work, wanted("daily", "2024-01-01", "2024-06-01", **{name: "none"})) == []
