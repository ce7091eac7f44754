"""Random plans over several periods, with upgrades, ends, new beginnings and late events, against a naive reckoning."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import localcontext
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from domain.billing.bill import bill_subscriptions
from domain.billing.pay_in_advance import bill_events
from domain.billing.requests import BillRequest
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.life_reckoning import Charge, Life, Line, Window
from tests.domain.billing.world import World
from tests.domain.metering.reckoning import Event, number

LIVES = int(os.environ.get("TARN_RANDOM_LIVES", "6"))
FIRST = int(os.environ.get("TARN_RANDOM_FIRST", "0"))
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")
REGIONS = ("eu", "us", "asia")
TIERS = [
    {"from_value": 0, "to_value": 5, "per_unit_amount": "2", "flat_amount": "1"},
    {"from_value": 6, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "0"},
]


def random_charges(chance: random.Random, plan: str) -> list[Charge]:
    """Two arrears charges of some kinds and two paid in advance; the same metrics in every plan."""
    kinds: list[tuple[str, bool, bool, bool]] = [
        # kind, recurring, prorated, paid in advance
        ("sum_agg", True, False, False), ("sum_agg", True, True, False), ("unique_count_agg", True, False, False),
        ("unique_count_agg", True, True, False), ("weighted_sum_agg", True, False, False),
        ("weighted_sum_agg", False, False, False), ("unique_count_agg", False, False, False),
        ("max_agg", False, False, False), ("latest_agg", False, False, False), ("count_agg", False, False, False),
        ("sum_agg", False, False, True), ("sum_agg", True, False, True), ("sum_agg", True, True, True),
        ("unique_count_agg", False, False, True), ("unique_count_agg", True, False, True),
        ("unique_count_agg", True, True, True), ("count_agg", False, False, True),
    ]  # fmt: skip
    made = []
    for n, (kind, recurring, prorated, in_advance) in enumerate(kinds):
        if chance.random() < 0.45:
            continue
        model = (
            "standard" if prorated or (in_advance and kind == "sum_agg") else chance.choice(["standard", "graduated"])
        )
        groups = chance.choice([[], [], ["cloud"]])

        def terms(model: str = model, groups: list[str] = groups) -> dict[str, Any]:
            one: dict[str, Any] = {"amount": chance.choice(["1", "2.5", "0.333", "10"])}
            if model == "graduated":
                one = {"graduated_ranges": TIERS}
            return one | ({"pricing_group_keys": groups} if groups else {})

        lists = chance.choice([[], [], [["eu"]], [["eu", "us"]], [["eu"], ["us"]]])
        rounding = None
        if kind != "count_agg" and not in_advance and chance.random() < 0.25:
            rounding = (chance.choice(["round", "ceil", "floor"]), chance.choice([-1, 0, 1]))
        made.append(
            Charge(
                f"{plan}{n}", f"m{n}", kind, recurring, prorated, in_advance, chance.random() < 0.5 or not in_advance,
                model, terms(), tuple({"values": {"region": values}, "properties": terms()} for values in lists),
                rounding,
            )
        )  # fmt: skip
    return made


@dataclass
class Row:
    """One subscription of the external id."""

    id: UUID
    charges: list[Charge]
    started_at: datetime
    predecessor: bool
    terminated_at: datetime | None = None


@dataclass
class Played:
    """The world and its reckoning, side by side."""

    world: World
    zone: ZoneInfo
    chance: random.Random
    life: Life
    customer: UUID
    anchor: date | None
    ids: dict[str, UUID] = field(default_factory=dict)
    filter_ids: dict[UUID, tuple[str, int]] = field(default_factory=dict)
    metrics: dict[str, UUID] = field(default_factory=dict)
    dimensions: dict[str, UUID] = field(default_factory=dict)
    roundings: dict[str, tuple[str, int] | None] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    sent: int = 0
    compared: int = 0

    # Time -----------------------------------------------------------------------------------------------------------

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def period(self, at: datetime) -> tuple[date, date]:
        """The first and last day of the period that holds an instant."""
        day = at.astimezone(self.zone).date()
        anchor = self.anchor.day if self.anchor else 1

        def starts(year: int, month: int) -> date:
            year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
            last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
            return date(year, month, min(anchor, last))

        month = day.month if starts(day.year, day.month) <= day else day.month - 1
        return starts(day.year, month), starts(day.year, month + 1) - timedelta(days=1)

    def window(self, row: Row, at: datetime, *, cut: datetime | None = None, upgraded: bool = False) -> Window:
        first, last = self.period(at)
        start = max(self.midnight(first), row.started_at)
        end = self.midnight(last + timedelta(days=1)) - timedelta(microseconds=1)
        end = min(end, cut) if cut else end
        return Window(start, end, (last - first).days + 1, upgraded, row.predecessor)

    # The catalog ----------------------------------------------------------------------------------------------------

    def plan(self, charges: Sequence[Charge]) -> UUID:
        world, owner = self.world, {"organization_id": self.world.organization_id}
        plan = world.plan(0)
        for place, charge in enumerate(charges):
            if charge.code not in self.metrics:
                more: dict[str, Any] = {"weighted_interval": "seconds"} if charge.kind == "weighted_sum_agg" else {}
                if charge.rounding:
                    more |= {"rounding_function": charge.rounding[0], "rounding_precision": charge.rounding[1]}
                field_name = None if charge.kind == "count_agg" else "value"
                metric = world.metric(charge.code, charge.kind, field_name, recurring=charge.recurring, **more)
                self.metrics[charge.code] = metric
                self.dimensions[charge.code] = world.insert(
                    "billable_metric_filters", billable_metric_id=metric, key="region", values=list(REGIONS), **owner
                )
            charge_id = world.charge(
                plan, self.metrics[charge.code], charge.model, charge.properties, place,
                pay_in_advance=charge.in_advance, prorated=charge.prorated, invoiceable=charge.invoiceable,
            )  # fmt: skip
            self.ids[charge.name] = charge_id
            for n, each in enumerate(charge.filters):
                made = world.insert(
                    "charge_filters",
                    charge_id=charge_id,
                    code=f"f{n}",
                    properties=each["properties"],
                    position=n,
                    **owner,
                )
                self.filter_ids[made] = (charge.name, n)
                world.insert(
                    "charge_filter_values", charge_filter_id=made,
                    billable_metric_filter_id=self.dimensions[charge.code], values=each["values"]["region"], **owner,
                )  # fmt: skip
        return plan

    def start(self, charges: list[Charge], at: datetime, predecessor: Row | None = None) -> Row:
        anchor = self.midnight(self.anchor) if self.anchor else self.rows[0].started_at if self.rows else at
        subscription = self.world.subscription(
            self.customer, self.plan(charges), at.isoformat(), external_id="sub",
            billing_time="anniversary" if self.anchor else "calendar",
            subscription_at=anchor, previous_subscription_id=predecessor.id if predecessor else None,
        )  # fmt: skip
        row = Row(subscription, charges, at, predecessor is not None)
        self.rows.append(row)
        return row

    # Events ---------------------------------------------------------------------------------------------------------

    def _event(self, code: str, at: datetime) -> Event:
        chance = self.chance
        properties: dict[str, Any] = {"value": chance.choice(["1", "2", "7", "2.50", "-1", "-3", "x", "0.1", "4"])}
        for key, values in (("region", [*REGIONS, "moon", ""]), ("cloud", ["aws", "gcp", ""]),
                            ("operation_type", ["add", "remove"])):  # fmt: skip
            if chance.random() < 0.7:
                properties[key] = chance.choice(values)
        self.sent += 1
        return {"code": code, "at": at, "arrived": self.world.now, "place": self.sent, "properties": properties}

    def send(self, codes: Sequence[str], times: Sequence[datetime]) -> list[tuple[UUID, Event]]:
        stored = []
        for at in times:
            event = self._event(self.chance.choice(codes), at)
            event_id = new_id()
            value = number(event)
            counts = any(c.code == event["code"] and c.kind == "count_agg" for row in self.rows for c in row.charges)
            self.world.execute(
                "INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties,"
                " value, event_metadata, created_at, timestamp) VALUES (%s, %s, 'sub', %s, %s, %s, %s, '{}', %s, %s)",
                event_id, self.world.organization_id, f"t{self.sent}", event["code"], Jsonb(event["properties"]),
                None if counts else value, self.world.now, at,
            )  # fmt: skip
            event["id"] = event_id
            self.life.events.append(event)
            stored.append((event_id, event))
        return stored

    # Billing, and what it must have made ------------------------------------------------------------------------------

    async def use(self, codes: Sequence[str], times: Sequence[datetime]) -> None:
        """Events arrive at the last of the times; those of charges paid in advance are billed at once."""
        self.world.at(max(times).isoformat())
        stored = self.send(codes, times)
        before = {row.id for row in self.world.rows("fees", "id")}
        for event_id, _ in stored:
            async with tenant_work(self.world.tenant) as work:
                await bill_events(work, [event_id])
        expected: list[Line] = []
        for _, event in stored:
            row = next(
                (each for each in reversed(self.rows)
                 if each.started_at <= event["at"] and (not each.terminated_at or event["at"] <= each.terminated_at)),
                None,
            )  # fmt: skip
            for charge in row.charges if row else ():
                if charge.in_advance and charge.code == event["code"]:
                    assert row is not None
                    line = self.life.event_fee(charge, event, self.window(row, event["at"], cut=row.terminated_at))
                    expected += [line] if line else []
        self.compare(expected, [row for row in self.world.rows("fees") if row.id not in before], f"events {times}")

    async def bill(self, at: datetime, reason: str, ids: Sequence[UUID], expected: Sequence[Line]) -> None:
        self.world.at(at.isoformat())
        before = {row.id for row in self.world.rows("fees", "id")}
        async with tenant_work(self.world.tenant) as work:
            await bill_subscriptions(work, [BillRequest(tuple(ids), at, reason)])
        made = [row for row in self.world.rows("fees") if row.id not in before and row.fee_type == "charge"]
        self.compare(
            expected,
            [row for row in made if row.invoice_id or row.units or row.amount_cents or row.events_count],
            f"{reason} {at}",
        )

    def compare(self, expected: Sequence[Line], fees: Sequence[Any], told: str) -> None:
        names = {charge_id: name for name, charge_id in self.ids.items()}
        found = sorted(
            repr((names[fee.charge_id], self.filter_ids[fee.charge_filter_id][1] if fee.charge_filter_id else None,
                  sorted(fee.grouped_by.items()), fee.units.normalize() + 0, fee.amount_cents, fee.events_count))
            for fee in fees
        )  # fmt: skip
        wanted = sorted(
            repr((line.charge, line.bucket, sorted(line.group), line.units.normalize() + 0, line.cents, line.events))
            for line in expected
        )
        assert found == wanted, told
        self.compared += len(wanted)


def moments(chance: random.Random, start: datetime, end: datetime, count: int) -> list[datetime]:
    """Instants between two, whole seconds, now and then the very first or last."""
    span = int((end - start).total_seconds())
    found = [start + timedelta(seconds=chance.choice([chance.randrange(3, span - 2), chance.randrange(3, span - 2), 3]))
             for _ in range(count)]  # fmt: skip
    return sorted(found)


async def play(seed: int) -> int:
    """Four periods with events, and an upgrade, an end or a new beginning between; how many fees were compared."""
    chance = random.Random(seed)
    zone = ZoneInfo(chance.choice(ZONES))
    begins = datetime(2024, chance.randrange(1, 4), chance.randrange(1, 29), chance.randrange(24), 30, tzinfo=UTC)
    anchor = begins.astimezone(zone).date() if chance.random() < 0.4 else None
    with World(begins) as world:
        played = Played(world, zone, chance, Life(zone), world.customer(timezone=zone.key), anchor)
        first, second = random_charges(chance, "a"), random_charges(chance, "b")
        second = [
            Charge(
                **{**each.__dict__, "rounding": next((o.rounding for o in first if o.code == each.code), each.rounding)}
            )
            for each in second
        ]
        codes = sorted({each.code for each in [*first, *second]})
        row = played.start(first, begins)
        fate = chance.choice(["upgrade", "end", "begin again", "on"])
        fated = chance.randrange(1, 3)
        now = begins
        for turn in range(4):
            _, last_day = played.period(now)
            end = played.midnight(last_day + timedelta(days=1))
            length = (end - now) / 3
            if length < timedelta(hours=3):
                now = end
                await periodic(played, row, end)
                continue
            for part in range(3):
                stop = now + length * (part + 1)
                stop = stop.replace(microsecond=0)
                if turn == fated and part == 2 and fate != "on" and row.terminated_at is None:
                    cut = (now + length * 2 + timedelta(minutes=7)).replace(microsecond=0)
                    row = await played_fate(played, row, cut, fate, second, codes, stop)
                times = moments(chance, (now + length * part).replace(microsecond=0) + timedelta(minutes=9), stop, 5)
                if turn and chance.random() < 0.4:
                    times.append(now - timedelta(days=chance.randrange(1, 20)))
                    times = sorted(times[-1:] + times[:-1])
                await played.use(codes, times)
            await periodic(played, row, end)
            now = end
        return played.compared


async def periodic(played: Played, row: Row, end: datetime) -> None:
    if row.terminated_at is None:
        window = played.window(row, end - timedelta(seconds=1))
        expected = played.life.invoice(row.charges, window, None, ended=False) if window.start < window.end else []
        await played.bill(end + timedelta(minutes=10), "subscription_periodic", [row.id], expected)


async def played_fate(
    played: Played, row: Row, cut: datetime, fate: str, second: list[Charge], codes: Sequence[str], stop: datetime
) -> Row:
    """An upgrade, an end, or an end and a new beginning at an instant inside a period."""
    played.world.at(cut.isoformat())
    row.terminated_at = cut
    played.world.execute(
        "UPDATE subscriptions SET status = 'terminated', terminated_at = %s WHERE id = %s", cut, row.id
    )
    upgraded = fate == "upgrade"
    window = played.window(row, cut, cut=cut, upgraded=upgraded)
    expected = played.life.invoice(
        row.charges, window, {each.code for each in second} if upgraded else None, ended=not upgraded
    )
    following = row
    if upgraded:
        following = played.start(second, cut, row)
        await played.bill(cut + timedelta(seconds=1), "upgrading", [row.id, following.id], expected)
    else:
        await played.bill(cut, "subscription_terminating", [row.id], expected)
        if fate == "begin again":
            again = cut + timedelta(minutes=2)
            played.world.at(again.isoformat())
            following = played.start(second, again)
    return following


@pytest.mark.parametrize("seed", range(FIRST, FIRST + LIVES))
async def test_every_invoice_of_a_life_is_what_the_handbook_says(seed: int) -> None:
    with localcontext(prec=60):
        assert await play(seed)
