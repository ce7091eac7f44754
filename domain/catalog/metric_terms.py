"""Which billable metrics are legal (metering handbook, sections 1.1, 1.2 and 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.catalog.expression_syntax import InvalidExpression, parse
from domain.kernel.errors import Forbidden
from domain.kernel.validation import INVALID, MANDATORY, TAKEN, TOO_LONG, Params, Reader

__all__ = [
    "AGGREGATIONS", "NUMERIC_AGGREGATIONS", "ROUNDING_FUNCTIONS", "WEIGHTED_INTERVALS", "MetricTerms",
    "read_metric_filters", "read_metric_terms",
]  # fmt: skip

AGGREGATIONS = ("count_agg", "sum_agg", "max_agg", "unique_count_agg", "weighted_sum_agg", "latest_agg")
NUMERIC_AGGREGATIONS = frozenset({"sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"})
RECURRING_AGGREGATIONS = frozenset({"sum_agg", "unique_count_agg", "weighted_sum_agg"})
ROUNDING_FUNCTIONS = ("round", "ceil", "floor")
WEIGHTED_INTERVALS = ("seconds",)
MAX_ROUNDING_PRECISION = 30
LONGEST_EXPRESSION = 10_000
LONGEST_VALUE = 255
MOST_FILTERS = 100
MOST_VALUES = 2_000


@dataclass(frozen=True, slots=True)
class MetricTerms:
    """The columns of a metric that a client sets."""

    name: str
    code: str
    description: str | None
    aggregation_type: str
    field_name: str | None
    recurring: bool
    rounding_function: str | None
    rounding_precision: int | None
    weighted_interval: str | None
    expression: str | None

    @property
    def reads(self) -> str | None:
        """The property that is read as a number, if any."""
        return self.field_name if self.aggregation_type in NUMERIC_AGGREGATIONS else None


def read_metric_terms(params: Params, taken: bool = False) -> MetricTerms:
    """Judges all fields of a metric but its filters. `taken`: the code is another metric's.

    Raises ValidationFailed; Forbidden for custom_agg, which takes a program that no interface can set.
    """
    read = Reader(params)
    name = read.text("name", mandatory=True)
    code = read.text("code", mandatory=True)
    if taken:
        read.add("code", TAKEN)
    description = read.text("description", longest=10_000)
    aggregation = params.get("aggregation_type")
    if aggregation == "custom_agg":
        raise Forbidden
    if aggregation not in AGGREGATIONS:
        read.add("aggregation_type", INVALID)
    field_name = read.text("field_name")
    if aggregation == "count_agg":
        field_name = None
    elif field_name is None and "field_name" not in read.errors:
        read.add("field_name", MANDATORY)
    recurring = bool(read.boolean("recurring", default=False))
    if recurring and aggregation in AGGREGATIONS and aggregation not in RECURRING_AGGREGATIONS:
        read.add("recurring", "not_compatible_with_aggregation_type")
    rounding_function = read.choice("rounding_function", ROUNDING_FUNCTIONS)
    rounding_precision = read.integer("rounding_precision", least=-MAX_ROUNDING_PRECISION, most=MAX_ROUNDING_PRECISION)
    weighted_interval = read.choice(
        "weighted_interval", WEIGHTED_INTERVALS, mandatory=aggregation == "weighted_sum_agg"
    )
    expression = _expression(read)
    read.finish()
    assert name is not None
    assert code is not None
    return MetricTerms(
        name, code, description, str(aggregation), field_name, recurring, rounding_function, rounding_precision,
        weighted_interval, expression,
    )  # fmt: skip


def _expression(read: Reader) -> str | None:
    """The text as sent; a blank one means none."""
    sent = read.params.get("expression")
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        return None
    try:
        if not isinstance(sent, str):
            raise InvalidExpression
        parse(sent)
    except InvalidExpression:
        read.add("expression", "invalid_expression")
        return None
    return sent


def read_metric_filters(params: Params) -> dict[str, list[str]] | None:
    """The field `filters`: values by key, each value once, keys in order; None when it is absent or null.

    Of a key that is sent twice the last list counts. Raises ValidationFailed {"key": …} or {"values": …}.
    """
    read = Reader(params)
    entries = read.objects("filters", most=MOST_FILTERS)
    filters: dict[str, list[str]] = {}
    for entry in entries or ():
        one = Reader(entry, read.errors)
        key = one.text("key", mandatory=True)
        values = _filter_values(one, entry)
        if key is not None and values:
            filters[key] = values
    read.finish()
    return None if entries is None else filters


def _filter_values(read: Reader, entry: Mapping[str, object]) -> list[str]:
    sent = entry.get("values")
    if sent is None or sent == "" or sent == []:
        read.add("values", MANDATORY)
        return []
    if isinstance(sent, list):
        # Numbers are taken as their text, as everywhere; true and null are not.
        numbers = [isinstance(value, int | Decimal) and not isinstance(value, bool) for value in sent]
        read.params = {"values": [str(value) if n else value for value, n in zip(sent, numbers, strict=True)]}
    values = read.texts("values", most=MOST_VALUES) or []
    if any(not value.strip() for value in values):
        read.add("values", MANDATORY)
    if any(len(value) > LONGEST_VALUE for value in values):
        read.add("values", TOO_LONG)
    return list(dict.fromkeys(values))
