"""Random plans, filters, groups and events through REST, against a reckoning written from the handbook alone.

The reckoning is naive and shares no code with what it checks: metering 7.2, 7.3, 8 and pricing 6 and 7.2.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any
from uuid import UUID

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from rest_api.app import rest_routes
from tests.domain.metering.reckoning import ALL, END, LISTED, Event, buckets, measured, number, price, text
from tests.metering_world import Makers, World

START = datetime(2024, 3, 1, tzinfo=UTC)
NOW = datetime(2024, 3, 20, 12, tzinfo=UTC)
AGGREGATIONS = ("count_agg", "sum_agg", "max_agg", "latest_agg", "unique_count_agg", "weighted_sum_agg")


# The reckoning --------------------------------------------------------------------------------------------------------

Fee = tuple[tuple[tuple[str, str | None], ...], Decimal, int, int]


def reckoned(charge: dict[str, Any], metric: dict[str, Any], events: list[Event]) -> list[tuple[Any, list[Fee]]]:
    """For each filter, the default bucket last: group, units, events count, cents."""
    mine = [event for event in events if event["code"] == metric["code"]]
    rounding = (metric["rounding_function"], metric["rounding_precision"]) if "rounding_function" in metric else None
    filters = charge["filters"]
    found = []
    for taken, within in buckets(filters, mine) if filters else [(None, mine)]:
        terms = taken["properties"] if taken else charge["properties"]
        keys = terms.get("pricing_group_keys", [])
        groups: dict[tuple[tuple[str, str | None], ...], list[Event]] = defaultdict(list)
        for event in within:
            if metric["aggregation_type"] in ("count_agg", "unique_count_agg") or number(event) is not None:
                groups[tuple((key, text(event["properties"].get(key)) or None) for key in keys)].append(event)
        if not groups:
            groups[tuple((key, None) for key in keys)] = []
        fees = []
        for group, of_group in groups.items():
            units, count, values = measured(metric["aggregation_type"], of_group, rounding)
            precise = sum((Decimal(e["precise"]) for e in of_group if e["precise"]), Decimal(0))
            amount = price(charge["charge_model"], terms, metric["aggregation_type"], units, count, values, precise)
            cents = int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))
            if units < 0 or amount < 0:
                units, cents = Decimal(0), 0
            fees.append((group, units, count, cents))
        found.append((taken, fees))
    return found


# Random plans ---------------------------------------------------------------------------------------------------------


def random_terms(chance: random.Random, model: str) -> dict[str, Any]:
    def money() -> str:
        return chance.choice(["0", "1", "0.015", "2.5", "0.333", "10"])

    def ranges(*, volume: bool = False, rate: bool = False) -> list[dict[str, Any]]:
        cuts = sorted(chance.sample(range(2, 30, 3), chance.randrange(3)))
        adjacent = not volume and chance.random() < 0.3
        made: list[dict[str, Any]] = []
        first: int | None = 0
        for last in [*cuts, None]:
            made.append({"from_value": first, "to_value": last, "flat_amount": money(),
                         ("rate" if rate else "per_unit_amount"): money()})  # fmt: skip
            first = last if adjacent else (last or 0) + 1
        return made

    match model:
        case "standard":
            return {"amount": money()}
        case "package":
            return {
                "amount": money(),
                "free_units": chance.choice([0, 3, 10]),
                "package_size": chance.choice([1, 4, 10]),
            }
        case "volume":
            return {"volume_ranges": ranges(volume=True)}
        case "graduated":
            return {"graduated_ranges": ranges()}
        case "graduated_percentage":
            return {"graduated_percentage_ranges": ranges(rate=True)}
        case "percentage":
            terms: dict[str, Any] = {"rate": money(), "fixed_amount": chance.choice([None, "1", "0.5"])}
            terms["free_units_per_events"] = chance.choice([None, None, 1, 3])
            terms["free_units_per_total_aggregation"] = chance.choice([None, None, "5", "12.5"])
            if chance.random() < 0.4:
                terms |= {"per_transaction_min_amount": chance.choice([None, "0.25"]),
                          "per_transaction_max_amount": chance.choice([None, "1.75"])}  # fmt: skip
            return terms
    return {}


def random_filter(chance: random.Random) -> dict[str, list[str]]:
    keys = chance.sample(sorted(LISTED), chance.choice([1, 1, 2]))
    return {key: chance.choice([[ALL], sorted(chance.sample(LISTED[key], chance.randrange(1, 3)))]) for key in keys}


def random_charge(chance: random.Random, metric: dict[str, Any]) -> dict[str, Any]:
    kind = metric["aggregation_type"]
    models = ["standard", "package", "volume", "graduated"]
    if kind != "latest_agg":
        models += ["graduated_percentage"] + ["percentage"] * (kind != "weighted_sum_agg")
    if kind == "sum_agg":
        models.append("dynamic")
    model = chance.choice(models)
    groups = chance.choice([[], [], ["cloud"], ["cloud", "tier"]])

    def terms() -> dict[str, Any]:
        return random_terms(chance, model) | ({"pricing_group_keys": groups} if groups else {})

    filters: list[dict[str, Any]] = []
    for _ in range(chance.choice([0, 0, 1, 2, 3])):
        values = random_filter(chance)
        if all(each["values"] != values for each in filters):
            filters.append({"values": values, "properties": terms()})
    return {"charge_model": model, "properties": terms(), "filters": filters}


def random_events(chance: random.Random, codes: Sequence[str], count: int) -> list[Event]:
    moments = sorted(chance.randrange(0, int((NOW - START).total_seconds())) for _ in range(count))
    made = []
    for seconds in moments:
        properties = {"value": chance.choice(["1", "2", "7", "2.50", 3, "-1", "x", "0.1", "12", "4"])}
        for key, values in (("region", ["eu", "us", "asia", "moon", ""]), ("tier", ["gold", "free", True]),
                            ("cloud", ["aws", "gcp", ""]), ("operation_type", ["add", "remove"])):  # fmt: skip
            if chance.random() < 0.7:
                properties[key] = chance.choice(values)
        made.append({
            "code": chance.choice(codes), "at": START + timedelta(seconds=seconds), "properties": properties,
            "precise": chance.choice([None, "12.5", "100.0001"]),
        })  # fmt: skip
    return made


class Client:
    def __init__(self, world: World) -> None:
        self.world = world

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.world.post(path, body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.mark.parametrize("seed", range(4))
async def test_current_usage_and_the_invoice_are_what_the_handbook_says(makers: Makers, seed: int) -> None:
    chance = random.Random(seed)
    world = await makers.organization(frozen_at=NOW, routes=rest_routes())
    client = Client(world)
    metrics = []
    for place, kind in enumerate([*AGGREGATIONS, *chance.choices(AGGREGATIONS, k=6)]):
        metric: dict[str, Any] = {"code": f"m{place}", "name": f"m{place:02}", "aggregation_type": kind}
        metric["filters"] = [{"key": key, "values": texts} for key, texts in LISTED.items()]
        if kind != "count_agg":
            metric["field_name"] = "value"
        if kind == "weighted_sum_agg":
            metric["weighted_interval"] = "seconds"
        if chance.random() < 0.3:
            metric |= {"rounding_function": chance.choice(["round", "ceil", "floor"]), "rounding_precision": 0}
        metric["id"] = (await client.post("/billable_metrics", {"billable_metric": metric}))["billable_metric"][
            "lago_id"
        ]
        metrics.append(metric)
    charges = [random_charge(chance, metric) for metric in metrics]
    plan = {"code": "plan", "name": "Plan", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",
            "pay_in_advance": False,
            "charges": [{**charge, "billable_metric_id": metric["id"]}
                        for charge, metric in zip(charges, metrics, strict=True)]}  # fmt: skip
    await client.post("/plans", {"plan": plan})
    await client.post("/customers", {"customer": {"external_id": "cust", "currency": "EUR"}})
    made = await client.post("/subscriptions", {"subscription": {
        "external_customer_id": "cust", "external_id": "sub", "plan_code": "plan", "subscription_at": START.isoformat(),
    }})  # fmt: skip
    events = random_events(chance, [metric["code"] for metric in metrics], 240)
    sent = [
        {"transaction_id": f"t{n}", "code": event["code"], "external_subscription_id": "sub",
         "timestamp": event["at"].timestamp(), "properties": event["properties"],
         "precise_total_amount_cents": event["precise"]}
        for n, event in enumerate(events)
    ]  # fmt: skip
    shuffled = chance.sample(sent, len(sent))
    for start in range(0, len(shuffled), 80):
        await client.post("/events/batch", {"events": shuffled[start : start + 80]})

    answer = await world.get("/customers/cust/current_usage", external_subscription_id="sub")
    assert answer.status_code == 200, answer.text
    shown = {each["billable_metric"]["code"]: each for each in answer.json()["customer_usage"]["charges_usage"]}
    billed: dict[str, list[str]] = {}
    with localcontext(prec=60):
        for charge, metric in zip(charges, metrics, strict=True):
            expected = reckoned(charge, metric, events)
            one = shown[metric["code"]]
            fees = [fee for _, of_filter in expected for fee in of_filter]
            told = (seed, metric["code"], charge)
            assert one["amount_cents"] == sum(fee[3] for fee in fees), told
            assert Decimal(one["units"]) == sum(fee[1] for fee in fees), told
            assert one["events_count"] == sum(fee[2] for fee in fees), told
            if charge["filters"]:
                assert [(Decimal(each["units"]), each["amount_cents"]) for each in one["filters"]] == [
                    (sum(fee[1] for fee in of_filter), sum(fee[3] for fee in of_filter)) for _, of_filter in expected
                ], told
            grouped = {tuple(sorted(each["grouped_by"].items())): each["amount_cents"] for each in one["grouped_usage"]}
            for group, cents in grouped.items():
                assert cents == sum(fee[3] for fee in fees if tuple(sorted(fee[0])) == group), told
            billed[metric["code"]] = sorted(
                repr((sorted(group), units.normalize() + 0, count, cents))
                for group, units, count, cents in fees if units or count or cents
            )  # fmt: skip

    async with tenant_work(Tenant(world.tenant.organization_id, END + timedelta(hours=1))) as work:
        request = BillRequest(
            (UUID(made["subscription"]["lago_id"]),), END + timedelta(hours=1), "subscription_periodic"
        )
        await bill_subscriptions(work, [request])
    rows = world.rows(
        """
        SELECT m.code, f.grouped_by, f.units, f.events_count, f.amount_cents FROM fees f
        JOIN charges c ON c.id = f.charge_id JOIN billable_metrics m ON m.id = c.billable_metric_id
        WHERE f.organization_id = %s AND f.fee_type = 'charge'
        """,
        world.tenant.organization_id,
    )
    for code, expected_fees in billed.items():
        found = sorted(
            repr((sorted(group.items()), units.normalize() + 0, count, cents))
            for each, group, units, count, cents in rows
            if each == code
        )
        assert found == expected_fees, (seed, code)
