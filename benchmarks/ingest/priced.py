"""What the second kind of events of the benchmark is for: a metric with an expression, on a charge with filters."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg

__all__ = ["CODE", "prepare_priced"]

CODE = "spend"
MODELS = ("small", "medium", "large")
REGIONS = ("eu-west-1", "us-east-1", "ap-south-1", "sa-east-1")

_METRIC = {
    "name": "Spend", "code": CODE, "aggregation_type": "sum_agg", "field_name": "credits",
    "expression": "round(event.properties.tokens * 1.25 / 1000 + least(event.properties.tokens, 100) * 0.001, 4)",
    "filters": [{"key": "model", "values": list(MODELS)}, {"key": "region", "values": list(REGIONS)}],
}  # fmt: skip
_FILTERS = [
    {"values": {"model": ["large"], "region": ["eu-west-1"]}, "properties": {"amount": "0.05"}},
    {"values": {"model": ["large"]}, "properties": {"amount": "0.04"}},
    {"values": {"region": ["us-east-1", "sa-east-1"]}, "properties": {"amount": "0.03"}},
]

_LIKE_THE_FIRST = (
    """
    INSERT INTO customers
    SELECT (jsonb_populate_record(c, jsonb_build_object(
        'id', uuidv7(), 'external_id', %(code)s || '-' || n, 'sequential_id', c.sequential_id + n,
        'slug', c.slug || '-' || n))).*
    FROM customers c, generate_series(1, %(last)s) n WHERE c.external_id = %(code)s || '-0'
    """,
    """
    INSERT INTO subscriptions
    SELECT (jsonb_populate_record(s, jsonb_build_object(
        'id', uuidv7(), 'external_id', c.external_id, 'customer_id', c.id))).*
    FROM subscriptions s, customers c
    WHERE s.external_id = %(code)s || '-0' AND c.external_id LIKE %(code)s || '-%%' AND c.id <> s.customer_id
    """,
)


async def _create(address: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers=headers, timeout=60) as client:

        async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        metric = await post("/billable_metrics", {"billable_metric": _METRIC})
        charge = {
            "billable_metric_id": metric["billable_metric"]["lago_id"], "charge_model": "standard",
            "properties": {"amount": "0.02"}, "filters": _FILTERS,
        }  # fmt: skip
        plan = {
            "name": "Priced", "code": "priced", "interval": "monthly", "amount_cents": 0, "amount_currency": "USD",
            "pay_in_advance": False, "charges": [charge],
        }  # fmt: skip
        await post("/plans", {"plan": plan})
        body = {"external_customer_id": f"{CODE}-0", "external_id": f"{CODE}-0", "plan_code": "priced"}
        await post("/subscriptions", {"subscription": body})


def prepare_priced(address: str, key: str, database: psycopg.Connection[Any], subscriptions: int) -> None:
    """The metric, a plan that prices it by model and region, and subscriptions `spend-0`, `spend-1`, …"""
    asyncio.run(_create(address, key))
    values = {"code": CODE, "last": subscriptions - 1}
    for statement in _LIKE_THE_FIRST:
        database.execute(statement, values)
