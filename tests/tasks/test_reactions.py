"""What follows from events, and chunks that are halved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from domain.billing.events import BillingDue
from domain.identity.sandbox_clock import ADVANCE, RUN_TASK
from domain.insight.log_activities import LOG
from domain.invoicing.events import InvoicesFinalized
from domain.kernel.events import DomainEvent
from domain.kernel.ids import new_id
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork, tenant_work
from domain.messaging.send import DELIVER
from domain.metering.fill_values import FILL_VALUES
from domain.subscriptions.events import SubscriptionStarted, SubscriptionTerminated
from infrastructure.settings import settings
from tasks.halving import do_or_halve
from tasks.invoicing import DOCUMENTS
from tasks.jobs import JOBS
from tests.tasks.conftest import Rows, World
from tests.tasks.sample_jobs import mark


async def _happened(world: World, *events: DomainEvent) -> Rows:
    async with tenant_work(world.tenant) as work:
        for event in events:
            work.record(event)
    return world.sql("SELECT actor, arguments FROM jobs ORDER BY id")


def _endpoint(world: World) -> None:
    world.sql(
        "INSERT INTO webhook_endpoints (id, organization_id, webhook_url, signature_algo, created_at, updated_at)"
        " VALUES (%s, %s, 'http://example.com', 'jwt', clock_timestamp(), clock_timestamp())",
        new_id(), world.tenant.organization_id,
    )  # fmt: skip


async def test_nobody_is_told_where_there_is_no_endpoint(world: World) -> None:
    assert await _happened(world, SubscriptionStarted((new_id(),))) == []


async def test_webhooks_are_one_job_per_type_for_a_whole_command(world: World) -> None:
    _endpoint(world)
    ids = [new_id() for _ in range(3)]
    rows = await _happened(
        world, SubscriptionStarted((ids[0], ids[1])), SubscriptionTerminated((ids[0],)), SubscriptionStarted((ids[2],))
    )
    assert rows == [
        ("messaging.send", {"webhook_type": "subscription.started", "ids": [str(each) for each in ids]}),
        ("messaging.send", {"webhook_type": "subscription.terminated", "ids": [str(ids[0])]}),
    ]


async def test_bills_of_one_command_are_one_job(world: World) -> None:
    at = datetime(2024, 5, 1, tzinfo=UTC)
    ids = [new_id() for _ in range(3)]
    ((actor, arguments),) = await _happened(world, *(BillingDue((each,), at, "subscription_starting") for each in ids))
    assert actor == "billing.bill_subscriptions"
    assert [request["subscription_ids"] for request in arguments["requests"]] == [[str(each)] for each in ids]
    assert {request["at"] for request in arguments["requests"]} == {"2024-05-01T00:00:00Z"}


async def test_documents_are_made_a_few_at_a_time_unless_switched_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = InvoicesFinalized(tuple(new_id() for _ in range(45)))
    rows = await _happened(world, event)
    assert [len(arguments["invoice_ids"]) for actor, arguments in rows if actor == DOCUMENTS] == [20, 20, 5]
    assert [len(arguments["ids"]) for actor, arguments in rows if actor == LOG] == [45]
    world.sql("DELETE FROM jobs")
    monkeypatch.setattr(settings(), "disable_pdf_generation", True)
    assert [actor for actor, _ in await _happened(world, event)] == [LOG]


async def test_a_failing_chunk_is_halved_and_leaves_nothing_of_itself(world: World) -> None:
    async def do(work: UnitOfWork, some: Sequence[int]) -> None:
        for number in some:
            await mark(work, str(number))
            work.enqueue(JobRequest("test.mark", {"key": "unwanted"}))
        if 3 in some:
            await work.session.execute(sa.text("SELECT 1 / 0"))

    def part(some: Sequence[int]) -> JobRequest:
        return JobRequest("test.mark", {"key": ",".join(map(str, some))})

    async with tenant_work(world.tenant) as work:
        await do_or_halve(work, [1, 2, 3, 4], lambda some: do(work, some), part)
    assert world.keys() == []
    halves = [arguments["key"] for _, arguments in world.sql("SELECT actor, arguments FROM jobs ORDER BY id")]
    assert halves == ["1,2", "3,4"]
    with pytest.raises(sa.exc.DataError):
        async with tenant_work(world.tenant) as work:
            await do_or_halve(work, [3], lambda some: do(work, some), part)


def test_every_job_that_the_domain_asks_for_is_declared(project_root: Path) -> None:
    text = "".join(path.read_text() for path in (project_root / "domain").rglob("*.py"))
    asked = set(re.findall(r'(?:JobRequest|_job)\(\s*"([a-z_.]+)"', text))
    assert "billing.bill_chunk" in asked
    assert asked <= JOBS.keys()
    assert {FILL_VALUES, DELIVER, "metering.post_process", RUN_TASK, ADVANCE} <= JOBS.keys()
