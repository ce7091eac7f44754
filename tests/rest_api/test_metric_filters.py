"""The dimensions of a metric, and what becomes of the filters of charges when they change."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from domain.catalog.events import PlanComponentsChanged
from domain.catalog.models import BillableMetricFilter, ChargeFilter, ChargeFilterValue
from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from tests.rest_api.conftest import Api, Recorded

METRIC: dict[str, Any] = {"name": "Storage", "code": "storage", "aggregation_type": "sum_agg", "field_name": "gb"}
REGIONS = {"key": "region", "values": ["us", "eu", "asia"]}
TIERS = {"key": "tier", "values": ["gold", "tin"]}
_filters, _values, _dimensions = table(ChargeFilter), table(ChargeFilterValue), table(BillableMetricFilter)


async def made(api: Api, *filters: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post("/billable_metrics", {"billable_metric": {**METRIC, "filters": list(filters)}})
    assert answer.status_code == 200, answer.text
    return answer.json()["billable_metric"]  # type: ignore[no-any-return]


async def change(api: Api, *filters: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await api.put("/billable_metrics/storage", {"billable_metric": {"filters": list(filters)}})
    assert answer.status_code == 200, answer.text
    return answer.json()["billable_metric"]["filters"]  # type: ignore[no-any-return]


async def charged(api: Api, metric: dict[str, Any], *filters: dict[str, list[str]]) -> None:
    """A charge with these filters, written as rows: key → values each."""
    charge = {"billable_metric_id": metric["lago_id"], "charge_model": "standard"}
    plan = {
        "name": "Basic", "code": "basic", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",
        "pay_in_advance": False, "charges": [charge],
    }  # fmt: skip
    answer = await api.post("/plans", {"plan": plan})
    assert answer.status_code == 200, answer.text
    charge_id = answer.json()["plan"]["charges"][0]["lago_id"]
    async with tenant_work(api.tenant) as work:
        ids = {row.key: row.id for row in await work.session.execute(sa.select(*_dimensions.c))}
        for place, each in enumerate(filters):
            row = ChargeFilter(
                organization_id=work.organization_id, charge_id=charge_id, code=f"f{place}", position=place
            )
            work.session.add(row)
            await work.session.flush()
            for key, values in each.items():
                work.session.add(
                    ChargeFilterValue(
                        organization_id=work.organization_id, charge_filter_id=row.id,
                        billable_metric_filter_id=ids[key], values=values,
                    )
                )  # fmt: skip


async def kept(api: Api) -> list[dict[str, list[str]]]:
    """What the kept charge filters take, in order."""
    async with tenant_work(api.tenant) as work:
        query = (
            sa.select(_filters.c.id, _dimensions.c.key, _values.c["values"].label("taken"))
            .outerjoin(_values, sa.and_(_values.c.charge_filter_id == _filters.c.id, _values.c.deleted_at.is_(None)))
            .outerjoin(_dimensions, _dimensions.c.id == _values.c.billable_metric_filter_id)
            .where(_filters.c.deleted_at.is_(None))
            .order_by(_filters.c.position, _values.c.id)
        )
        found: dict[Any, dict[str, list[str]]] = {}
        for row in await work.session.execute(query):
            found.setdefault(row.id, {})[row.key] = row.taken
    return list(found.values())


async def test_filters_are_shown_with_sorted_values_each_once(api: Api) -> None:
    metric = await made(api, {"key": "region", "values": ["us", "eu", "us", 7]}, TIERS)
    shown = [{"key": "region", "values": ["7", "eu", "us"]}, TIERS]
    assert metric["filters"] == shown
    assert (await api.get("/billable_metrics/storage")).json()["billable_metric"]["filters"] == shown
    assert (await api.get("/billable_metrics")).json()["billable_metrics"][0]["filters"] == shown


@pytest.mark.parametrize(
    ("filters", "errors"),
    [
        ([{"values": ["a"]}], {"key": ["value_is_mandatory"]}),
        ([{"key": " ", "values": ["a"]}], {"key": ["value_is_mandatory"]}),
        ([{"key": "a"}], {"values": ["value_is_mandatory"]}),
        ([{"key": "a", "values": []}], {"values": ["value_is_mandatory"]}),
        ([{"key": "a", "values": ["b", " "]}], {"values": ["value_is_mandatory"]}),
        ([{}], {"key": ["value_is_mandatory"], "values": ["value_is_mandatory"]}),
        ([{"key": "a", "values": "b"}], {"values": ["value_is_invalid"]}),
        ([{"key": "a", "values": [True]}], {"values": ["value_is_invalid"]}),
        ([{"key": "a", "values": ["x" * 300]}], {"values": ["value_is_too_long"]}),
        ([{"key": "k" * 300, "values": ["x"]}], {"key": ["value_is_too_long"]}),
        (["a"], {"filters": ["value_is_invalid"]}),
        ({"key": "a"}, {"filters": ["value_is_invalid"]}),
        ([{"key": "a", "values": ["x"]}] * 101, {"filters": ["too_many_values"]}),
    ],
)
async def test_wrong_filters_are_refused_and_no_metric_is_made(
    api: Api, filters: object, errors: dict[str, list[str]]
) -> None:
    answer = await api.post("/billable_metrics", {"billable_metric": {**METRIC, "filters": filters}})
    assert (answer.status_code, answer.json()["error_details"]) == (422, errors)
    assert (await api.get("/billable_metrics/storage")).status_code == 404


async def test_a_list_that_is_sent_replaces_the_one_before(api: Api) -> None:
    await made(api, REGIONS, TIERS)
    assert await change(api, {"key": "tier", "values": ["tin", "iron"]}, {"key": "zone", "values": ["a"]}) == [
        {"key": "tier", "values": ["iron", "tin"]},
        {"key": "zone", "values": ["a"]},
    ]
    assert await change(api) == []
    assert await change(api, TIERS) == [TIERS]


async def test_filters_that_are_not_sent_stay(api: Api) -> None:
    await made(api, TIERS)
    for body in ({"name": "New"}, {"name": "New", "filters": None}):
        answer = await api.put("/billable_metrics/storage", {"billable_metric": body})
        assert answer.json()["billable_metric"]["filters"] == [TIERS]


async def test_a_value_that_is_gone_is_taken_out_of_charge_filters(api: Api) -> None:
    metric = await made(api, REGIONS, TIERS)
    await charged(
        api, metric, {"region": ["us", "eu"]}, {"region": ["us"]}, {"region": ["us"], "tier": ["gold"]},
        {"region": ["__ALL_FILTER_VALUES__"]}, {"region": ["eu"]},
    )  # fmt: skip
    await change(api, {"key": "region", "values": ["eu", "asia"]}, TIERS)
    assert await kept(api) == [
        {"region": ["eu"]},
        {"tier": ["gold"]},
        {"region": ["__ALL_FILTER_VALUES__"]},
        {"region": ["eu"]},
    ]


async def test_a_key_that_is_gone_takes_its_values_along(api: Api) -> None:
    metric = await made(api, REGIONS, TIERS)
    await charged(api, metric, {"region": ["us"], "tier": ["gold"]}, {"region": ["__ALL_FILTER_VALUES__"]})
    await change(api, TIERS)
    assert await kept(api) == [{"tier": ["gold"]}]
    await change(api)
    assert await kept(api) == []


async def test_drafts_of_the_plans_are_refreshed_when_filters_change(api: Api, recorded: Recorded) -> None:
    metric = await made(api, TIERS)
    await charged(api, metric)
    plan_id = (await api.get("/plans/basic")).json()["plan"]["lago_id"]
    await change(api, TIERS)
    assert recorded.of(PlanComponentsChanged) == []
    await change(api, REGIONS)
    [event] = recorded.of(PlanComponentsChanged)
    assert [str(one) for one in event.plan_ids] == [plan_id]


async def test_more_values_leave_charge_filters_alone(api: Api) -> None:
    metric = await made(api, TIERS)
    await charged(api, metric, {"tier": ["gold"]})
    await change(api, {"key": "tier", "values": ["iron", "tin", "gold"]}, REGIONS)
    assert await kept(api) == [{"tier": ["gold"]}]


async def test_the_deletion_of_a_metric_takes_filters_along(api: Api) -> None:
    metric = await made(api, TIERS)
    await charged(api, metric, {"tier": ["gold"]})
    answer = await api.delete("/billable_metrics/storage")
    assert answer.json()["billable_metric"]["filters"] == [TIERS]
    assert await kept(api) == []
    assert (await made(api))["filters"] == []


async def test_a_change_of_filters_costs_a_fixed_number_of_statements(api: Api, statements: list[str]) -> None:
    metric = await made(api, *({"key": f"k{n}", "values": ["a", "b"]} for n in range(30)))
    await charged(api, metric, *({f"k{n}": ["a", "b"]} for n in range(30)))
    counts = []
    for number in (1, 29):
        statements.clear()
        await change(api, *({"key": f"k{n}", "values": ["b"] if n < number else ["a", "b"]} for n in range(30)))
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert await kept(api) == [{f"k{n}": ["b"]} for n in range(29)] + [{"k29": ["a", "b"]}]
