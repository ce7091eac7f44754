"""Two clocks, four workers and runs by hand, all at once: every period is billed once, every number given once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.billing.due import bill_due
from domain.kernel.jobs import JobRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from tasks.runner import run
from tasks.ticks import request_of, tick
from tests.domain.billing.world import World as Billed
from tests.tasks.conftest import World

MANY = 60
WORKERS = 4


@pytest.fixture
def billed(world: World) -> Iterator[Billed]:
    """A real organization with weekly subscriptions that are due today."""
    now = datetime.now(UTC)
    with Billed(now) as billed:
        billed.execute(
            "UPDATE organizations SET sandbox = false, frozen_at = NULL WHERE id = %s", billed.organization_id
        )
        plan = billed.plan(700, "weekly")
        started = (now - timedelta(days=28)).isoformat()
        for _ in range(MANY):
            billed.subscription(billed.customer(), plan, started, billing_time="anniversary")
        yield billed


async def test_every_period_is_billed_once(billed: Billed) -> None:
    tenant = Tenant(billed.organization_id)
    ids = [row.id for row in billed.rows("subscriptions")]
    now = datetime.now(UTC)

    async def by_hand(groups: list[list[UUID]]) -> None:
        async with tenant_work(tenant) as work:
            await bill_due(work)
            work.enqueue(request_of("bill_customers"))
            work.enqueue(JobRequest("billing.bill_chunk", {"at": now, "groups": groups}))

    # The runs by hand overlap with what the clocks hand out, and with each other.
    await asyncio.gather(
        tick("bill_customers", now),
        tick("bill_customers", now + timedelta(milliseconds=1)),
        by_hand([[each] for each in ids[:40]]),
        by_hand([[each] for each in reversed(ids[20:])]),
    )

    async def worker() -> None:
        """Takes every message it sees, as do the others."""
        deadline = time.monotonic() + 60
        while rows := billed.rows("jobs", "id", status="pending"):
            assert time.monotonic() < deadline, billed.rows("jobs")
            for row in random.sample(rows, len(rows)):
                await run(row.id)

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    assert billed.rows("jobs", "actor, error", status="failed") == []
    invoices, lines = billed.rows("invoices"), billed.rows("invoice_subscriptions")
    assert sorted(line.subscription_id for line in lines) == sorted(ids)
    assert (len(invoices), {invoice.status for invoice in invoices}) == (MANY, {"finalized"})
    assert sum(invoice.total_amount_cents for invoice in invoices) == MANY * 700
    assert len({invoice.number for invoice in invoices}) == MANY
    assert {invoice.sequential_id for invoice in invoices} == {1}
