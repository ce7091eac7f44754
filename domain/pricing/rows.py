"""A price asked for in plain JSON: one row with model, properties and usage, as `tarn price --rows` reads it.

Keys: model, properties, units; events_count, per_event_values, per_event_prorated_values, full_units, prorated,
precise_total_amount_cents, conversion_rate, currency (EUR), mode (`estimate_instant`: the event by itself).
Decimals are texts or numbers; percentage's running totals are computed from the values.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.pricing.estimate_instant import estimate_event
from domain.pricing.fee_amounts import FeeAmounts, fee_amounts
from domain.pricing.models import ChargeModelName, charge_model
from domain.pricing.percentage import Percentage, running_totals
from domain.pricing.priceable import ChargeModel, Priceable
from domain.pricing.validate import properties_errors


class InvalidRowError(ValueError):
    """The row cannot be read; says which key and why."""


def price_row(row: Mapping[str, Any]) -> FeeAmounts:
    """The fee's amounts for one row. Raises InvalidRowError, and UnknownCurrencyError for another currency."""
    model, usage = read_row(row)
    estimate = row.get("mode") == "estimate_instant"
    price = estimate_event(model, usage.units) if estimate else model.price(usage)
    rate = row.get("conversion_rate")
    return fee_amounts(
        price,
        usage,
        row.get("currency") or "EUR",
        conversion_rate=None if rate is None else _decimal(rate, "conversion_rate"),
    )


def read_row(row: Mapping[str, Any]) -> tuple[ChargeModel, Priceable]:
    """The model and the usage of a row, its properties validated."""
    name, properties = row.get("model"), row.get("properties")
    if name not in set(ChargeModelName):
        raise InvalidRowError(f"model: unknown: {name!r}")
    if not isinstance(properties, Mapping):
        raise InvalidRowError("properties: must be an object")
    errors = properties_errors(str(name), properties)
    if errors:
        raise InvalidRowError(f"properties: {', '.join(errors)}")
    model = charge_model(str(name), properties, prorated=bool(row.get("prorated")))
    values = _decimals(row, "per_event_values")
    full_units = row.get("full_units")
    usage = Priceable(
        units=_decimal(row.get("units"), "units"),
        full_units=None if full_units is None else _decimal(full_units, "full_units"),
        events_count=int(_decimal(row.get("events_count", len(values)), "events_count")),
        event_values=values,
        prorated_values=_decimals(row, "per_event_prorated_values"),
        running_totals=(
            running_totals(values, model.free_events, model.free_amount) if isinstance(model, Percentage) else ()
        ),
        precise_total_amount_cents=_decimal(row.get("precise_total_amount_cents", 0), "precise_total_amount_cents"),
        currency=row.get("currency") or "EUR",
    )
    return model, usage


def _decimals(row: Mapping[str, Any], key: str) -> tuple[Decimal, ...]:
    values = row.get(key) or []
    if not isinstance(values, list):
        raise InvalidRowError(f"{key}: must be a list")
    return tuple(_decimal(value, key) for value in values)


def _decimal(value: Any, key: str) -> Decimal:
    if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) and len(str(value)) <= 60:
        try:
            number = Decimal(value)
        except InvalidOperation:
            pass
        else:
            if number.is_finite() and abs(number.adjusted()) < 40:
                return number
    raise InvalidRowError(f"{key}: must be a decimal, as text or number: {value!r}")
