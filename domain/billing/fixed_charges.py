"""Fees for fixed charges: pure. Source: handbook, subscriptions 4.5 and 7.4, pricing 10.3 and 10.4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final
from uuid import UUID

from domain.billing.adjustments import LineAdjustments
from domain.billing.facts import Facts
from domain.billing.fixed_units import UnitsEvent, units_in
from domain.billing.history import History, PaidFixedFee
from domain.billing.lines import BilledLine
from domain.billing.plan_facts import FixedChargeFacts
from domain.billing.rated_fee import RatedFee, instant_text
from domain.billing.units import FIRST_UNITS_AFTER
from domain.kernel.money import ONE, ZERO, decimal_text, round_cents
from domain.pricing.fee_amounts import FeeAmounts, fee_amounts
from domain.pricing.models import charge_model
from domain.pricing.priceable import Price, Priceable
from domain.subscriptions.instants import days_between
from domain.subscriptions.windows import Windows, windows

__all__ = ["changed_units_fees", "fixed_charge_fees"]

ONE_MILLISECOND: Final = timedelta(milliseconds=1)
_windows = lru_cache(maxsize=16_384)(windows)


def fixed_charge_fees(
    line: BilledLine, facts: Facts, history: History, adjustments: LineAdjustments
) -> Iterator[RatedFee]:
    """The fees of a line, as they were set by hand where they were.

    What is paid in arrears covers the line's window, what is paid in advance the period that contains the billing
    instant, unless it has been paid.
    """
    subscription = line.subscription
    for charge in facts.fixed_charges_of(subscription):
        window = _window(line, charge)
        start = window.fixed_charges_from_datetime if window else None
        end = window.fixed_charges_to_datetime if window else None
        if window is None or start is None or end is None or start > end:
            continue
        events = history.units.get((subscription.id, charge.id), ())
        if charge.pay_in_advance:
            if _is_paid(line, history, charge, start):
                continue
            # What changes later in the period is billed by itself.
            events = [event for event in events if event.at <= line.at + FIRST_UNITS_AFTER]
        fee = _priced(line, charge, window, events)
        if charge.pay_in_advance and charge.prorated and line.reason == "subscription_starting":
            fee = _less_paid_before(line, history, charge, window, fee)
        fee = adjustments.apply(fee)
        if fee.units or fee.amount_cents or fee.adjusted_fee_id:
            yield fee


def changed_units_fees(line: BilledLine, facts: Facts, history: History) -> Iterator[RatedFee]:
    """One fee for every fixed charge paid in advance whose units changed at the instant of the line.

    Only what exceeds the units billed for the period is charged; a decrease gives a fee of nothing.
    """
    subscription, window = line.subscription, line.window
    start, end = window.fixed_charges_from_datetime, window.fixed_charges_to_datetime
    if start is None or end is None or window.fixed_charges_duration is None:
        return
    for charge in facts.fixed_charges_of(subscription):
        changes = [each for each in history.units.get((subscription.id, charge.id), ()) if each.at == line.at]
        if not charge.pay_in_advance or not changes:
            continue
        billed = [
            fee.units
            for fee in _paid_for(line, history, subscription.id, start)
            if fee.fixed_charge_id in (charge.id, charge.parent_id)
        ]
        delta = max(changes[-1].units - sum(billed, ZERO), ZERO)
        weight = _weight_of_change(line, charge, end, window.fixed_charges_duration)
        fee = _row(charge, window, line, _price_of_change(line, charge, delta, weight))
        yield replace(
            fee,
            reckoning={
                "new_units": decimal_text(changes[-1].units),
                "billed_units": decimal_text(sum(billed, ZERO)),
                "prorated_units": decimal_text(delta * weight),
            },
        )


def _weight_of_change(line: BilledLine, charge: FixedChargeFacts, end: datetime, duration: int) -> Decimal:
    """The part of the period that units added at the instant of the line are held."""
    if not charge.prorated:
        return ONE
    return Decimal((end.astimezone(UTC).date() - line.at.astimezone(UTC).date()).days + 1) / duration


def _price_of_change(line: BilledLine, charge: FixedChargeFacts, delta: Decimal, weight: Decimal) -> FeeAmounts:
    amount = ZERO
    if delta:
        amount = charge_model(charge.charge_model, charge.properties).price(Priceable(units=delta * weight)).amount
    price = Price(amount, amount / delta if delta else ZERO, {})
    found = fee_amounts(price, Priceable(units=delta), line.subscription.currency)
    return replace(found, unit_amount_cents=round_cents(found.amount_cents / delta) if delta else 0)


def _window(line: BilledLine, charge: FixedChargeFacts) -> Windows | None:
    """What a fixed charge is billed for on a line; None where it is not due."""
    terms = line.subscription.terms
    starting = line.reason == "subscription_starting"
    if not charge.pay_in_advance:
        return None if starting else line.window
    if terms.is_terminated_at(line.at):
        return None
    if not starting and line.window.fixed_charges_from_datetime is None:
        return None
    # The whole period was due when it began, whatever ended it since.
    return _windows(replace(terms, terminated_at=None), line.at, current_usage=True)


def _priced(line: BilledLine, charge: FixedChargeFacts, window: Windows, events: Sequence[UnitsEvent]) -> RatedFee:
    start, end = window.fixed_charges_from_datetime, window.fixed_charges_to_datetime
    assert start is not None, "the charge is due"
    assert end is not None, "the charge is due"
    assert window.fixed_charges_duration is not None, "the charge is due"
    units = units_in(
        events,
        start,
        end,
        duration=window.fixed_charges_duration,
        zone=line.subscription.terms.zone,
        prorated=charge.prorated,
    )
    priceable = Priceable(units=units.prorated, full_units=units.full if charge.prorated else None)
    price = charge_model(charge.charge_model, charge.properties, prorated=charge.prorated).price(priceable)
    fee = _row(charge, window, line, fee_amounts(price, priceable, line.subscription.currency))
    if not charge.prorated:
        return fee
    reckoning = {
        "full_units": decimal_text(units.full),
        "prorated_units": decimal_text(units.prorated),
        "of_days": window.fixed_charges_duration,
    }
    return replace(fee, reckoning=reckoning)


def _row(charge: FixedChargeFacts, window: Windows, line: BilledLine, amounts: FeeAmounts) -> RatedFee:
    return RatedFee(
        fee_type="fixed_charge",
        amount_cents=amounts.amount_cents,
        precise_amount_cents=amounts.precise_amount_cents,
        units=amounts.units,
        unit_amount_cents=amounts.unit_amount_cents,
        precise_unit_amount=amounts.precise_unit_amount,
        starts=window.fixed_charges_from_datetime,
        owner=charge.id,
        fixed_charge_id=charge.id,
        add_on_id=charge.add_on_id,
        amount_details=amounts.amount_details,
        properties={
            "fixed_charges_from_datetime": instant_text(window.fixed_charges_from_datetime),
            "fixed_charges_to_datetime": instant_text(window.fixed_charges_to_datetime),
            "fixed_charges_duration": window.fixed_charges_duration,
        },
        pay_in_advance=charge.pay_in_advance,
    )


def _is_paid(line: BilledLine, history: History, charge: FixedChargeFacts, start: datetime) -> bool:
    """Whether an earlier bill covers it; units that were added later in the period do not."""
    fees = _paid_for(line, history, line.subscription.id, start)
    return any(fee.at <= line.at and fee.fixed_charge_id in (charge.id, charge.parent_id) for fee in fees)


def _paid_for(line: BilledLine, history: History, subscription_id: UUID, start: datetime) -> list[PaidFixedFee]:
    """What was paid for the period that starts then; stored windows are cut to milliseconds."""
    fees = history.paid.get(line.number, ())
    return [fee for fee in fees if fee.subscription_id == subscription_id and abs(fee.start - start) < ONE_MILLISECOND]


def _less_paid_before(
    line: BilledLine, history: History, charge: FixedChargeFacts, window: Windows, fee: RatedFee
) -> RatedFee:
    """After a change of plan: less what the plan before was paid for the same add-on and the remaining days."""
    start, end = window.fixed_charges_from_datetime, window.fixed_charges_to_datetime
    zone, predecessor = line.subscription.terms.zone, line.subscription.predecessor_id
    if start is None or end is None or predecessor is None:
        return fee
    days = days_between(start, end, zone)
    paid = 0
    for before in history.paid.get(line.number, ()):
        if before.subscription_id == predecessor and before.add_on_id == charge.add_on_id:
            covered = max(days_between(before.at, before.end, zone), 1)
            paid += round_cents(before.amount_cents * Decimal(days) / covered)
    if not paid:
        return fee
    return replace(
        fee,
        amount_cents=max(fee.amount_cents - paid, 0),
        precise_amount_cents=max(fee.precise_amount_cents - paid, ZERO),
    )
