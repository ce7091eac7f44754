"""The validation of a charge's properties (pricing handbook, section 3.2).

Every code belongs to the one field `properties`. Codes come in the order of the rules and may repeat, once for every
value that breaks them.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Final

from domain.pricing.models import ChargeModelName

MAX_RANGES: Final = 1_000
MAX_GROUP_KEYS: Final = 100
MAX_PRESENTATION_KEYS: Final = 2
MAX_INTEGER: Final = 10**18
MAX_DIGITS: Final = 20
"""Digits before the decimal point, and after it, of an amount that is still read."""


def properties_errors(
    model: str, properties: Mapping[str, Any], *, transaction_bounds: bool = True, of_filter: bool = False
) -> list[str]:
    """The codes of everything wrong with the properties, [] if they are valid.

    transaction_bounds False leaves per_transaction_min_amount and …max_amount unread, as where they are ignored.
    of_filter: the properties of a charge filter, which knows no presentation keys.
    """
    errors: list[str] = []
    match model:
        case ChargeModelName.STANDARD:
            errors += _amount(properties.get("amount"), "invalid_amount")
        case ChargeModelName.PACKAGE:
            errors += _amount(properties.get("amount"), "invalid_amount")
            errors += _integer(properties.get("free_units"), 0, "invalid_free_units")
            errors += _integer(properties.get("package_size"), 1, "invalid_package_size")
        case ChargeModelName.PERCENTAGE:
            errors += _percentage(properties, transaction_bounds)
        case ChargeModelName.GRADUATED:
            errors += _ranges(properties, "graduated_ranges", "per_unit_amount", "invalid_amount")
        case ChargeModelName.GRADUATED_PERCENTAGE:
            errors += _ranges(properties, "graduated_percentage_ranges", "rate", "invalid_rate")
        case ChargeModelName.VOLUME:
            errors += _ranges(properties, "volume_ranges", "per_unit_amount", "invalid_amount", whole=True)
        case _:
            pass
    for key in ("pricing_group_keys", "grouped_by"):
        errors += _group_keys(properties.get(key))
    if not of_filter:
        errors += _presentation_keys(properties.get("presentation_group_keys"))
    return errors


def decimal_of_text(value: Any) -> Decimal | None:
    """A JSON string that reads as a finite decimal ≥ 0, of at most 20 digits on either side; None for all else."""
    if not isinstance(value, str) or len(value) > 4 * MAX_DIGITS or not value.isascii() or "_" in value:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or number < 0:
        return None
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
        return None
    return number


def _amount(value: Any, code: str) -> list[str]:
    return [] if decimal_of_text(value) is not None else [code]


def _optional_amount(value: Any, code: str) -> list[str]:
    return [] if value is None else _amount(value, code)


def _integer(value: Any, least: int, code: str) -> list[str]:
    return [] if type(value) is int and least <= value <= MAX_INTEGER else [code]


def _percentage(properties: Mapping[str, Any], transaction_bounds: bool) -> list[str]:
    errors = _amount(properties.get("rate"), "invalid_rate")
    errors += _optional_amount(properties.get("fixed_amount"), "invalid_fixed_amount")
    if properties.get("free_units_per_events") is not None:
        errors += _integer(properties["free_units_per_events"], 1, "invalid_free_units_per_events")
    errors += _optional_amount(
        properties.get("free_units_per_total_aggregation"), "invalid_free_units_per_total_aggregation"
    )
    if not transaction_bounds:
        return errors
    bounds = []
    for key in ("per_transaction_min_amount", "per_transaction_max_amount"):
        value = properties.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        errors += _amount(value, "invalid_amount")
        bounds.append(decimal_of_text(value))
    match bounds:
        case [Decimal() as low, Decimal() as high] if low > high:
            errors.append("per_transaction_max_lower_than_per_transaction_min")
        case _:
            pass
    return errors


def _ranges(
    properties: Mapping[str, Any], key: str, price_key: str, price_code: str, *, whole: bool = False
) -> list[str]:
    ranges = properties.get(key)
    if not ranges:
        return [f"missing_{key}"]
    invalid = f"invalid_{key}"
    if not isinstance(ranges, list) or len(ranges) > MAX_RANGES:
        return [invalid]
    errors: list[str] = []
    reached = Decimal(0)
    for index, tier in enumerate(ranges):
        if not isinstance(tier, Mapping):
            errors.append(invalid)
            continue
        errors += _amount(tier.get(price_key), price_code)
        errors += _amount(tier.get("flat_amount"), "invalid_amount")
        start, end = _bound(tier.get("from_value"), whole), _bound(tier.get("to_value"), whole)
        is_open = tier.get("to_value") is None
        fits = start is not None and start in (reached, reached + 1)
        ends = is_open if index == len(ranges) - 1 else end is not None and start is not None and end > start
        if not (fits and ends):
            errors.append(invalid)
        if end is not None:
            reached = end + 1 if whole else end
    return errors


def _bound(value: Any, whole: bool) -> Decimal | None:
    """A bound of a range as number; a float counts by its shortest text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = Decimal(str(value))
    if not number.is_finite() or not 0 <= number <= MAX_INTEGER:
        return None
    return None if whole and number != number.to_integral_value() else number


def _group_keys(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list) and len(value) <= MAX_GROUP_KEYS and all(map(_is_text, value)):
        return []
    return ["invalid_type"]


def _presentation_keys(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(map(_is_presentation_key, value)):
        return ["invalid_type"]
    errors = []
    if len(value) > MAX_PRESENTATION_KEYS:
        errors.append("too_many_keys")
    names = sorted(key["value"] for key in value)
    if any(one == two for one, two in pairwise(names)):
        errors.append("value_is_duplicated")
    return errors


def _is_presentation_key(value: Any) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= {"value", "options"} or not _is_text(value.get("value")):
        return False
    options = value.get("options")
    if options is None:
        return True
    return (
        isinstance(options, Mapping)
        and set(options) <= {"display_in_invoice"}
        and all(isinstance(flag, bool) for flag in options.values())
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
