"""Clients that send events as long as they are let, and repeat a request until they have an answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import Any

import httpx
import psycopg

from tests.faults.world import World

__all__ = ["Clients"]

BATCH = 50
GIVE_UP = 45.0
UNITS = "3"


class Clients(threading.Thread):
    """Some clients in a thread of their own; each has a subscription, the last sends one event at a time.

    `answered`: transaction ids answered 200. `refused`: those answered as known already, which a client sees only
    after a request whose answer was lost. `wrong`: answers that no fault excuses.
    """

    def __init__(self, world: World, name: str, many: int = 4) -> None:
        super().__init__(daemon=True)
        self.world, self.prefix, self.many = world, name, many
        self.answered: set[str] = set()
        self.repeated: set[str] = set()
        self.statuses: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        asyncio.run(self._all())

    def end(self) -> None:
        """Lets every client finish its last request."""
        self.ending.set()
        self.join(GIVE_UP + 30)
        assert not self.is_alive(), "a client hangs"

    def until_answered(self, events: int, seconds: float = 30) -> None:
        """Waits until so many events were answered."""
        deadline = time.monotonic() + seconds
        while len(self.answered) < events:
            assert time.monotonic() < deadline, f"{self.statuses} {self.wrong[:3]}"
            time.sleep(0.01)

    async def _all(self) -> None:
        async with httpx.AsyncClient(
            base_url=self.world.installation.url, headers=self.world.sandbox.key, timeout=20, trust_env=False
        ) as client:
            await asyncio.gather(*(self._one(client, number) for number in range(self.many)))

    async def _one(self, client: httpx.AsyncClient, number: int) -> None:
        size = 1 if number == self.many - 1 else BATCH
        sent = 0
        while not self.ending.is_set():
            ids = [f"{self.prefix}-{number}-{sent + place}" for place in range(size)]
            sent += size
            await self._send(client, f"sub-{number + 1}", ids)

    async def _send(self, client: httpx.AsyncClient, subscription: str, ids: list[str]) -> None:
        events = [
            {"transaction_id": each, "external_subscription_id": subscription, "code": "units",
             "properties": {"n": UNITS}}
            for each in ids
        ]  # fmt: skip
        path, body = ("/api/v1/events", {"event": events[0]}) if len(ids) == 1 else (
            "/api/v1/events/batch", {"events": events}
        )  # fmt: skip
        deadline, unsure = time.monotonic() + GIVE_UP, False
        while True:
            try:
                answer = await client.post(path, json=body)
            except httpx.HTTPError as error:
                self.statuses[type(error).__name__] += 1
                unsure = True
            else:
                self.statuses[str(answer.status_code)] += 1
                if answer.status_code == 200:
                    self.answered.update(ids)
                    return
                if answer.status_code == 422 and unsure and _names_all(answer.json(), len(ids)):
                    self.repeated.update(ids)
                    return
                if answer.status_code != 503:
                    self.wrong.append(f"{ids[0]}: {answer.status_code} {answer.text[:300]}")
                    return
                unsure = True
            if time.monotonic() > deadline:
                self.wrong.append(f"{ids[0]} was not taken within {GIVE_UP:g} s")
                return
            await asyncio.sleep(0.1)

    def lost(self) -> list[str]:
        """Events that a client was told are stored and that are not there exactly once; rows nobody sent."""
        with self.world.installation.database() as database:
            stored = _stored(database, self.world.sandbox.id, self.prefix)
        told = self.answered | self.repeated
        wrong = [*self.wrong]
        if missing := told - stored.keys():
            wrong.append(f"{len(missing)} events were answered and are not there, e.g. {min(missing)}")
        if double := [name for name, count in stored.items() if count > 1]:
            wrong.append(f"{len(double)} events are there more than once, e.g. {min(double)}")
        return wrong

    def unlike_usage(self) -> list[str]:
        """Subscriptions whose current usage differs from the events that stand there."""
        wrong = []
        with self.world.installation.database() as database:
            for number in range(self.many):
                name = f"sub-{number + 1}"
                row = database.execute(
                    "SELECT coalesce(sum(value), 0) FROM events WHERE organization_id = %s"
                    " AND external_subscription_id = %s AND timestamp >= date_trunc('month', %s::timestamptz)",
                    [self.world.sandbox.id, name, self.world.today],
                ).fetchone()
                usage = self.world.sandbox.rest(f"GET /customers/{name}/current_usage?external_subscription_id={name}")
                shown = usage["customer_usage"]["charges_usage"][0]["units"]
                if row is None or row[0] != float(shown):
                    wrong.append(f"usage of {name} is shown as {shown}; its events add up to {row and row[0]}")
        return wrong


def _names_all(body: Any, many: int) -> bool:
    """Whether a refusal calls every event of the request known already, and nothing else."""
    details = body.get("error_details") if isinstance(body, dict) else None
    if not isinstance(details, dict):
        return False
    taken = {"transaction_id": ["value_already_exist"]}
    return details == taken or (len(details) == many and all(each == taken for each in details.values()))


def _stored(database: psycopg.Connection[Any], organization_id: str, prefix: str) -> dict[str, int]:
    rows = database.execute(
        "SELECT transaction_id, count(*) FROM events WHERE organization_id = %s AND transaction_id LIKE %s GROUP BY 1",
        [organization_id, f"{prefix}-%"],
    ).fetchall()
    return {str(name): int(count) for name, count in rows}
