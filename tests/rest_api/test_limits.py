"""What is too much of a catalog is refused by the name of its field, and what is just not too much is taken."""

from __future__ import annotations

from typing import Any

from tests.rest_api.conftest import Api

STANDARD = {"amount": "1"}


async def metric(api: Api, code: str, *counts: int) -> Any:
    """A sum with a filter for each count, of so many values."""
    filters = [{"key": f"k{n}", "values": [f"v{value}" for value in range(count)]} for n, count in enumerate(counts)]
    sent = {"name": "m", "code": code, "aggregation_type": "sum_agg", "field_name": "value", "filters": filters}
    answer = await api.post("/billable_metrics", {"billable_metric": sent})
    return answer.json()["billable_metric"]["lago_id"] if answer.status_code == 200 else answer.json()["error_details"]


async def plan(api: Api, code: str, charges: list[dict[str, Any]]) -> Any:
    """None when it is taken, else what is wrong with it."""
    sent = {"name": "p", "code": code, "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",
            "pay_in_advance": False, "charges": charges}  # fmt: skip
    answer = await api.post("/plans", {"plan": sent})
    assert answer.status_code in (200, 422), answer.text
    return answer.json().get("error_details")


def charge(metric_id: str, *filters: dict[str, list[str]]) -> dict[str, Any]:
    priced = [{"values": values, "properties": STANDARD} for values in filters]
    return {"billable_metric_id": metric_id, "charge_model": "standard", "properties": STANDARD, "filters": priced}


async def test_a_metrics_filter_has_at_most_two_thousand_values(api: Api) -> None:
    assert await metric(api, "a", 100_000) == {"values": ["too_many_values"]}
    assert await metric(api, "a", 2_001) == {"values": ["too_many_values"]}
    assert isinstance(await metric(api, "a", 2_000), str)


async def test_the_filters_of_a_charge_have_limits_each_and_together(api: Api) -> None:
    many = await metric(api, "many", 2_000, 2_000)
    every = [f"v{value}" for value in range(2_000)]
    assert await plan(api, "one", [charge(many, {"k0": every})]) is None
    assert await plan(api, "two", [charge(many, {"k0": [f"v{n}" for n in range(100_000)]})]) == {
        "values": ["too_many_values"]
    }
    assert await plan(api, "three", [charge(many, *({"k0": [f"v{n}"]} for n in range(1_001)))]) == {
        "filters": ["too_many_values"]
    }
    # All of 2,000 values count as 2,000.
    everything = [{"k0": ["__ALL_FILTER_VALUES__"], "k1": [f"v{n}"]} for n in range(51)]
    assert await plan(api, "four", [charge(many, *everything)]) == {"values": ["too_many_values"]}
    assert await plan(api, "five", [charge(many, *everything[:49])]) is None
    (code,) = [each["code"] for each in (await api.get("/plans/five")).json()["plan"]["charges"]]
    one_more = {"filter": {"values": {"k0": every, "k1": ["v60"]}, "properties": STANDARD}}
    answer = await api.post(f"/plans/five/charges/{code}/filters", one_more)
    assert (answer.status_code, answer.json()["error_details"]) == (422, {"values": ["too_many_values"]})


async def test_a_plan_has_at_most_a_thousand_charges_and_five_thousand_filters_in_one_request(api: Api) -> None:
    few = await metric(api, "few", 1_000)
    assert await plan(api, "one", [charge(few)] * 10_000) == {"charges": ["too_many_values"]}
    filters = [{"k0": [f"v{n}"]} for n in range(1_000)]
    assert await plan(api, "two", [charge(few, *filters)] * 5 + [charge(few, filters[0])]) == {
        "filters": ["too_many_values"]
    }
