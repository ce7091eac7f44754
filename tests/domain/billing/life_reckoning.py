"""What successive invoices of one external id must show, reckoned naively from the handbook: metering 7 to 12.

State is kept in plain lists and history is read whole for every window. Shares no code with what it checks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from tests.domain.metering.reckoning import Event, buckets, number, price, text

__all__ = ["Charge", "Life", "Line", "Window"]

Group = tuple[tuple[str, str | None], ...]
ZERO = Decimal(0)
Bucket = int | None
"""The place of a filter, None for the default bucket."""


@dataclass(frozen=True)
class Charge:
    """A charge with its metric, as the plan has it; of two plans the same metric has the same code."""

    name: str
    code: str
    kind: str
    recurring: bool
    prorated: bool
    in_advance: bool
    invoiceable: bool
    model: str
    properties: dict[str, Any]
    filters: tuple[dict[str, Any], ...]
    rounding: tuple[str, int] | None

    def terms(self, bucket: Bucket) -> dict[str, Any]:
        found: dict[str, Any] = self.properties if bucket is None else self.filters[bucket]["properties"]
        return found


@dataclass(frozen=True)
class Window:
    """start and end included; duration: days of the whole period."""

    start: datetime
    end: datetime
    duration: int
    upgraded: bool = False
    has_predecessor: bool = False


@dataclass(frozen=True)
class Line:
    """One fee. units as the fee shows them."""

    charge: str
    bucket: Bucket
    group: Group
    units: Decimal
    cents: int
    events: int


@dataclass
class State:
    at: datetime
    place: int
    current: Decimal
    highest: Decimal
    prorated: Decimal


@dataclass
class Life:
    """The events of one external id and what earlier invoices left behind."""

    zone: ZoneInfo
    events: list[Event] = field(default_factory=list)
    levels: dict[tuple[str, Bucket, Group], list[tuple[datetime, Decimal]]] = field(default_factory=dict)
    states: dict[tuple[str, Bucket, Group], list[State]] = field(default_factory=dict)

    # Days ---------------------------------------------------------------------------------------------------------

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def days(self, start: datetime, end: datetime) -> int:
        """10.1"""
        wall_start, wall_end = (each.astimezone(self.zone).replace(tzinfo=None) for each in (start, end))
        if wall_end.hour == wall_end.minute == wall_end.second == wall_end.microsecond == 0:
            wall_end += timedelta(seconds=1)
        return max(ceil((wall_end - wall_start) / timedelta(days=1)), 0)

    # Usage of a bucket and group ------------------------------------------------------------------------------------

    def _known(self, charge: Charge, until: datetime) -> list[Event]:
        mine = [event for event in self.events if event["code"] == charge.code and event["at"] <= until]
        return sorted(mine, key=lambda event: (event["at"], event["arrived"], event["place"]))

    def _groups(self, charge: Charge, events: list[Event]) -> Iterable[tuple[Bucket, Group, list[Event]]]:
        filters = list(charge.filters)
        split = buckets(filters, events) if filters else [(None, events)]
        for taken, within in split:
            bucket = None if taken is None else filters.index(taken)
            groups: dict[Group, list[Event]] = defaultdict(list)
            for event in within:
                if charge.kind in ("count_agg", "unique_count_agg") or number(event) is not None:
                    groups[self.group(charge, bucket, event)].append(event)
            yield from ((bucket, group, of_group) for group, of_group in groups.items())

    def group(self, charge: Charge, bucket: Bucket, event: Event) -> Group:
        keys = charge.terms(bucket).get("pricing_group_keys", [])
        return tuple((key, text(event["properties"].get(key)) or None) for key in keys)

    def _unique(self, events: list[Event]) -> dict[str, list[tuple[Event, str]]]:
        items: dict[str, list[tuple[Event, str]]] = defaultdict(list)
        for event in events:
            item = text(event["properties"].get("value"))
            operation = text(event["properties"].get("operation_type")) or "add"
            items["null" if item is None else item].append((event, operation))
        return items

    def _active(self, events: list[Event]) -> int:
        return sum(1 for changes in self._unique(events).values() if changes[-1][1] == "add")

    def _prorated_sum(self, events: list[Event], window: Window) -> tuple[Decimal, Decimal]:
        """10.2: prorated and full units."""
        carried = sum((number(e) or ZERO for e in events if e["at"] < window.start), Decimal(0))
        held = max(self.days(window.start, window.end) - window.upgraded, 0)
        total = carried * held
        for event in events:
            if event["at"] >= window.start:
                total += (number(event) or ZERO) * ((self.day(window.end) - self.day(event["at"])).days + 1)
        full = sum((number(e) or ZERO for e in events), Decimal(0))
        return ceil5(total, window.duration), full

    def _prorated_unique(self, events: list[Event], window: Window) -> tuple[Decimal, Decimal]:
        """10.3"""
        first, last = self.day(window.start), self.day(window.end)
        total = 0
        for changes in self._unique(events).values():
            days = [self.day(event["at"]) for event, _ in changes]
            kept: list[tuple[str, date]] = []
            for n, (_, operation) in enumerate(changes):
                taken_back = (
                    operation == "remove" and n + 1 < len(changes) and changes[n + 1][1] == "add"
                    and days[n + 1] == days[n]
                )  # fmt: skip
                if not taken_back and operation != (kept[-1][0] if kept else "remove"):
                    kept.append((operation, days[n]))
            for n, (operation, day) in enumerate(kept):
                following = kept[n + 1][1] if n + 1 < len(kept) else None
                if operation == "add" and not (following is not None and following < first):
                    total += ((following or last) - max(day, first)).days + 1
        return ceil5(Decimal(total), window.duration), Decimal(self._active(events))

    # Invoices of periods ---------------------------------------------------------------------------------------------

    def invoice(self, charges: Iterable[Charge], window: Window, following: Iterable[str] | None, ended: bool
                ) -> list[Line]:  # fmt: skip
        """The fees of a period. following: the metrics of the plan upgraded to. ended: without successor."""
        lines: list[Line] = []
        for charge in charges:
            if charge.in_advance and (not charge.recurring or ended or following is not None):
                continue
            if following is not None and charge.recurring and not charge.prorated and charge.code in following:
                continue
            lines += self._weighted(charge, window) if charge.kind == "weighted_sum_agg" else self._fees(charge, window)
        return [line for line in lines if line.units or line.cents or line.events]

    def _fees(self, charge: Charge, window: Window) -> Iterable[Line]:
        history = charge.recurring and charge.kind in ("sum_agg", "unique_count_agg")
        known = [e for e in self._known(charge, window.end) if history or e["at"] >= window.start]
        found: set[tuple[Bucket, Group]] = set()
        for bucket, group, events in self._groups(charge, known):
            found.add((bucket, group))
            values = [value for event in events if (value := number(event)) is not None]
            full = None
            count = len(values)
            prorated = charge.prorated and not charge.in_advance
            match charge.kind:
                case "count_agg":
                    units, count = Decimal(len(events)), len(events)
                case "sum_agg" if prorated:
                    units, full = self._prorated_sum(events, window)
                case "sum_agg":
                    units = sum(values, Decimal(0))
                case "max_agg":
                    units = max(values)
                case "latest_agg":
                    units = max(values[-1], Decimal(0))
                case _:
                    units, count = Decimal(self._active(events)), self._active(events)
                    if prorated:
                        units, full = self._prorated_unique(events, window)
            units, full = rounded(units, charge.rounding), None if full is None else rounded(full, charge.rounding)
            yield line(charge, bucket, group, units, full, count, values)
        for bucket in [*range(len(charge.filters)), None]:
            if not any(each == bucket for each, _ in found):
                keys = charge.terms(bucket).get("pricing_group_keys", [])
                yield line(charge, bucket, tuple((key, None) for key in keys), Decimal(0), None, 0, [])

    def _weighted(self, charge: Charge, window: Window) -> Iterable[Line]:
        """8.6 and 9.3"""
        before = [e for e in self._known(charge, window.start - timedelta(seconds=1)) if number(e) is not None]
        within = [e for e in self._known(charge, window.end) if e["at"] >= window.start]
        initial: dict[tuple[Bucket, Group], Decimal] = {}
        if charge.recurring:
            summed = {(bucket, group): sum((number(e) or ZERO for e in events), Decimal(0))
                      for bucket, group, events in self._groups(charge, before)}  # fmt: skip
            for bucket in [*range(len(charge.filters)), None]:
                kept: dict[Group, Decimal] = {}
                for (name, of, group), levels in self.levels.items():
                    earlier = [level for at, level in sorted(levels) if at < window.start]
                    if (name, of) == (charge.name, bucket) and earlier:
                        kept[group] = earlier[-1]
                if not kept and window.has_predecessor:
                    kept = {group: level for (of, group), level in summed.items() if of == bucket}
                initial |= {(bucket, group): level for group, level in kept.items()}
        end = window.end + timedelta(microseconds=1) if window.end.microsecond else window.end
        events_of = {(bucket, group): events for bucket, group, events in self._groups(charge, within)}
        for bucket in [*range(len(charge.filters)), None]:
            keys = charge.terms(bucket).get("pricing_group_keys", [])
            groups = dict.fromkeys(group for of, group in [*initial, *events_of] if of == bucket)
            for group in groups or {tuple((key, None) for key in keys): None}:
                level = initial.get((bucket, group), Decimal(0))
                events = events_of.get((bucket, group), [])
                total = level * seconds(window.start, end)
                for event in events:
                    total += (number(event) or ZERO) * seconds(event["at"], end)
                level += sum((number(e) or ZERO for e in events), Decimal(0))
                units = (total / (window.duration * 86400)).quantize(Decimal(1).scaleb(-20), ROUND_CEILING)
                if charge.recurring:
                    levels = self.levels.setdefault((charge.name, bucket, group), [])
                    at = events[-1]["at"] if events else window.start
                    if all(each != at for each, _ in levels):
                        levels.append((at, level))
                yield line(charge, bucket, group, rounded(units, charge.rounding), None, len(events), [])

    # Fees of events --------------------------------------------------------------------------------------------------

    def event_fee(self, charge: Charge, event: Event, window: Window) -> Line | None:
        """11: the fee of one event; events must be asked for in the order in which they came."""
        if charge.kind != "count_agg" and not (text(event["properties"].get("value")) or "").strip():
            return None
        bucket = next(
            (n for n, each in enumerate(charge.filters)
             if all(text(event["properties"].get(key)) in values for key, values in each["values"].items())),
            None,
        )  # fmt: skip
        group = self.group(charge, bucket, event)
        history = charge.recurring and charge.kind in ("sum_agg", "unique_count_agg")
        order = (event["at"], event["arrived"], event["place"])
        before = [
            e for e in self._known(charge, event["at"])
            if (e["at"], e["arrived"], e["place"]) < order and (history or e["at"] >= window.start)
        ]  # fmt: skip
        earlier = next((events for of, g, events in self._groups(charge, before) if (of, g) == (bucket, group)), [])
        own = Decimal(1)
        if charge.kind == "sum_agg":
            own = number(event) or Decimal(0)
            total = sum((number(e) or ZERO for e in earlier), Decimal(0)) + own
        elif charge.kind == "unique_count_agg":
            changes = self._unique(earlier).get(str(text(event["properties"]["value"])), [])
            active = bool(changes) and changes[-1][1] == "add"
            adds = (text(event["properties"].get("operation_type")) or "add") == "add"
            own = Decimal(0) if active == adds else Decimal(1 if adds else -1)
            total = Decimal(self._active(earlier)) + own
        else:
            total = Decimal(len(earlier)) + 1
        billed = own if charge.kind == "count_agg" else self._step(charge, bucket, group, event, window, own)
        shown = billed
        if charge.kind != "count_agg" and not billed:
            shown = max(own, Decimal(0)) if charge.kind == "sum_agg" else Decimal(0)
        terms = charge.terms(bucket)
        if charge.prorated:
            amount = Decimal(terms["amount"]) * self._weigh(charge, billed, event, window)
        else:
            without = total - billed

            def worth(units: Decimal) -> Decimal:
                return price(charge.model, terms, charge.kind, units, 0, [], Decimal(0))

            tiered = charge.model == "graduated"
            amount = worth(total) - (Decimal(0) if tiered and not without else worth(without)) if billed else Decimal(0)
        return Line(charge.name, bucket, group, shown, cents(amount), 1)

    def _weigh(self, charge: Charge, billed: Decimal, event: Event, window: Window) -> Decimal:
        return ceil5(billed * self.days(event["at"], window.end), window.duration)

    def _step(
        self, charge: Charge, bucket: Bucket, group: Group, event: Event, window: Window, own: Decimal
    ) -> Decimal:
        """11.3"""
        kept = self.states.setdefault((charge.name, bucket, group), [])
        of_period = [state for state in kept if window.start <= state.at <= window.end]
        latest = max(of_period, key=lambda state: (state.at, state.place), default=None)
        if latest is None:
            billed = max(own, Decimal(0))
            first = own if charge.kind == "sum_agg" else billed
            state = State(event["at"], len(kept), first, first, Decimal(0))
        else:
            current = latest.current + own
            billed = max(current - latest.highest, Decimal(0))
            highest = max(current, current - latest.highest) if billed else latest.highest
            state = State(event["at"], len(kept), current, highest, latest.prorated)
        kept.append(state)
        return billed


def line(charge: Charge, bucket: Bucket, group: Group, units: Decimal, full: Decimal | None, count: int,
         values: list[Decimal]) -> Line:  # fmt: skip
    amount = price(charge.model, charge.terms(bucket), charge.kind, units, count, values, Decimal(0))
    shown = units if full is None else full
    if units < 0 or shown < 0 or amount < 0:
        shown, amount = Decimal(0), Decimal(0)
    return Line(charge.name, bucket, group, shown, cents(amount), count)


def cents(amount: Decimal) -> int:
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def ceil5(total: Decimal, duration: int) -> Decimal:
    return (total / duration).quantize(Decimal("0.00001"), ROUND_CEILING)


def rounded(units: Decimal, rounding: tuple[str, int] | None) -> Decimal:
    if rounding is None:
        return units
    mode = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}[rounding[0]]
    return units.quantize(Decimal(1).scaleb(-rounding[1]), mode)


def seconds(start: datetime, end: datetime) -> Decimal:
    return Decimal((end - start) // timedelta(microseconds=1)) / 1_000_000
