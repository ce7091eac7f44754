"""How long current usage takes for one subscription with very many events, against one bare SQL statement.

    DATABASE_URL=postgresql://… LAGO_REDIS_CACHE_URL=redis://… python -m benchmarks.current_usage [--events 1000000]

Five charges: a count, a sum with two filters, a sum by group, a maximum, a unique count. Bare: one statement that
reads the same figures from the same events, as the owner and without row-level security. Ours is the request through
the REST application, without a socket: measured from all events, with rollups of which 1,000 events are not yet part,
and from the cache. The bar is for rollups.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx
import psycopg
from starlette.applications import Starlette

from domain.identity.register import register
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions, tenant_work
from domain.metering import usage_cache
from domain.metering.current_usage import usage_questions
from domain.metering.fold import fold_questions
from infrastructure import database
from rest_api.app import rest_routes

BAR = 0.25
CODES = ("calls", "tokens", "bytes", "seats", "users")
_METRICS: tuple[dict[str, Any], ...] = (
    {"code": "calls", "aggregation_type": "count_agg"},
    {"code": "tokens", "aggregation_type": "sum_agg", "field_name": "units",
     "filters": [{"key": "region", "values": ["eu", "us", "asia"]}]},
    {"code": "bytes", "aggregation_type": "sum_agg", "field_name": "units"},
    {"code": "seats", "aggregation_type": "max_agg", "field_name": "units"},
    {"code": "users", "aggregation_type": "unique_count_agg", "field_name": "user"},
)  # fmt: skip
_FILTERS = [
    {"values": {"region": [region]}, "properties": {"amount": amount}} for region, amount in (("eu", "2"), ("us", "3"))
]
_EVENTS = """
    INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties, value,
                        event_metadata, created_at, timestamp)
    SELECT uuidv7(), %(org)s, 'sub', %(run)s || n, code,
           jsonb_build_object('units', units::text, 'region', (ARRAY['eu', 'us', 'asia'])[1 + n %% 3],
                              'cloud', 'cloud-' || n %% 7, 'user', 'user-' || n * 7919 %% 100003),
           CASE WHEN code IN ('tokens', 'bytes', 'seats') THEN units END, '{}', %(now)s,
           date_trunc('month', %(now)s) + (%(now)s - date_trunc('month', %(now)s)) * (n * 7907 %% 100003) / 100003.0
    FROM generate_series(1::bigint, %(events)s) n
    CROSS JOIN LATERAL (SELECT (%(codes)s::text[])[1 + (n / 11) %% 5] AS code, (n * 7919 %% 20011)::numeric AS units) e
"""
_BARE = """
    WITH used AS (
        SELECT code, value, properties FROM events
        WHERE organization_id = %(org)s AND external_subscription_id = 'sub' AND code = ANY(%(codes)s)
          AND timestamp >= date_trunc('month', %(now)s)
          AND timestamp < date_trunc('month', %(now)s) + interval '1 month'
          AND deleted_at IS NULL
    )
    SELECT count(*) FILTER (WHERE code = 'calls'),
           sum(value) FILTER (WHERE code = 'tokens' AND properties ->> 'region' = 'eu'),
           sum(value) FILTER (WHERE code = 'tokens' AND properties ->> 'region' = 'us'),
           sum(value) FILTER (WHERE code = 'tokens' AND properties ->> 'region' NOT IN ('eu', 'us')),
           (SELECT jsonb_object_agg(cloud, units) FROM (
               SELECT properties ->> 'cloud' AS cloud, sum(value) AS units FROM used WHERE code = 'bytes' GROUP BY 1
           ) AS by_cloud),
           max(value) FILTER (WHERE code = 'seats'),
           count(DISTINCT properties ->> 'user') FILTER (WHERE code = 'users')
    FROM used
"""


class _AnyQueue(dict[str, str]):
    def __missing__(self, actor: str) -> str:
        return "default"


async def _nothing(work: UnitOfWork, events: object) -> Sequence[JobRequest]:
    return []


async def _unsent(rows: Sequence[Mapping[str, Any]]) -> None:
    pass


async def _world(client: httpx.AsyncClient) -> None:
    for metric in _METRICS:
        await _posted(client, "billable_metrics", {"billable_metric": {"name": metric["code"], **metric}})
    listed = (await client.get("/api/v1/billable_metrics")).json()["billable_metrics"]
    ids = {each["code"]: each["lago_id"] for each in listed}
    charges: list[dict[str, Any]] = [
        {"billable_metric_id": ids[code], "charge_model": "standard", "properties": {"amount": "0.01"}}
        for code in CODES
    ]
    charges[1]["filters"] = _FILTERS
    charges[2]["properties"]["pricing_group_keys"] = ["cloud"]
    plan = {"code": "plan", "name": "Plan", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",
            "pay_in_advance": False, "charges": charges}  # fmt: skip
    await _posted(client, "plans", {"plan": plan})
    await _posted(client, "customers", {"customer": {"external_id": "cust", "currency": "EUR"}})
    start = clock.now().replace(day=1, hour=0, minute=0, second=0).isoformat()
    await _posted(client, "subscriptions", {"subscription": {
        "external_customer_id": "cust", "external_id": "sub", "plan_code": "plan", "subscription_at": start,
    }})  # fmt: skip


async def _posted(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text


async def _timed(work: Callable[[], Awaitable[object]], times: int, before: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds, the median."""
    took = []
    for _ in range(times):
        await before()
        began = time.perf_counter()
        await work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


async def measure(events: int) -> dict[str, Any]:
    install_reactions(Reactions(_nothing, _unsent, _AnyQueue()))
    made = await register({"email": "bench@example.com", "password": "a long password", "organization_name": "Bench"})
    organization_id: UUID = made.founded.organization.id
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(Starlette(routes=rest_routes())), base_url="http://bench", timeout=600,
        headers={"authorization": f"Bearer {made.founded.api_key.value}"},
    )  # fmt: skip
    await _world(client)
    values = {"org": organization_id, "now": clock.now(), "codes": list(CODES), "run": "first-", "events": events}
    with psycopg.connect(database.bare_url(), autocommit=True) as owner:
        owner.execute("UPDATE billable_metrics SET values_ready = true")
        owner.execute(_EVENTS, values)
        owner.execute("VACUUM ANALYZE")

        async def forgotten() -> None:
            await usage_cache.drop([(organization_id, "sub")])

        async def used() -> Any:
            answer = await client.get("/api/v1/customers/cust/current_usage?external_subscription_id=sub")
            assert answer.status_code == 200, answer.text
            return answer.json()["customer_usage"]

        async def bare() -> None:
            owner.execute(_BARE, values).fetchall()

        async def nothing() -> None:
            pass

        measured = await _timed(used, 3, forgotten)
        began = time.perf_counter()
        row = owner.execute("SELECT max(sequence) FROM events").fetchone()
        assert row is not None
        async with tenant_work(Tenant(organization_id)) as work:
            await fold_questions(work, "sub", await usage_questions(work, "sub"), row[0])
        folding = time.perf_counter() - began
        owner.execute(_EVENTS, {**values, "run": "late-", "events": 1_000})
        rolled = await _timed(used, 20, forgotten)
        cached = await _timed(used, 20, nothing)
        await forgotten()
        with_rollups = await used()
        limit = await _timed(bare, 5, nothing)
        owner.execute("TRUNCATE usage_rollups, usage_rollup_items")
        await forgotten()
        assert with_rollups == await used(), "rollups changed the answer"
    await client.aclose()
    return {
        "events": events,
        "measured_ms": round(measured, 1),
        "fold_seconds": round(folding, 1),
        "rolled_ms": round(rolled, 1),
        "cached_ms": round(cached, 1),
        "bare_statement_ms": round(limit, 1),
        "ratio": round(rolled / limit, 3),
    }


async def main() -> int:
    """Prints one JSON line; 1 when the bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    result = await measure(parser.parse_args().events)
    print(json.dumps(result))
    await usage_cache.close()
    await database.close()
    return 0 if result["ratio"] <= BAR else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
