"""Usage and prices reckoned naively from the handbook alone: metering 7.2, 7.3, 8 and pricing 6.

Shares no code with what it checks. Events are in order; `at` is an event's time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

__all__ = ["ALL", "END", "LISTED", "Event", "buckets", "has", "measured", "number", "price", "text"]

END = datetime(2024, 4, 1, tzinfo=UTC)
LISTED = {"region": ["eu", "us", "asia"], "tier": ["gold", "free", "true"]}
ALL = "__ALL_FILTER_VALUES__"
Event = dict[str, Any]


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
