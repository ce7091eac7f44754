"""/api/v1/billable_metrics"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from domain.catalog.events import (
    BillableMetricCreated,
    BillableMetricDeleted,
    BillableMetricUpdated,
    MetricFieldChanged,
)
from domain.catalog.models import BillableMetric
from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from tests.rest_api.conftest import Api, Recorded

SUM: dict[str, Any] = {"name": "Storage", "code": "storage", "aggregation_type": "sum_agg", "field_name": "gb"}


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/billable_metrics", {"billable_metric": {**SUM, **changes}})
    assert answer.status_code == 200, answer.text
    return answer.json()["billable_metric"]  # type: ignore[no-any-return]


async def errors(api: Api, body: dict[str, Any]) -> dict[str, list[str]]:
    answer = await api.post("/billable_metrics", {"billable_metric": body})
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_errors"
    return answer.json()["error_details"]  # type: ignore[no-any-return]


async def put_on_plan(api: Api, metric_id: str, code: str = "basic") -> None:
    plan = {
        "name": "Basic", "code": code, "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",
        "pay_in_advance": False, "charges": [{"billable_metric_id": metric_id, "charge_model": "standard"}],
    }  # fmt: skip
    assert (await api.post("/plans", {"plan": plan})).status_code == 200


async def test_a_metric_is_made_and_shown_with_all_its_fields(api: Api, recorded: Recorded) -> None:
    metric = await made(
        api, description="d", recurring=True, rounding_function="ceil", rounding_precision=-1, filters=[], expression=""
    )
    assert metric.pop("lago_id")
    assert metric.pop("created_at").endswith("Z")
    shown: dict[str, Any] = {
        "name": "Storage", "code": "storage", "description": "d", "aggregation_type": "sum_agg",
        "weighted_interval": None, "recurring": True, "rounding_function": "ceil", "rounding_precision": -1,
        "field_name": "gb", "expression": None, "filters": [],
    }  # fmt: skip
    counters = {"active_subscriptions_count": 0, "draft_invoices_count": 0, "plans_count": 0}
    assert metric == shown | counters
    found = (await api.get("/billable_metrics/storage")).json()["billable_metric"]
    assert {name: found[name] for name in shown} == shown
    assert counters.keys().isdisjoint(found)
    assert len(recorded.of(BillableMetricCreated)) == 1
    assert len(recorded.of(MetricFieldChanged)) == 1


@pytest.mark.parametrize("aggregation", ["sum_agg", "max_agg", "unique_count_agg", "latest_agg"])
async def test_aggregations_over_a_property_need_its_name(api: Api, aggregation: str) -> None:
    assert await errors(api, {**SUM, "aggregation_type": aggregation, "field_name": " "}) == {
        "field_name": ["value_is_mandatory"]
    }
    assert (await made(api, aggregation_type=aggregation))["field_name"] == "gb"


async def test_a_count_reads_no_property(api: Api, recorded: Recorded) -> None:
    assert (await made(api, aggregation_type="count_agg"))["field_name"] is None
    assert recorded.of(MetricFieldChanged) == []


async def test_every_wrong_field_is_named_at_once(api: Api) -> None:
    assert await errors(api, {"aggregation_type": "median_agg", "rounding_function": "half", "recurring": "yes"}) == {
        "name": ["value_is_mandatory"],
        "code": ["value_is_mandatory"],
        "aggregation_type": ["value_is_invalid"],
        "field_name": ["value_is_mandatory"],
        "recurring": ["value_is_invalid"],
        "rounding_function": ["value_is_invalid"],
    }


@pytest.mark.parametrize("aggregation", ["count_agg", "max_agg", "latest_agg"])
async def test_only_sums_and_unique_counts_recur(api: Api, aggregation: str) -> None:
    assert await errors(api, {**SUM, "aggregation_type": aggregation, "recurring": True}) == {
        "recurring": ["not_compatible_with_aggregation_type"]
    }
    assert (await made(api, aggregation_type="unique_count_agg", recurring=True))["recurring"] is True


async def test_a_weighted_sum_needs_its_interval_and_may_recur(api: Api) -> None:
    weighted = {**SUM, "aggregation_type": "weighted_sum_agg", "recurring": True}
    assert await errors(api, weighted) == {"weighted_interval": ["value_is_invalid"]}
    assert await errors(api, {**weighted, "weighted_interval": "hours"}) == {"weighted_interval": ["value_is_invalid"]}
    metric = await made(api, **{**weighted, "weighted_interval": "seconds"})
    assert (metric["aggregation_type"], metric["weighted_interval"], metric["recurring"]) == (
        "weighted_sum_agg", "seconds", True,
    )  # fmt: skip


@pytest.mark.parametrize("expression", ["event.properties.a +", "rOUND(1)", "event.a", 3, ["1"], "1 +\t2"])
async def test_an_expression_that_is_none_is_refused(api: Api, expression: object) -> None:
    assert await errors(api, {**SUM, "expression": expression}) == {"expression": ["invalid_expression"]}


async def test_an_expression_is_kept_as_sent(api: Api) -> None:
    expression = "round( event.properties.a*2 , 1)"
    assert (await made(api, expression=expression))["expression"] == expression
    answer = await api.put("/billable_metrics/storage", {"billable_metric": {"expression": ""}})
    assert answer.json()["billable_metric"]["expression"] is None


async def test_custom_aggregation_is_a_feature_that_is_not_there(api: Api) -> None:
    answer = await api.post("/billable_metrics", {"billable_metric": {**SUM, "aggregation_type": "custom_agg"}})
    assert answer.status_code == 403
    assert answer.json()["code"] == "feature_unavailable"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", [], "value_is_invalid"),
        ("name", {"a": 1}, "value_is_invalid"),
        ("code", "x" * 256, "value_is_too_long"),
        ("code", True, "value_is_invalid"),
        ("field_name", ["a"], "value_is_invalid"),
        ("aggregation_type", 1, "value_is_invalid"),
        ("aggregation_type", {"a": 1}, "value_is_invalid"),
        ("rounding_precision", "x", "value_is_invalid"),
        ("rounding_precision", 10**40, "value_is_out_of_range"),
        ("rounding_precision", 1.5, "value_is_invalid"),
        ("recurring", 3, "value_is_invalid"),
    ],
)
async def test_wrong_types_and_sizes_are_422(api: Api, field: str, value: object, code: str) -> None:
    assert (await errors(api, {**SUM, field: value}))[field] == [code]


async def test_codes_are_unique_while_kept(api: Api) -> None:
    await made(api)
    assert await errors(api, SUM) == {"code": ["value_already_exist"]}
    await api.delete("/billable_metrics/storage")
    await made(api)


async def test_of_many_at_once_one_gets_the_code(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/billable_metrics", {"billable_metric": SUM}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 7
    assert all(a.json()["error_details"] == {"code": ["value_already_exist"]} for a in answers if a.status_code == 422)


async def test_another_organization_sees_nothing_and_may_use_the_same_code(api: Api, stranger: Api) -> None:
    await made(api)
    for answer in (
        await stranger.get("/billable_metrics/storage"),
        await stranger.put("/billable_metrics/storage", {"billable_metric": {"name": "x"}}),
        await stranger.delete("/billable_metrics/storage"),
    ):
        assert answer.status_code == 404
        assert answer.json()["code"] == "billable_metric_not_found"
    assert (await stranger.get("/billable_metrics")).json()["billable_metrics"] == []
    await made(stranger)


async def test_an_update_changes_what_is_given(api: Api, recorded: Recorded) -> None:
    await made(api, rounding_function="round", rounding_precision=2)
    answer = await api.put("/billable_metrics/storage", {"billable_metric": {"code": "disk", "rounding_precision": 3}})
    metric = answer.json()["billable_metric"]
    assert (metric["code"], metric["rounding_precision"], metric["field_name"]) == ("disk", 3, "gb")
    assert metric["rounding_function"] == "round"
    assert len(recorded.of(BillableMetricUpdated)) == 1


async def values_ready(api: Api, ready: bool | None = None) -> bool:
    async with tenant_work(api.tenant) as work:
        if ready is not None:
            await work.session.execute(sa.update(table(BillableMetric)).values(values_ready=ready))
        return bool(await work.session.scalar(sa.select(table(BillableMetric).c.values_ready)))


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({"field_name": "tb"}, True),
        ({"code": "disk"}, True),
        ({"aggregation_type": "max_agg"}, False),
        ({"aggregation_type": "unique_count_agg"}, False),
        ({"name": "New"}, False),
    ],
)
async def test_numbers_are_filled_in_again_when_another_property_is_read(
    api: Api, recorded: Recorded, change: dict[str, Any], asks: bool
) -> None:
    await made(api)
    await values_ready(api, True)
    recorded.clear()
    await api.put("/billable_metrics/storage", {"billable_metric": change})
    assert len(recorded.of(MetricFieldChanged)) == asks
    if asks:
        assert await values_ready(api) is False


async def test_in_use_only_name_and_description_change_and_the_rest_is_ignored(api: Api) -> None:
    metric = await made(api)
    await put_on_plan(api, metric["lago_id"])
    change = {
        "name": "New", "description": "d", "code": "other", "aggregation_type": "nonsense", "field_name": "tb",
        "recurring": True, "rounding_function": "ceil", "rounding_precision": 4,
    }  # fmt: skip
    answer = await api.put("/billable_metrics/storage", {"billable_metric": change})
    assert answer.status_code == 200
    after = answer.json()["billable_metric"]
    assert after == metric | {"name": "New", "description": "d"}


async def test_filters_can_be_changed_in_use_as_well(api: Api) -> None:
    await put_on_plan(api, (await made(api))["lago_id"])
    change = {"filters": [{"key": "a", "values": ["c", "b"]}], "expression": "1"}
    answer = await api.put("/billable_metrics/storage", {"billable_metric": change})
    metric = answer.json()["billable_metric"]
    assert metric["filters"] == [{"key": "a", "values": ["b", "c"]}]
    assert metric["expression"] is None


async def test_a_code_can_not_be_changed_to_a_taken_one(api: Api) -> None:
    await made(api)
    await made(api, code="other")
    answer = await api.put("/billable_metrics/other", {"billable_metric": {"code": "storage"}})
    assert answer.json()["error_details"] == {"code": ["value_already_exist"]}


async def test_deletion_takes_the_charges_along(api: Api, recorded: Recorded) -> None:
    metric = await made(api)
    await put_on_plan(api, metric["lago_id"])
    answer = await api.delete("/billable_metrics/storage")
    assert answer.json()["billable_metric"]["lago_id"] == metric["lago_id"]
    assert (await api.get("/billable_metrics/storage")).status_code == 404
    plan = (await api.get("/plans/basic")).json()["plan"]
    assert plan["charges"] == []
    [event] = recorded.of(BillableMetricDeleted)
    assert [str(plan_id) for plan_id in event.plan_ids] == [plan["lago_id"]]
    assert (await api.delete("/billable_metrics/storage")).status_code == 404
