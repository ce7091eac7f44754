"""Which charges are legal, and the codes of those that were sent without one (pricing handbook, section 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.kernel.validation import INVALID, MANDATORY, OUT_OF_RANGE, Params, Reader
from domain.pricing.models import ChargeModelName
from domain.pricing.properties import default_properties, stored_properties
from domain.pricing.validate import properties_errors

__all__ = [
    "CHARGE_MODELS", "ChargeTerms", "Dimension", "SoldMetric", "generated_code", "read_charge_terms",
    "read_properties",
]  # fmt: skip

CHARGE_MODELS = tuple(str(name) for name in ChargeModelName)

IN_ADVANCE = frozenset({"count_agg", "sum_agg", "unique_count_agg", "custom_agg"})
"""Aggregations whose units are known event by event."""

PRORATED_IN_ADVANCE = frozenset({"standard"})
PRORATED_IN_ARREARS = frozenset({"standard", "volume", "graduated"})
AGGREGATION_OF_MODEL = {"custom": "custom_agg", "dynamic": "sum_agg"}
SHARES_OF_AMOUNTS = frozenset({"percentage", "graduated_percentage"})


@dataclass(frozen=True, slots=True)
class Dimension:
    """A filter of a metric: its row and the values it may have."""

    id: UUID
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SoldMetric:
    """What a charge must know of its metric. dimensions: by key."""

    id: UUID
    code: str
    aggregation_type: str
    recurring: bool
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """The columns of a charge that a client sets, but for its metric. code: None asks for a generated one."""

    code: str | None
    invoice_display_name: str | None
    charge_model: str
    properties: dict[str, Any]
    pay_in_advance: bool
    prorated: bool
    invoiceable: bool
    regroup_paid_fees: str | None
    min_amount_cents: int
    accepts_target_wallet: bool = False


def read_charge_terms(params: Params, metric: SoldMetric, *, code_mandatory: bool = False) -> ChargeTerms:
    """Judges one charge against the table of legal combinations. Properties are reduced to the keys of the model; none
    sent gives the model's defaults. Raises ValidationFailed."""
    read = Reader(params)
    code = read.text("code", mandatory=code_mandatory)
    display_name = read.text("invoice_display_name")
    model = params.get("charge_model")
    if model not in CHARGE_MODELS:
        read.add("charge_model", INVALID)
        if model is None:
            read.add("charge_model", MANDATORY)
        model = None
    properties = read_properties(read, model) if model else {}
    in_advance = bool(read.boolean("pay_in_advance", default=False))
    prorated = bool(read.boolean("prorated", default=False))
    invoiceable = read.boolean("invoiceable", default=True) is not False
    regroup = read.choice("regroup_paid_fees", ("invoice",))
    minimum = read.integer("min_amount_cents", default=0) or 0
    accepts_target_wallet = bool(read.boolean("accepts_target_wallet", default=False))
    if model:
        _judge_model(read, model, metric)
    if in_advance and (metric.aggregation_type not in IN_ADVANCE or model == "volume"):
        read.add("pay_in_advance", "invalid_aggregation_type_or_charge_model")
    if not invoiceable and not in_advance:
        read.add("invoiceable", "must_be_true_unless_pay_in_advance")
    if regroup and (invoiceable or not in_advance):
        read.add("regroup_paid_fees", "only_compatible_with_pay_in_advance_and_non_invoiceable")
    if minimum > 0 and in_advance:
        read.add("min_amount_cents", "not_compatible_with_pay_in_advance")
    if minimum < 0:
        read.add("min_amount_cents", OUT_OF_RANGE)
    if prorated and not _may_be_prorated(model, in_advance, metric):
        read.add("prorated", "invalid_billable_metric_or_charge_model")
    read.finish()
    return ChargeTerms(
        code, display_name, str(model), properties, in_advance, prorated, invoiceable, regroup, minimum,
        accepts_target_wallet,
    )  # fmt: skip


def read_properties(read: Reader, model: str, *, of_filter: bool = False) -> dict[str, Any]:
    """The `properties` of a charge, charge filter or fixed charge as they are stored; errors under `properties`."""
    sent = read.json_object("properties")
    if "properties" in read.errors:
        return {}
    if not sent:
        return default_properties(model)
    stored = stored_properties(model, sent, of_filter=of_filter)
    for code in properties_errors(model, stored, of_filter=of_filter):
        read.add("properties", code)
    return stored


def _judge_model(read: Reader, model: str, metric: SoldMetric) -> None:
    wanted = AGGREGATION_OF_MODEL.get(model)
    if wanted is not None and metric.aggregation_type != wanted:
        read.add("charge_model", "invalid_aggregation_type_or_charge_model")
    if model in SHARES_OF_AMOUNTS and metric.aggregation_type == "latest_agg":
        read.add("properties", "invalid_value")


def _may_be_prorated(model: str | None, in_advance: bool, metric: SoldMetric) -> bool:
    if not metric.recurring or metric.aggregation_type == "weighted_sum_agg":
        return False
    return model in (PRORATED_IN_ADVANCE if in_advance else PRORATED_IN_ARREARS)


def generated_code(stem: str, taken: Iterable[str]) -> str:
    """The code of what is sold, or that and the next free number: api_calls, api_calls_2, api_calls_3."""
    known = set(taken)
    if stem not in known:
        return stem
    numbered = re.compile(re.escape(stem) + r"_([0-9]{1,9})")
    numbers = [int(match[1]) for code in known if (match := numbered.fullmatch(code))]
    return f"{stem}_{max([1, *numbers]) + 1}"
