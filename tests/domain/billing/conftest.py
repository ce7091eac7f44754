"""Billing runs without the queue: what follows is written to the ledger and stays there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest_asyncio

from domain.kernel.events import DomainEvent
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions

ACTORS = (
    "billing.bill_chunk", "billing.switch_to_next", "billing.finalize_chunk", "billing.refresh_chunk",
    "billing.regroup_paid_fees", "billing.finish_waiting", "billing.look_at_some_usage", "billing.look_at_usage",
    "metering.compute_daily_usage",
)  # fmt: skip


class Ledger:
    """What commands recorded and asked for, in order."""

    def __init__(self) -> None:
        self.events: list[DomainEvent] = []
        self.jobs: list[dict[str, Any]] = []

    async def requests(self, work: UnitOfWork, events: Sequence[DomainEvent]) -> list[JobRequest]:
        self.events.extend(events)
        return []

    async def dispatch(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.jobs.extend(dict(row) for row in rows)

    def arguments(self, actor: str) -> list[dict[str, Any]]:
        return [row["arguments"] for row in self.jobs if row["actor"] == actor]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def ledger(migrated: str) -> AsyncIterator[Ledger]:
    kept = Ledger()
    install_reactions(Reactions(kept.requests, kept.dispatch, dict.fromkeys(ACTORS, "billing")))
    yield kept
    install_reactions(None)
