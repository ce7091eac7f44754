"""Billable metrics with filters, expressions and weighted sums over GraphQL."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.graphql_api.conftest import Caller

FIELDS = "id code aggregationType weightedInterval expression fieldName filters { id key values } hasPlans"
CREATE = f"mutation($input: CreateBillableMetricInput!) {{ createBillableMetric(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation($input: UpdateBillableMetricInput!) {{ updateBillableMetric(input: $input) {{ {FIELDS} }} }}"
DESTROY = "mutation($input: DestroyBillableMetricInput!) { destroyBillableMetric(input: $input) { id } }"
SHOW = f"query($id: ID!) {{ billableMetric(id: $id) {{ {FIELDS} }} }}"


def terms(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Level", "code": f"level-{uuid4().hex[:8]}", "description": "", "aggregationType": "weighted_sum_agg",
        "weightedInterval": "seconds", "fieldName": "gb", **fields,
    }  # fmt: skip


async def test_a_metric_with_everything_is_made_changed_and_deleted(admin: Caller) -> None:
    wanted = terms(
        expression="event.properties.a * 2",
        filters=[{"key": "region", "values": ["us", "eu"]}, {"key": "tier", "values": ["gold"]}],
    )
    metric = (await admin.data(CREATE, {"input": wanted}))["createBillableMetric"]
    assert (metric["aggregationType"], metric["weightedInterval"]) == ("weighted_sum_agg", "seconds")
    assert (metric["expression"], metric["hasPlans"]) == ("event.properties.a * 2", False)
    assert [(one["key"], one["values"]) for one in metric["filters"]] == [("region", ["eu", "us"]), ("tier", ["gold"])]
    assert all(one["id"] for one in metric["filters"])
    assert (await admin.data(SHOW, {"id": metric["id"]}))["billableMetric"] == metric
    change = {**wanted, "id": metric["id"], "expression": None, "filters": [{"key": "region", "values": ["eu"]}]}
    changed = (await admin.data(UPDATE, {"input": change}))["updateBillableMetric"]
    assert changed["expression"] is None
    assert changed["filters"] == [{**metric["filters"][0], "values": ["eu"]}]
    gone = await admin.data(DESTROY, {"input": {"id": metric["id"]}})
    assert gone["destroyBillableMetric"]["id"] == metric["id"]
    assert (await admin.error(SHOW, {"id": metric["id"]}))["code"] == "not_found"


async def test_wrong_fields_are_named(admin: Caller) -> None:
    error = await admin.error(CREATE, {"input": terms(weightedInterval=None, expression="1 +")})
    assert error["details"] == {"weightedInterval": ["value_is_invalid"], "expression": ["invalid_expression"]}
    error = await admin.error(CREATE, {"input": terms(filters=[{"key": "", "values": []}])})
    assert error["details"] == {"key": ["value_is_mandatory"], "values": ["value_is_mandatory"]}


async def test_another_organizations_metric_is_not_found(admin: Caller, stranger: Caller) -> None:
    metric = (await admin.data(CREATE, {"input": terms()}))["createBillableMetric"]
    for query, variables in (
        (SHOW, {"id": metric["id"]}),
        (UPDATE, {"input": terms(id=metric["id"], filters=[])}),
        (DESTROY, {"input": {"id": metric["id"]}}),
        (DESTROY, {"input": {"id": "nonsense"}}),
    ):
        assert (await stranger.error(query, variables))["code"] == "not_found"


async def test_metrics_to_choose_from_are_searched_by_name_and_code(admin: Caller) -> None:
    name = uuid4().hex
    made = [(await admin.data(CREATE, {"input": terms(name=f"{name} {n}")}))["createBillableMetric"] for n in range(3)]
    query = """query($term: String) { selectableBillableMetrics(searchTerm: $term, limit: 2) {
        collection { id name code } metadata { totalCount totalPages } } }"""
    found = (await admin.data(query, {"term": name.upper()}))["selectableBillableMetrics"]
    assert [one["id"] for one in found["collection"]] == [made[2]["id"], made[1]["id"]]
    assert found["metadata"] == {"totalCount": 3, "totalPages": 2}


async def test_a_list_with_filters_costs_a_fixed_number_of_statements(admin: Caller, statements: list[str]) -> None:
    query = "{ billableMetrics(limit: 100) { collection { id filters { key values } hasPlans } } }"
    counts = []
    for _ in range(2):
        for _ in range(4):
            await admin.data(CREATE, {"input": terms(filters=[{"key": "a", "values": ["b"]}])})
        statements.clear()
        await admin.data(query)
        counts.append(len(statements))
    assert counts[0] == counts[1]
