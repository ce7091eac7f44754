"""Revenue figures over random invoices, against the invoices themselves."""

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

from domain.insight.invoiced_usage import invoiced_usage_of_periods
from domain.insight.periods import first_day
from domain.insight.revenue import ORDERS, revenue_of_customers, revenue_of_plans, revenue_streams
from domain.insight.revenue_lines import DEDUCTIONS, STREAMS
from domain.insight.wanted import everything, read_wanted_figures
from domain.kernel.pagination import PageRequest
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.domain.insight.figures import counted, put_fee, put_invoice

KINDS = ("charge", "add_on", "subscription", "commitment", "fixed_charge")
STREAM_OF = {kind: stream for stream, kinds in STREAMS.items() for kind in kinds}
START = date(2024, 1, 1)
ALL = PageRequest(1, 1000)


@dataclass
class Book:
    """What counts of what was put in: (day, currency, customer, stream, cents), (day, currency, customer, name, cents),
    and what the invoices say is to be paid less taxes."""

    world: World
    fees: list[tuple[date, str, UUID, str, int]] = field(default_factory=list)
    taken: list[tuple[date, str, UUID, str, int]] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    codes: list[str] = field(default_factory=list)


def parts(chance: random.Random, whole: int, count: int) -> list[int]:
    cuts = sorted(chance.randint(0, whole) for _ in range(count - 1))
    return [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]


@pytest.fixture(scope="module")
def book(migrated: str) -> Iterator[Book]:
    chance = random.Random(20260101)
    with World(instant("2024-06-15")) as world:
        book = Book(world)
        tax = 20
        customers = [
            world.customer(account_type="partner" if number == 4 else "customer", country="FR" if number % 2 else "DE")
            for number in range(5)
        ]
        plans = [world.plan(1000, code=f"plan{number}") for number in range(3)]
        plans.append(world.plan(900, code="plan0", parent_id=plans[0]))
        book.codes = ["plan0", "plan1", "plan2"]
        charges = {plan: world.charge(plan, world.metric(f"m{n}"), "standard", {}) for n, plan in enumerate(plans)}
        subscriptions = {
            each: [(plan, world.subscription(each, plan, "2024-01-01")) for plan in plans] for each in customers
        }
        for _ in range(60):
            customer = chance.choice(customers)
            day, currency = START + timedelta(days=chance.randrange(150)), chance.choice(["USD", "USD", "EUR"])
            status = chance.choice(["finalized"] * 6 + ["draft", "voided", "pending"])
            lost = instant("2024-05-01") if chance.random() < 0.1 else None
            fees = [
                (chance.choice(KINDS), chance.choice([0, 1, 7, 333, 1000, 12345])) for _ in range(chance.randint(1, 5))
            ]
            lines = [(kind, cents) for kind, cents in fees if kind != "credit"] or [("add_on", 100)]
            gross = sum(cents for _, cents in lines)
            lowered = [chance.randint(0, cents) for _, cents in lines]
            coupons, progressive = parts(chance, sum(lowered), 2)
            taxes = [(cents - less) * tax // 100 for (_, cents), less in zip(lines, lowered, strict=True)]
            to_pay = gross - sum(lowered) + sum(taxes)
            notes, free, prepaid, total = parts(chance, to_pay, 4)
            invoice = put_invoice(
                world, customer, day, status=status, currency=currency, payment_dispute_lost_at=lost,
                self_billed=customer == customers[4], fees_amount_cents=gross, coupons_amount_cents=coupons,
                progressive_billing_credit_amount_cents=progressive, credit_notes_amount_cents=notes,
                prepaid_credit_amount_cents=free + prepaid, prepaid_granted_credit_amount_cents=free or None,
                taxes_amount_cents=sum(taxes), total_amount_cents=total,
            )  # fmt: skip
            for (kind, cents), less, owed in zip(lines, lowered, taxes, strict=True):
                plan, subscription = chance.choice(subscriptions[customer])
                put_fee(
                    world, customer, invoice, kind, cents, lowered=less, taxes_amount_cents=owed,
                    amount_currency=currency, subscription_id=None if kind == "add_on" else subscription,
                    charge_id=charges[plan] if kind == "charge" else None,
                )  # fmt: skip
            # Credits that are sold are no revenue, on whatever invoice they stand.
            put_fee(world, customer, invoice, "credit", 5000, amount_currency=currency)
            if status == "finalized" and lost is None and customer != customers[4]:
                book.fees.extend((day, currency, customer, STREAM_OF[kind], cents) for kind, cents in lines)
                values = {"coupons": coupons, "progressive": progressive, "notes": notes, "free": free}
                values["prepaid"] = prepaid
                book.taken.extend((day, currency, customer, name, cents) for name, cents in values.items())
                book.left[currency] += total - sum(taxes)
        # A fee in advance without an invoice counts on the day it was made.
        made = instant("2024-03-03T12:00:00")
        put_fee(
            world, customers[0], None, "charge", 777, pay_in_advance=True, created_at=made,
            subscription_id=subscriptions[customers[0]][0][1],
        )  # fmt: skip
        book.fees.append((date(2024, 3, 3), "USD", customers[0], "usage", 777))
        book.left["USD"] += 777
        yield book


def wanted(granularity: str, **more: object) -> Any:
    span = {"from_date": "2024-01-01", "to_date": "2024-06-30"}
    return read_wanted_figures({"time_granularity": granularity, **span, **more})


@pytest.mark.parametrize("granularity", ["daily", "weekly", "monthly"])
async def test_streams_are_the_fees_and_deductions_of_the_invoices(book: Book, granularity: str) -> None:
    async with tenant_work(book.world.tenant) as work:
        with counted() as statements:
            rows = await revenue_streams(work, wanted(granularity))
    assert len(statements) == 1
    known: dict[tuple[date, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys((*STREAMS, *DEDUCTIONS), 0))
    for day, currency, _, name, cents in (*book.fees, *book.taken):
        known[first_day(granularity, day), currency][name] += cents
    assert [(row.first, row.currency) for row in rows] == sorted(known)
    for row in rows:
        assert {name: getattr(row, name) for name in (*STREAMS, *DEDUCTIONS)} == known[row.first, row.currency]
        assert row.gross == row.subscription + row.usage + row.one_off + row.commitment
        assert row.net == row.gross - row.coupons - row.notes - row.free - row.prepaid - row.progressive
    for currency, left in book.left.items():
        assert sum(row.net for row in rows if row.currency == currency) == left, "what is to be paid, less taxes"


async def test_filters_split_the_whole_to_the_cent(book: Book) -> None:
    filters: list[tuple[str, list[object]]] = [
        ("currency", ["USD", "EUR"]), ("customer_country", ["FR", "DE"]), ("is_customer_tin_empty", [True, False]),
        ("external_customer_id", [f"customer-{number}" for number in range(1, 6)]),
    ]  # fmt: skip
    async with tenant_work(book.world.tenant) as work:
        whole = await revenue_streams(work, wanted("monthly"))
        for name, values in filters:
            found = [row for value in values for row in await revenue_streams(work, wanted("monthly", **{name: value}))]
            for part in ("gross", "net", *DEDUCTIONS):
                assert sum(getattr(row, part) for row in found) == sum(getattr(row, part) for row in whole), name
        # Fees of plans and those of none; a plan of a single subscription has the code of its own.
        of_plans = [
            row for code in book.codes for row in await revenue_streams(work, wanted("monthly", plan_code=code))
        ]
        for kind in ("subscription", "usage", "commitment"):
            assert sum(getattr(row, kind) for row in of_plans) == sum(getattr(row, kind) for row in whole)
        assert sum(row.one_off for row in of_plans) == 0
        nothing = {"billing_entity_code": "other", "customer_type": "company", "external_subscription_id": "none"}
        for name, value in nothing.items():
            assert await revenue_streams(work, wanted("monthly", **{name: value})) == []


@pytest.mark.parametrize("order_by", ORDERS)
async def test_customers_and_plans_share_the_whole(book: Book, order_by: str) -> None:
    async with tenant_work(book.world.tenant) as work:
        with counted() as statements:
            customers = await revenue_of_customers(work, ALL, currency=None, order_by=order_by)
            plans = await revenue_of_plans(work, ALL, currency=None, order_by=order_by)
        assert len(statements) == 2
        streams = await revenue_streams(work, everything())
        first = await revenue_of_customers(work, PageRequest(1, 3), currency="USD", order_by=order_by)
        second = await revenue_of_customers(work, PageRequest(2, 3), currency="USD", order_by=order_by)
        beyond = await revenue_of_plans(work, PageRequest(9, 3), currency="USD", order_by=order_by)
        of_plans = [await revenue_streams(work, wanted("monthly", plan_code=code)) for code in book.codes]
    known: dict[tuple[UUID, str], int] = defaultdict(int)
    for _, currency, customer, _, cents in book.fees:
        known[customer, currency] += cents
    assert {(row.id, row.currency): row.gross for row in customers.rows} == known
    for rows, lists in (
        (customers.rows, ("gross_share", "net_share")),
        (plans.rows, ("gross_share", "customers_share")),
    ):
        for currency in ("USD", "EUR"):
            for name in lists:
                total = sum((getattr(row, name) for row in rows if row.currency == currency), Decimal(0))
                assert abs(total - 1) < Decimal("0.00001"), name
    for currency in ("USD", "EUR"):
        net = sum(row.net for row in customers.rows if row.currency == currency)
        assert net == sum(row.net for row in streams if row.currency == currency) == book.left[currency]
    assert sum(row.net for row in plans.rows) == sum(row.net for rows in of_plans for row in rows)
    key = "gross" if order_by.startswith("gross") else "net"
    amounts = [getattr(row, key) for row in (*first.rows, *second.rows)]
    assert amounts == sorted(amounts, reverse=True)
    assert (first.total_count, len(first.rows), len(second.rows), first.next_page) == (4, 3, 1, 2)
    assert (beyond.rows, beyond.total_count) == ([], 3)


async def test_invoiced_usage_is_that_of_the_streams_less_what_lowered_it(book: Book) -> None:
    async with tenant_work(book.world.tenant) as work:
        with counted() as statements:
            rows = await invoiced_usage_of_periods(work, wanted("monthly"))
        assert len(statements) == 1
        some = await invoiced_usage_of_periods(work, wanted("monthly", billable_metric_code="m1"))
        none = [
            await invoiced_usage_of_periods(work, wanted("monthly", **{name: "x, y"}))
            for name in ("grouped_by", "filter_values", "plan_code")
        ]
    billed = book.world.execute(
        "SELECT i.currency, m.code, sum(f.amount_cents - f.precise_coupons_amount_cents) FROM fees f"
        " JOIN invoices i ON i.id = f.invoice_id JOIN charges c ON c.id = f.charge_id"
        " JOIN billable_metrics m ON m.id = c.billable_metric_id"
        " WHERE f.organization_id = %s AND i.status = 'finalized' AND NOT i.self_billed"
        " AND i.payment_dispute_lost_at IS NULL GROUP BY 1, 2", book.world.organization_id,
    )  # fmt: skip
    assert {(row.currency, row.code): row.amount_cents for row in rows} == {tuple(row[:2]): row[2] for row in billed}
    assert [row for row in rows if row.code == "m1"] == list(some)
    assert none == [[], [], []]
