"""How long after an event was answered the alert it crosses is stored, at a steady rate of events.

    python -m benchmarks.alerts [--seconds 20] [--rate 500] [--subscriptions 200]

Starts a real `tarn up` in a temporary directory. Every subscription has an alert that each unit of use crosses; events
come in batches of 25, evenly, each for one of the subscriptions. An event's delay ends when a reader of the database
sees that its alert has been compared with a figure that holds it. All share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg
from rich.console import Console

from benchmarks.ingest.__main__ import prepare, server

BAR = 2.0
BATCH = 25
LOOK_SECONDS = 0.01
AFTER_SECONDS = 30.0


async def seed(client: httpx.AsyncClient, count: int) -> None:
    """So many subscriptions to a plan that charges every token, with an alert each."""

    async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    metrics = (await client.get("/billable_metrics")).json()["billable_metrics"]
    charge = {"billable_metric_id": metrics[0]["lago_id"], "charge_model": "standard", "properties": {"amount": "0.01"}}
    plan = {"name": "Plan", "code": "plan", "interval": "monthly", "amount_cents": 0, "amount_currency": "USD"}
    await post("/plans", {"plan": {**plan, "pay_in_advance": False, "charges": [charge]}})
    alert = {"alert_type": "current_usage_amount", "code": "step", "thresholds": [{"value": 1, "recurring": True}]}
    for number in range(count):
        name = f"s{number}"
        body = {"external_customer_id": name, "external_id": name, "plan_code": "plan"}
        await post("/subscriptions", {"subscription": body})
        await post(f"/subscriptions/{name}/alerts", {"alert": alert})


class Delays:
    """Who waits since when, by subscription and number of tokens, and how long it took."""

    def __init__(self) -> None:
        self.sent: dict[str, int] = {}
        self.waiting: dict[str, list[tuple[int, float]]] = {}
        self.found: list[float] = []
        self.all_sent = False

    def number(self, subscription: str) -> int:
        """One more event of a subscription; how many it has then."""
        self.sent[subscription] = self.sent.get(subscription, 0) + 1
        return self.sent[subscription]

    def answered(self, events: list[tuple[str, int]]) -> None:
        now = time.perf_counter()
        for subscription, number in events:
            self.waiting.setdefault(subscription, []).append((number, now))

    def seen(self, subscription: str, tokens: int) -> None:
        """An alert holds a figure of so many tokens."""
        now = time.perf_counter()
        waiting = self.waiting.get(subscription, [])
        self.found += [now - since for number, since in waiting if number <= tokens]
        self.waiting[subscription] = [each for each in waiting if each[0] > tokens]

    @property
    def outstanding(self) -> int:
        return sum(map(len, self.waiting.values()))


async def send(client: httpx.AsyncClient, delays: Delays, *, rate: int, seconds: int, count: int) -> None:
    """Batches at an even pace; none waits for the one before."""
    pace = BATCH / rate
    began = time.perf_counter()
    running: set[asyncio.Task[None]] = set()

    async def one(place: int) -> None:
        names = [f"s{random.randrange(count)}" for _ in range(BATCH)]
        numbered = [(name, delays.number(name)) for name in names]
        events = [
            {"transaction_id": f"{place}-{n}", "external_subscription_id": name, "code": "tokens",
             "properties": {"tokens": 1}}
            for n, name in enumerate(names)
        ]  # fmt: skip
        answer = await client.post("/events/batch", json={"events": events})
        assert answer.status_code == 200, answer.text
        delays.answered(numbered)

    for place in range(seconds * rate // BATCH):
        await asyncio.sleep(max(began + place * pace - time.perf_counter(), 0))
        task = asyncio.create_task(one(place))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def watch(url: str, delays: Delays) -> None:
    """Reads what the alerts were last compared with, over and over, until all that was sent is in them."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as database:
        while delays.outstanding or not delays.all_sent:
            query = "SELECT subscription_external_id, previous_value::int FROM usage_alerts"
            for subscription, tokens in await (await database.execute(query)).fetchall():
                delays.seen(subscription, tokens)
            await asyncio.sleep(LOOK_SECONDS)


async def measure(address: str, database: str, key: str, options: argparse.Namespace) -> tuple[Delays, int]:
    delays = Delays()
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers=headers, timeout=60) as client:
        await seed(client, options.subscriptions)
        watching = asyncio.create_task(watch(database, delays))
        await send(client, delays, rate=options.rate, seconds=options.seconds, count=options.subscriptions)
        delays.all_sent = True
        with suppress(TimeoutError):
            await asyncio.wait_for(watching, AFTER_SECONDS)
    async with await psycopg.AsyncConnection.connect(database) as connection:
        row = await (await connection.execute("SELECT count(*) FROM triggered_usage_alerts")).fetchone()
    return delays, row[0] if row else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=500, help="events a second")
    parser.add_argument("--subscriptions", type=int, default=200)
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="tarn-bench-") as place, server(Path(place)) as (address, environment):
        os.environ |= environment
        key = asyncio.run(prepare())
        delays, triggered = asyncio.run(measure(address, environment["DATABASE_URL"], key, options))
    found = sorted(delays.found)
    if delays.outstanding or not found:
        console.print(f"{delays.outstanding} events were never seen by their alerts.")
        return 1
    worst, late = found[-1], found[int(len(found) * 0.99)]
    console.print(
        f"{len(found):,} events at {options.rate}/s over {options.subscriptions} watched subscriptions, {triggered:,}"
        f" alerts: median {median(found):.2f} s, 99 % {late:.2f} s, worst {worst:.2f} s; the bar is {BAR:.1f} s."
    )
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())
