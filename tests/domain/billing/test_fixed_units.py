"""How many units of a fixed charge a window holds."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.billing.fixed_units import Units, UnitsEvent, units_in
from tests.domain.billing.world import instant

START, END = instant("2024-06-01T00:00:00Z"), instant("2024-06-30T23:59:59.999999Z")


def units(*events: tuple[str, int], prorated: bool = True) -> Units:
    found = [UnitsEvent(instant(at), Decimal(count)) for at, count in events]
    return units_in(found, START, END, duration=30, zone=ZoneInfo("UTC"), prorated=prorated)


def test_units_that_change_inside_the_period_are_weighed_by_days() -> None:
    found = units(("2024-06-01T00:00:01Z", 10), ("2024-06-11T00:00:00Z", 20))
    assert found == Units(Decimal(20), Decimal("16.666666"))


def test_without_proration_the_last_units_count() -> None:
    found = units(("2024-06-01T00:00:01Z", 10), ("2024-06-11T00:00:00Z", 20), prorated=False)
    assert found == Units(Decimal(20), Decimal(20))


def test_the_last_units_made_before_the_period_carry_into_it_and_later_periods_do_not_count() -> None:
    found = units(("2024-04-01T00:00:01Z", 3), ("2024-05-02T00:00:00Z", 4), ("2024-07-01T00:00:00Z", 9))
    assert found == Units(Decimal(4), Decimal(4))


def test_units_that_a_later_made_earlier_dated_event_precedes_are_void() -> None:
    found = units(("2024-06-01T00:00:01Z", 10), ("2024-06-21T00:00:00Z", 40), ("2024-06-11T00:00:00Z", 20))
    assert found == Units(Decimal(20), Decimal("16.666666"))


def test_no_event_means_no_units() -> None:
    assert units() == Units(Decimal(0), Decimal(0))
