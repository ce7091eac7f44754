"""What a day has added to the usage of a period: one document of current usage less an earlier one. Pure.

Source: handbook, metering 13.2 and 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.kernel.format import decimal_text

__all__ = ["added_usage", "without_nothing"]

Document = Mapping[str, Any]

_TEXTS = ("units", "total_aggregated_units")
_NUMBERS = ("events_count", "amount_cents")
# Lists within a part, and what tells the entries of each apart.
_WITHIN = {"filters": "values", "grouped_usage": "grouped_by", "presentation_breakdowns": "presentation_by"}


def without_nothing(usage: Document) -> dict[str, Any]:
    """The document without charges that were neither used nor cost anything."""
    return {**usage, "charges_usage": [each for each in usage["charges_usage"] if _is_something(each)]}


def added_usage(usage: Document, earlier: Document | None) -> dict[str, Any]:
    """The document with all figures less those of the earlier one of the same period; the whole without one.

    Charges, filters and groups that are only in one of the two count as nothing in the other.
    """
    if earlier is None:
        return dict(usage)
    before = {str(each["charge"]["lago_id"]): each for each in earlier["charges_usage"]}
    charges = [_less(each, before.get(str(each["charge"]["lago_id"]), {})) for each in usage["charges_usage"]]
    amount = sum(each["amount_cents"] for each in charges)
    return {
        **usage,
        "charges_usage": [each for each in charges if _is_something(each)],
        "amount_cents": amount,
        "taxes_amount_cents": 0,
        "total_amount_cents": amount,
    }


def _is_something(part: Document) -> bool:
    return bool(part["amount_cents"] or part["events_count"] or Decimal(part["units"]))


def _less(part: Document, earlier: Document) -> dict[str, Any]:
    found = dict(part)
    for name in _TEXTS:
        if name in part:
            found[name] = decimal_text(Decimal(part[name]) - Decimal(earlier.get(name, "0")))
    for name in _NUMBERS:
        if name in part:
            found[name] = part[name] - earlier.get(name, 0)
    unit = part.get("pricing_unit_details")
    if unit is not None:
        before = (earlier.get("pricing_unit_details") or {}).get("amount_cents", 0)
        found["pricing_unit_details"] = {**unit, "amount_cents": unit["amount_cents"] - before}
    for name, key in _WITHIN.items():
        if name in part:
            found[name] = _each_less(part[name], earlier.get(name, ()), key)
    return found


def _each_less(parts: Sequence[Document], earlier: Sequence[Document], key: str) -> list[dict[str, Any]]:
    before = {_named(each[key]): each for each in earlier}
    return [_less(each, before.get(_named(each[key]), {})) for each in parts]


def _named(value: Any) -> str:
    return repr(sorted(value.items()) if isinstance(value, Mapping) else value)
