"""The table of legal charges, row by row (pricing handbook, section 2.2)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from domain.catalog.charge_terms import SoldMetric, read_charge_terms
from domain.kernel.errors import ValidationFailed
from domain.pricing.properties import default_properties

AGGREGATIONS = (
    "count_agg", "sum_agg", "max_agg", "unique_count_agg", "latest_agg", "weighted_sum_agg", "custom_agg",
)  # fmt: skip
IN_ADVANCE = {"count_agg", "sum_agg", "unique_count_agg", "custom_agg"}
EVERY = set(AGGREGATIONS)
BUT_LATEST = EVERY - {"latest_agg"}

# model: (in advance, prorated in arrears, prorated in advance, metrics), as the handbook's second table has them
TABLE: dict[str, tuple[bool, bool, bool, set[str]]] = {
    "standard": (True, True, True, EVERY),
    "graduated": (True, True, False, EVERY),
    "volume": (False, True, False, EVERY),
    "package": (True, False, False, EVERY),
    "percentage": (True, False, False, BUT_LATEST),
    "graduated_percentage": (True, False, False, BUT_LATEST),
    "dynamic": (True, False, False, {"sum_agg"}),
    "custom": (True, False, False, {"custom_agg"}),
}


def metric(aggregation_type: str, recurring: bool = False) -> SoldMetric:
    return SoldMetric(uuid4(), "m", aggregation_type, recurring)


def errors(params: dict[str, Any], sold: SoldMetric) -> dict[str, list[str]]:
    model = params.get("charge_model", "standard")
    sent = {"charge_model": model, "properties": default_properties(model), **params}
    try:
        read_charge_terms(sent, sold)
    except ValidationFailed as refusal:
        return dict(refusal.details)  # type: ignore[arg-type]
    return {}


@pytest.mark.parametrize("model", TABLE)
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("recurring", [False, True])
@pytest.mark.parametrize("in_advance", [False, True])
@pytest.mark.parametrize("prorated", [False, True])
def test_what_is_legal_is_taken_and_nothing_else(
    model: str, aggregation: str, recurring: bool, in_advance: bool, prorated: bool
) -> None:
    advance, prorated_arrears, prorated_advance, metrics = TABLE[model]
    wrong: dict[str, list[str]] = {}
    if aggregation not in metrics:
        if model in ("custom", "dynamic"):
            wrong["charge_model"] = ["invalid_aggregation_type_or_charge_model"]
        else:
            wrong["properties"] = ["invalid_value"]
    if in_advance and not (advance and aggregation in IN_ADVANCE):
        wrong["pay_in_advance"] = ["invalid_aggregation_type_or_charge_model"]
    may = prorated_advance if in_advance else prorated_arrears
    if prorated and not (may and recurring and aggregation != "weighted_sum_agg"):
        wrong["prorated"] = ["invalid_billable_metric_or_charge_model"]
    sent = {"charge_model": model, "pay_in_advance": in_advance, "prorated": prorated}
    assert errors(sent, metric(aggregation, recurring)) == wrong


@pytest.mark.parametrize("model", TABLE)
def test_a_minimum_goes_with_arrears_alone(model: str) -> None:
    sold = metric("custom_agg" if model == "custom" else "sum_agg")
    assert errors({"charge_model": model, "min_amount_cents": 5}, sold) == {}
    if TABLE[model][0]:
        sent = {"charge_model": model, "min_amount_cents": 5, "pay_in_advance": True}
        assert errors(sent, sold) == {"min_amount_cents": ["not_compatible_with_pay_in_advance"]}


@pytest.mark.parametrize(
    ("params", "details"),
    [
        ({"pay_in_advance": True, "invoiceable": False}, {}),
        ({"pay_in_advance": True, "invoiceable": False, "regroup_paid_fees": "invoice"}, {}),
        ({"invoiceable": False}, {"invoiceable": ["must_be_true_unless_pay_in_advance"]}),
        (
            {"pay_in_advance": True, "regroup_paid_fees": "invoice"},
            {"regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"]},
        ),
        (
            {"invoiceable": False, "regroup_paid_fees": "invoice"},
            {
                "invoiceable": ["must_be_true_unless_pay_in_advance"],
                "regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"],
            },
        ),
        ({"regroup_paid_fees": "later"}, {"regroup_paid_fees": ["value_is_invalid"]}),
        ({"min_amount_cents": -1}, {"min_amount_cents": ["value_is_out_of_range"]}),
        ({"min_amount_cents": 2**70}, {"min_amount_cents": ["value_is_out_of_range"]}),
        ({"accepts_target_wallet": True}, {}),
        ({"accepts_target_wallet": False}, {}),
        ({"pay_in_advance": "yes"}, {"pay_in_advance": ["value_is_invalid"]}),
    ],
)
def test_flags(params: dict[str, Any], details: dict[str, list[str]]) -> None:
    assert errors(params, metric("sum_agg")) == details
