"""Which billable metrics are legal (metering handbook, sections 1.1 and 1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from domain.catalog.unsupported import UNSUPPORTED, refuse_unsupported
from domain.kernel.errors import Forbidden
from domain.kernel.validation import INVALID, MANDATORY, Params, Reader

__all__ = ["AGGREGATIONS", "NUMERIC_AGGREGATIONS", "ROUNDING_FUNCTIONS", "MetricTerms", "read_metric_terms"]

AGGREGATIONS = ("count_agg", "sum_agg", "max_agg", "unique_count_agg", "latest_agg")
NUMERIC_AGGREGATIONS = frozenset({"sum_agg", "max_agg", "latest_agg"})
RECURRING_AGGREGATIONS = frozenset({"sum_agg", "unique_count_agg"})
ROUNDING_FUNCTIONS = ("round", "ceil", "floor")
MAX_ROUNDING_PRECISION = 30


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

    @property
    def reads(self) -> str | None:
        """The property that is read as a number, if any."""
        return self.field_name if self.aggregation_type in NUMERIC_AGGREGATIONS else None


def read_metric_terms(params: Params, taken: bool = False) -> MetricTerms:
    """Judges all fields of a metric. `taken`: the code is another metric's.

    Raises ValidationFailed; Forbidden for custom_agg, which takes a program that no interface can set.
    """
    read = Reader(params)
    name = read.text("name", mandatory=True)
    code = read.text("code", mandatory=True)
    if taken:
        read.add("code", "value_already_exist")
    description = read.text("description", longest=10_000)
    aggregation = params.get("aggregation_type")
    if aggregation == "custom_agg":
        raise Forbidden
    if aggregation == "weighted_sum_agg":
        read.add("aggregation_type", UNSUPPORTED)
    elif aggregation not in AGGREGATIONS:
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
    refuse_unsupported(read, {"filters": None, "expression": None, "weighted_interval": None})
    read.finish()
    assert name is not None
    assert code is not None
    return MetricTerms(
        name, code, description, str(aggregation), field_name, recurring, rounding_function, rounding_precision
    )
