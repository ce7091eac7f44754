"""POST /billable_metrics/evaluate_expression"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.rest_api.conftest import Api

EVENT: dict[str, Any] = {"code": "api", "timestamp": 1_700_000_000.9, "properties": {"a": 1, "b": "2.5", "w": "x"}}


async def evaluated(api: Api, expression: object, event: object = EVENT) -> Any:
    return await api.post("/billable_metrics/evaluate_expression", {"expression": expression, "event": event})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("event.properties.a + event.properties.b", "3.5"),
        ("event.timestamp", "1700000000.0"),
        ("concat(event.code, event.properties.w)", "apix"),
    ],
)
async def test_the_value_is_a_text(api: Api, expression: str, value: str) -> None:
    answer = await evaluated(api, expression)
    assert (answer.status_code, answer.json()) == (200, {"expression_result": {"value": value}})


async def test_without_a_timestamp_it_is_now(api: Api) -> None:
    answer = await evaluated(api, "event.timestamp", {"code": "a"})
    assert abs(float(answer.json()["expression_result"]["value"]) - time.time()) < 30


@pytest.mark.parametrize(
    ("expression", "event", "errors"),
    [
        (None, EVENT, {"expression": ["value_is_mandatory"]}),
        (" ", EVENT, {"expression": ["value_is_mandatory"]}),
        ("1 +", EVENT, {"expression": ["invalid_expression"]}),
        (12, EVENT, {"expression": ["invalid_expression"]}),
        ({"a": 1}, EVENT, {"expression": ["invalid_expression"]}),
        ("1+" * 20_000 + "1", EVENT, {"expression": ["invalid_expression"]}),
        ("event.properties.missing", EVENT, {"event": ["invalid_event"]}),
        ("event.properties.w * 2", EVENT, {"event": ["invalid_event"]}),
        ("1 / 0", EVENT, {"event": ["invalid_event"]}),
        ("1", "event", {"event": ["invalid_event"]}),
        ("1", {"timestamp": "2024-01-01T00:00:00Z"}, {"event": ["invalid_event"]}),
        ("1", {"timestamp": 10**30}, {"event": ["invalid_event"]}),
        ("1", {"timestamp": True}, {"event": ["invalid_event"]}),
        ("1", {"properties": [1]}, {"event": ["invalid_event"]}),
        ("1", {"properties": {"a": "\x00"}}, {"event": ["invalid_event"]}),
    ],
)
async def test_what_can_not_be_evaluated_is_named(
    api: Api, expression: object, event: object, errors: dict[str, list[str]]
) -> None:
    answer = await evaluated(api, expression, event)
    assert (answer.status_code, answer.json().get("error_details")) == (422, errors)


async def test_a_body_that_is_no_object_is_400(api: Api) -> None:
    assert (await api.post("/billable_metrics/evaluate_expression", [1])).status_code == 400
