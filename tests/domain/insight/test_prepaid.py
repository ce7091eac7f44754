"""Prepaid credits by period, over random movements."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.insight.periods import first_day
from domain.insight.prepaid import prepaid_movements
from domain.insight.wanted import everything, read_wanted_figures
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.domain.insight.figures import counted, put_invoice

NAMES = {"purchased": "purchased", "granted": "offered", "invoiced": "consumed", "voided": "voided"}
INBOUND = ("purchased", "granted")


async def test_movements_sum_to_the_balances_and_what_was_given_back_was_never_spent(migrated: str) -> None:
    chance = random.Random(20260103)
    with World(instant("2024-06-15")) as world:
        known: dict[tuple[date, str, str], int] = defaultdict(int)
        balances: dict[str, int] = defaultdict(int)
        wallets = [
            (world.customer(), currency, rate)
            for currency, rate in (("USD", 1), ("USD", Decimal("0.5")), ("JPY", 10), ("USD", 1))
        ]
        partner, _, _ = wallets[3]
        world.execute("UPDATE customers SET account_type = 'partner' WHERE id = %s", partner)
        for customer, currency, rate in wallets:
            subscription = world.subscription(customer, world.plan(0, code=f"of-{customer}"), "2024-01-01")
            wallet = world.insert(
                "wallets", organization_id=world.organization_id, customer_id=customer, code="w", currency=currency,
                rate_amount=rate, credits_balance=0, consumed_credits=0, credits_ongoing_usage_balance=0,
                credits_ongoing_balance=0, allowed_fee_types=[],
            )  # fmt: skip
            assert subscription
            for _ in range(25):
                kind, cents = chance.choice(list(NAMES)), chance.choice([1, 50, 999])
                status = chance.choice(["settled", "settled", "settled", "pending", "failed"])
                day = date(2024, 1, 1) + timedelta(days=chance.randrange(100))
                settled = status == "settled"
                invoice = put_invoice(world, customer, day) if kind in ("purchased", "invoiced") else None
                values = {"wallet_id": wallet, "amount_cents": cents, "credit_amount": cents, "status": status}
                values |= {"settled_at": datetime(day.year, day.month, day.day, 23, tzinfo=UTC) if settled else None}
                world.insert(
                    "wallet_transactions", organization_id=world.organization_id, invoice_id=invoice,
                    transaction_type="inbound" if kind in INBOUND else "outbound", transaction_status=kind,
                    remaining_amount_cents=cents if settled and kind in INBOUND else None,
                    transaction_metadata="[]", **values,
                )  # fmt: skip
                returned = settled and kind == "invoiced" and chance.random() < 0.5
                if returned:
                    world.insert(
                        "wallet_transactions", organization_id=world.organization_id, voided_invoice_id=invoice,
                        transaction_type="inbound", transaction_status="granted", remaining_amount_cents=cents,
                        transaction_metadata="[]", **values | {"settled_at": world.now},
                    )  # fmt: skip
                if settled and customer != partner and not returned:
                    known[day, currency, NAMES[kind]] += cents
                    balances[currency] += cents if kind in INBOUND else -cents
        async with tenant_work(world.tenant) as work:
            with counted() as statements:
                rows = await prepaid_movements(
                    work,
                    read_wanted_figures(
                        {"time_granularity": "weekly", "from_date": "2024-01-01", "to_date": "2024-06-30"}
                    ),
                )
            assert len(statements) == 1
            in_all = await prepaid_movements(work, everything())
            first = f"of-{wallets[0][0]}"
            half = read_wanted_figures({"plan_code": first, "from_date": "2024-01-01", "to_date": "2024-06-30"})
            of_plan = await prepaid_movements(work, half)
            nobody = read_wanted_figures({"external_subscription_id": "none", "from_date": "2024-01-01"})
            assert await prepaid_movements(work, nobody) == []
    weeks: dict[tuple[date, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(NAMES.values(), 0))
    for (day, currency, name), cents in known.items():
        weeks[first_day("weekly", day), currency][name] += cents
    assert {
        (row.first, row.currency): {name: getattr(row, f"{name}_cents") for name in NAMES.values()} for row in rows
    } == weeks
    assert all(row.consumed_credits == row.consumed_cents for row in rows)
    for currency, balance in balances.items():
        moved = [row for row in in_all if row.currency == currency]
        signs = {"purchased": 1, "offered": 1, "consumed": -1, "voided": -1}
        assert sum(sign * getattr(row, f"{name}_cents") for row in moved for name, sign in signs.items()) == balance
    assert 0 < sum(row.purchased_cents for row in of_plan) < sum(row.purchased_cents for row in rows)
