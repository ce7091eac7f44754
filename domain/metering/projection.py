"""What usage will come to by the end of its period if use goes on as before. Pure. Source: handbook, metering 14.

Models whose price depends on the number of units alone are asked for the projected units; for the others the amount so
far is extended. What recurring metrics count is held, not used up: it stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.kernel.currencies import currency_of
from domain.kernel.money import HUNDRED, ONE, ZERO, round_half_up
from domain.metering.charges import PlanCharge
from domain.metering.current_usage import CurrentUsage
from domain.metering.priced_usage import Breakdown, ChargeUsage, UsageFee
from domain.pricing.fee_amounts import fee_amounts
from domain.pricing.models import charge_model
from domain.pricing.priceable import Priceable
from domain.subscriptions.instants import days_between

__all__ = ["elapsed", "projected"]

BY_UNITS: Final = frozenset({"standard", "package", "graduated", "volume"})
UNIT_DECIMALS: Final = 2


def elapsed(usage: CurrentUsage, at: datetime) -> Decimal:
    """The part of the window that is over, by days of the customer: 0 before it, 1 after it."""
    if at < usage.from_datetime:
        return ZERO
    if at >= usage.to_datetime:
        return ONE
    days = days_between(usage.from_datetime, usage.to_datetime, usage.zone)
    return Decimal(days_between(usage.from_datetime, at, usage.zone)) / days if days else ZERO


def projected(usage: CurrentUsage, at: datetime) -> CurrentUsage:
    """The usage with what it will come to, seen from `at`."""
    ratio = elapsed(usage, at)
    charges = [
        ChargeUsage(each.charge, tuple(_fee(each.charge, fee, ratio, usage.currency) for fee in each.fees))
        for each in usage.charges
    ]
    return replace(usage, charges=charges)


def _fee(charge: PlanCharge, fee: UsageFee, ratio: Decimal, currency: str) -> UsageFee:
    if charge.recurring:
        return fee
    in_units = fee.pricing_unit_amount_cents is not None
    if not 0 < ratio <= 1:
        return replace(
            fee,
            projected_units=ZERO,
            projected_amount_cents=0,
            projected_pricing_unit_amount_cents=0 if in_units else None,
            projected_breakdowns=(),
        )
    units = round_half_up(fee.units / ratio, UNIT_DECIMALS)
    amount_cents, in_pricing_unit = _amounts(charge, fee, units, ratio, currency)
    return replace(
        fee,
        projected_units=units,
        projected_amount_cents=amount_cents,
        projected_pricing_unit_amount_cents=in_pricing_unit if in_units else None,
        projected_breakdowns=tuple(
            Breakdown(each.presentation_by, round_half_up(each.units / ratio, UNIT_DECIMALS)) for each in fee.breakdowns
        ),
    )


def _amounts(
    charge: PlanCharge, fee: UsageFee, units: Decimal, ratio: Decimal, currency: str
) -> tuple[int, int | None]:
    """Cents of the currency, and of the pricing unit."""
    if charge.charge_model in BY_UNITS and not charge.prorated:
        properties = fee.filter.properties if fee.filter else charge.properties
        priceable = Priceable(units=units, currency=currency)
        price = charge_model(charge.charge_model, properties).price(priceable)
        rate = charge.pricing_unit.conversion_rate if charge.pricing_unit else None
        amounts = fee_amounts(price, priceable, currency, conversion_rate=rate)
        return amounts.amount_cents, amounts.pricing_unit.amount_cents if amounts.pricing_unit else None
    known = currency_of(currency)
    amount = Decimal(fee.amount_cents) / known.subunit_to_unit / ratio
    cents = int(round_half_up(amount, known.exponent) * known.subunit_to_unit)
    if fee.pricing_unit_amount_cents is None:
        return cents, None
    return cents, int(round_half_up(fee.pricing_unit_amount_cents / HUNDRED / ratio, UNIT_DECIMALS) * HUNDRED)
