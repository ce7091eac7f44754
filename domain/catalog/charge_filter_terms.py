"""Which charge filters are legal (pricing handbook, section 4)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.catalog.charge_terms import Dimension, SoldMetric, read_properties
from domain.kernel.errors import ValidationFailed
from domain.kernel.validation import INVALID, MANDATORY, Params, Reader, storable

__all__ = [
    "ALL_VALUES", "FilterTerms", "FilterValues", "check_amount", "filter_code", "read_filter_terms", "same_values",
]  # fmt: skip

ALL_VALUES = "__ALL_FILTER_VALUES__"
"""Alone in a list: every value that the metric lists for the key."""

MAX_KEYS = 100
MAX_VALUES = 2_000
MOST_FILTERS = 1_000
MOST_VALUES_OF_A_CHARGE = 100_000
"""Of all filters of a charge together; "all" counts as the values that the metric lists. Every reading of the charge's
usage hands them to the database."""
TOO_MANY = "too_many_values"
LONGEST_SLUG = 100

FilterValues = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FilterTerms:
    """What a client sets of a charge filter. values: key → its values, in the order sent."""

    values: dict[str, list[str]]
    properties: dict[str, Any]
    invoice_display_name: str | None


def read_filter_terms(
    params: Params, model: str, metric: SoldMetric, *, values: FilterValues | None = None
) -> FilterTerms:
    """Judges one filter of a charge of that model. values: those of a kept filter, which can't be changed.
    Raises ValidationFailed."""
    read = Reader(params)
    name = read.text("invoice_display_name")
    properties = read_properties(read, model, of_filter=True)
    taken = _values(read, metric.dimensions) if values is None else {key: list(each) for key, each in values.items()}
    read.finish()
    return FilterTerms(taken, properties, name)


def _values(read: Reader, dimensions: Mapping[str, Dimension]) -> dict[str, list[str]]:
    sent = read.params.get("values")
    if sent is None or sent == {} or sent == "":
        read.add("values", MANDATORY)
        return {}
    if not isinstance(sent, Mapping) or len(sent) > MAX_KEYS:
        read.add("values", INVALID)
        return {}
    taken: dict[str, list[str]] = {}
    for key, each in sent.items():
        dimension = dimensions.get(key)
        if dimension is None:
            read.add("billable_metric_filter", "relation_must_exist")
            read.add("values", INVALID)
        elif each is None or each == []:
            read.add("values", MANDATORY)
        elif isinstance(each, list) and len(each) > MAX_VALUES:
            read.add("values", TOO_MANY)
        elif not _are_texts(each) or not (each == [ALL_VALUES] or set(each) <= set(dimension.values)):
            read.add("values", INVALID)
        else:
            taken[key] = list(dict.fromkeys(each))
    return taken


def _are_texts(each: object) -> bool:
    return isinstance(each, list) and all(isinstance(value, str) and storable(value) for value in each)


def check_amount(filters: Collection[FilterValues], metric: SoldMetric) -> None:
    """Raises ValidationFailed when the filters of one charge are too many, or name too many values."""
    if len(filters) > MOST_FILTERS:
        raise ValidationFailed({"filters": [TOO_MANY]})
    listed = {key: len(dimension.values) for key, dimension in metric.dimensions.items()}
    named = sum(
        listed.get(key, 0) if list(values) == [ALL_VALUES] else len(values)
        for each in filters
        for key, values in each.items()
    )
    if named > MOST_VALUES_OF_A_CHARGE:
        raise ValidationFailed({"values": [TOO_MANY]})


def same_values(values: FilterValues) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What two filters with identical values have in common, whatever the order."""
    return tuple(sorted((key, tuple(sorted(set(each)))) for key, each in values.items()))


def filter_code(values: FilterValues, taken: Iterable[str]) -> str:
    """A readable slug of the sorted values and a digest of them, numbered when another filter has it."""
    text = " ".join(f"{key}:{','.join(each)}" for key, each in same_values(values))
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST_SLUG]
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    stem = f"{slug}-{digest}" if slug else digest
    known, code, number = set(taken), stem, 1
    while code in known:
        number += 1
        code = f"{stem}_{number}"
    return code
