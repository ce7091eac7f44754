"""Jobs that leave a mark in a table of the test's own, so that their effects can be counted."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import psycopg
import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.errors import Forbidden
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import pdf
from infrastructure.database import bare_url
from tasks.jobs import JOBS, external_job, job
from tasks.lease import Lease
from tasks.retries import DEFAULT, fixed, polynomial

EFFECTS = """
CREATE TABLE effects (
    id bigserial PRIMARY KEY, organization_id uuid, key text NOT NULL, pid int NOT NULL,
    now timestamptz NOT NULL, wall timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT ALL ON effects TO tarn_tenant, tarn_relay;
GRANT ALL ON SEQUENCE effects_id_seq TO tarn_tenant, tarn_relay;
CREATE TABLE tries (key text);
GRANT ALL ON tries TO PUBLIC;
"""
_MARK = sa.text("INSERT INTO effects (organization_id, key, pid, now) VALUES (:organization, :key, :pid, :now)")


async def mark(work: UnitOfWork, key: str) -> None:
    organization = work.organization_id if work.tenant else None
    await work.session.execute(
        _MARK, {"organization": organization, "key": key, "pid": os.getpid(), "now": clock.now()}
    )  # fmt: skip


if "test.mark" not in JOBS:

    @job("test.mark")
    async def mark_once(work: UnitOfWork, key: str) -> None:
        await mark(work, key)

    @job("test.high", queue="high_priority")
    async def mark_high(work: UnitOfWork, key: str) -> None:
        await mark(work, key)
        await asyncio.sleep(0.01)

    @job("test.low", queue="low_priority")
    async def mark_low(work: UnitOfWork, key: str) -> None:
        await mark(work, key)
        await asyncio.sleep(0.01)

    @job("test.document")
    async def document(work: UnitOfWork, key: str) -> None:
        await pdf.render("A page.", {})
        await mark(work, key)

    @job("test.nothing")
    async def nothing(work: UnitOfWork) -> None:
        return

    @job("test.slow")
    async def slow(work: UnitOfWork, key: str, seconds: float) -> None:
        await mark(work, key)
        await asyncio.sleep(float(seconds))

    @job("test.unique_start", unique_while="start")
    async def unique_start(work: UnitOfWork, key: str, seconds: float) -> None:
        await asyncio.sleep(float(seconds))
        await mark(work, key)

    @job("test.children")
    async def children(work: UnitOfWork, key: str, count: int) -> None:
        await mark(work, key)
        for number in range(count):
            work.enqueue(JobRequest("test.mark", {"key": f"{key}-{number}"}))

    @job("test.refused")
    async def refused(work: UnitOfWork, key: str) -> None:
        await mark(work, key)
        raise Forbidden("feature_unavailable")

    @job("test.broken", retries=(fixed(3, 0.5, LookupError), polynomial(6)))
    async def broken(work: UnitOfWork, key: str) -> None:
        await mark(work, key)
        raise LookupError(key)

    @job("test.patient", retries=(DEFAULT,))
    async def patient(work: UnitOfWork, key: str) -> None:
        raise RuntimeError(key)

    @job("test.hostile", retries=())
    async def hostile(work: UnitOfWork) -> None:
        raise ValueError("a\x00b\ud800")

    @job("test.limited", retries=(), time_limit=0.2)
    async def limited(work: UnitOfWork, key: str) -> None:
        await mark(work, key)
        await asyncio.sleep(5)

    @job("test.disconnected")
    async def disconnected(work: UnitOfWork, key: str) -> None:
        await mark(work, key)
        pid = await work.session.scalar(sa.text("SELECT pg_backend_pid()"))
        async with await psycopg.AsyncConnection.connect(bare_url(), autocommit=True) as owner:
            await owner.execute("SELECT pg_terminate_backend(%s)", [pid])
        await work.session.execute(sa.text("SELECT 1"))

    @external_job("test.external", queue="webhook", dedicated="webhook_worker")
    async def outside(lease: Lease, key: str, seconds: float = 0, again: int = 0) -> None:
        async with lease.work() as work:
            await mark(work, f"{key}-called")
        await asyncio.sleep(float(seconds))
        async with lease.settle() as work:
            await mark(work, f"{key}-settled")
            if lease.claim.attempts < again:
                lease.repeat_after(timedelta(seconds=1), "no answer")

    for _name in ("analytics", "billing", "events", "payments", "pdfs", "webhook_worker", "ai_agent"):

        @job(f"test.dedicated_{_name}", queue="low_priority", dedicated=_name)
        async def dedicated(work: UnitOfWork, key: str) -> None:
            await mark(work, key)

    @job("test.dedicated_clock_worker", queue="clock", dedicated="clock_worker")
    async def dedicated_clock(work: UnitOfWork, key: str) -> None:
        await mark(work, key)
