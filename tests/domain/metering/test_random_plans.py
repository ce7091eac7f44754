"""Random plans, filters, groups and events through REST, against a reckoning written from the handbook alone.

The reckoning is naive and shares no code with what it checks: metering 7.2, 7.3, 8 and pricing 6 and 7.2.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from rest_api.app import rest_routes
from tests.metering_world import Makers, World

START = datetime(2024, 3, 1, tzinfo=UTC)
NOW = datetime(2024, 3, 20, 12, tzinfo=UTC)
END = datetime(2024, 4, 1, tzinfo=UTC)
LISTED = {"region": ["eu", "us", "asia"], "tier": ["gold", "free", "true"]}
ALL = "__ALL_FILTER_VALUES__"
AGGREGATIONS = ("count_agg", "sum_agg", "max_agg", "latest_agg", "unique_count_agg", "weighted_sum_agg")
Event = dict[str, Any]


# The reckoning --------------------------------------------------------------------------------------------------------


def text(value: Any) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def number(event: Event) -> Decimal | None:
    found = text(event["properties"].get("value"))
    return Decimal(found) if found is not None and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", found) else None


def has(event: Event, wanted: dict[str, set[str]], missing: str | None = None) -> bool:
    found = {key: text(event["properties"].get(key)) for key in wanted}
    return all((missing if found[key] is None else found[key]) in values for key, values in wanted.items())


def buckets(filters: list[dict[str, Any]], events: list[Event]) -> list[tuple[dict[str, Any] | None, list[Event]]]:
    """Which filter takes which events (7.2 A); the default bucket last."""
    sets = [{key: set(LISTED[key] if values == [ALL] else values) for key, values in each["values"].items()}
            for each in filters]  # fmt: skip
    found: list[tuple[dict[str, Any] | None, list[Event]]] = []
    for n, mine in enumerate(sets):
        ignored: list[dict[str, set[str]]] = []
        for m, other in enumerate(sets):
            if m == n or not all(key in other and mine[key] & other[key] for key in mine):
                continue
            if set(other) != set(mine):
                ignored.append(other)
            elif other == mine:
                if m < n:
                    ignored.append(other)
            elif all(other[key] <= mine[key] for key in mine):
                ignored.append(other)
            else:
                rest = {}
                for key in mine:
                    left = other[key] if filters[n]["values"][key] == [ALL] else other[key] - mine[key]
                    if left:
                        rest[key] = left
                if rest:
                    ignored.append(rest)
        taken = [event for event in events if has(event, mine) and not any(has(event, each, "") for each in ignored)]
        found.append((filters[n], taken))
    rest_of = [event for event in events if not any(has(event, each, "") for each in sets)]
    return [*found, (None, rest_of)]


def measured(kind: str, events: list[Event], rounding: tuple[str, int] | None) -> tuple[Decimal, int, list[Decimal]]:
    """Units, events count, values of the events (8.2 to 8.6). Events are in order."""
    numbers = [(event, value) for event in events if (value := number(event)) is not None]
    values = [value for _, value in numbers]
    units, count = Decimal(0), len(values)
    if kind == "count_agg":
        units, count, values = Decimal(len(events)), len(events), [Decimal(1)] * len(events)
    elif kind == "sum_agg":
        units = sum(values, Decimal(0))
    elif kind == "max_agg":
        units = max(values, default=Decimal(0))
        first = values.index(units) if values else 0
        values = [value if place == first else Decimal(0) for place, value in enumerate(values)]
    elif kind == "latest_agg":
        units = max(values[-1], Decimal(0)) if values else units
    elif kind == "unique_count_agg":
        active: dict[str, bool] = {}
        for event in events:
            operation = text(event["properties"].get("operation_type"))
            if operation in (None, "add", "remove"):
                item = text(event["properties"].get("value"))
                active["null" if item is None else item] = operation != "remove"
        count = sum(active.values())
        units, values = Decimal(count), [Decimal(1)] * count
    else:
        for event, value in numbers:
            units += value * int((END - event["at"]).total_seconds())
        units = (units / (31 * 86400)).quantize(Decimal(1).scaleb(-20), ROUND_CEILING)
    if rounding:
        mode = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}[rounding[0]]
        units = units.quantize(Decimal(1).scaleb(-rounding[1]), mode)
    return units, count, values


def running(kind: str, units: Decimal, values: list[Decimal], free: int, amount: Decimal) -> list[Decimal]:
    """The running list of a percentage charge (8.8)."""
    if not free and not amount:
        return []
    if kind in ("count_agg", "unique_count_agg"):
        return [Decimal(n + 1) for n in range(int(units))]
    if kind != "sum_agg":
        return []
    found: list[Decimal] = []
    for value in values:
        found.append((found[-1] if found else Decimal(0)) + value)
        if free and len(found) == free:
            break
        if not free and found[-1] > amount:
            break
    return found


def price(model: str, terms: dict[str, Any], kind: str, units: Decimal, count: int, values: list[Decimal],
          precise: Decimal) -> Decimal:  # fmt: skip
    if model == "standard":
        return units * Decimal(terms["amount"])
    if model == "package":
        paid = units - terms["free_units"]
        packages = (paid / terms["package_size"]).to_integral_value(ROUND_CEILING) if paid > 0 else Decimal(0)
        return packages * Decimal(terms["amount"])
    if model == "dynamic":
        return precise / 100 if units else Decimal(0)
    if model == "volume":
        for each in terms["volume_ranges"]:
            units = max(units, Decimal(0))
            whole = units.to_integral_value(ROUND_CEILING)
            if each["from_value"] <= whole and (each["to_value"] is None or units <= each["to_value"]):
                return units * Decimal(each["per_unit_amount"]) + Decimal(each["flat_amount"])
        raise AssertionError(units)
    if model in ("graduated", "graduated_percentage"):
        ranges = terms[f"{model}_ranges"]
        adjacent = model == "graduated" and len(ranges) > 1 and all(
            one["to_value"] == other["from_value"] for one, other in pairwise(ranges)
        )  # fmt: skip
        total = Decimal(0)
        for each in ranges:
            first, last = each["from_value"], each["to_value"]
            end = Decimal(last) if last is not None and units >= last else units
            within = end if first == 0 else end - first + (0 if adjacent else 1)
            rate = Decimal(each["per_unit_amount"]) if model == "graduated" else Decimal(each["rate"]) / 100
            total += within * rate + Decimal(each["flat_amount"])
            if last is None or last >= units:
                break
        return total
    return percentage(terms, kind, units, count, values)


def percentage(terms: dict[str, Any], kind: str, units: Decimal, count: int, values: list[Decimal]) -> Decimal:
    rate, fixed = Decimal(terms["rate"]), Decimal(terms.get("fixed_amount") or 0)
    free, amount = terms.get("free_units_per_events") or 0, Decimal(terms.get("free_units_per_total_aggregation") or 0)
    least, most = terms.get("per_transaction_min_amount"), terms.get("per_transaction_max_amount")
    if least or most:
        total, left, money = Decimal(0), free, amount
        for value in values:
            if left > 0 or money > 0:
                left -= 1
                if money <= 0:
                    continue
                if money > value:
                    money -= value
                    continue
                value, money, left = value - money, Decimal(0), 0
            fee = value * rate / 100 + fixed
            if least:
                fee = max(fee, Decimal(least))
            if most:
                fee = min(fee, Decimal(most))
            total += fee
        return total
    listed = running(kind, units, values, free, amount)
    if not listed or listed[-1] == 0:
        free_units = Decimal(0)
    elif 0 < free < len(listed):
        free_units = listed[free - 1]
    else:
        free_units = listed[-1] if not amount or listed[-1] <= amount else amount
    below = sum(1 for each in listed if each < amount)
    free_count = min((each for each in (free, below) if each), default=0)
    part = Decimal(0) if free_units > units else (units - free_units) * rate / 100
    return part + (Decimal(0) if not units or free_count >= count else (count - free_count) * fixed)


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
