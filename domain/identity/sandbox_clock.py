"""Moving a sandbox's clock, and waiting until its background work is done.

The callers have checked that the user may do this. Every function raises Forbidden("not_a_sandbox") for an
organization whose time is real. Jobs are only asked for here; workers do them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.models import Organization
from domain.kernel import clock
from domain.kernel.errors import Forbidden, NotAllowed, ValidationFailed
from domain.kernel.jobs import Job, JobRequest
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import door_work

__all__ = ["ADVANCE", "RUN_TASK", "TASKS", "Settlement", "advance", "run_scheduled_task", "set_clock", "settle"]

RUN_TASK = "clock.run"
ADVANCE = "sandbox.advance"
MOST_REPORTED = 20
LONGEST_ADVANCE = timedelta(days=366 * 10)

# The scheduled jobs an integrator may run by name; those that this server has no work for run as nothing.
TASKS = frozenset(
    {
        "activate_subscriptions", "api_keys_track_usage", "bill_customers", "bill_ended_trial_subscriptions",
        "clean_activity_logs", "clean_api_logs", "clean_idempotency_keys", "clean_inbound_webhooks",
        "clean_security_logs", "clean_webhooks", "compute_daily_usage", "expire_data_exports",
        "expire_incomplete_subscriptions", "finalize_invoices",
        "mark_invoices_as_payment_overdue", "post_validate_events", "process_dunning_campaigns",
        "process_subscription_activity", "refresh_draft_invoices", "refresh_flagged_subscriptions",
        "refresh_lifetime_usages", "refresh_wallets_ongoing_balance", "retry_failed_invoices",
        "retry_generating_subscription_invoices", "retry_inbound_webhooks", "terminate_coupons",
        "terminate_ended_subscriptions", "terminate_expired_wallet_transaction_rules", "terminate_wallets",
        "termination_alert", "top_up_wallet_interval_credits",
    }
)  # fmt: skip

_organizations, _jobs = table(Organization), table(Job)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of background work: how many jobs were still open when the wait ended, and what failed for good
    meanwhile ("job: error", 20 at most)."""

    pending: int
    failures: tuple[str, ...]


async def set_clock(organization_id: UUID, at: datetime) -> None:
    """Moves the sandbox's time, forward or back, without running anything."""
    async with door_work(Door.SANDBOX) as work:
        await _frozen_at(work.session, organization_id)
        await work.session.execute(
            sa.update(_organizations)
            .where(_organizations.c.id == organization_id)
            .values(frozen_at=at, updated_at=at)
        )  # fmt: skip


async def settle(organization_id: UUID, patience: float) -> int:
    """Waits until no background work of the sandbox is left, at most `patience` seconds; how many jobs still are.

    What waits for somebody outside, such as a webhook's next attempt, is not waited for.
    """
    async with door_work(Door.SANDBOX) as work:
        await _frozen_at(work.session, organization_id)
    mine = sa.and_(_jobs.c.organization_id == organization_id, _jobs.c.status == "pending", _jobs.c.waits.is_(False))
    return await _until_none(mine, patience)


async def run_scheduled_task(organization_id: UUID, name: str, patience: float = 60) -> Settlement:
    """Runs one scheduled job now, with all the work that follows from it.

    Raises ValidationFailed({"name": ["value_is_invalid"]}) for a name that is none of `TASKS`.
    """
    if name not in TASKS:
        raise ValidationFailed({"name": ["value_is_invalid"]})
    since = clock.wall()
    async with door_work(Door.SANDBOX) as work:
        await _frozen_at(work.session, organization_id)
        work.enqueue(JobRequest(RUN_TASK, {"task": name}, name, organization_id=organization_id))
    return Settlement(await settle(organization_id, patience), await _failures(organization_id, since))


async def advance(organization_id: UUID, to: datetime, patience: float = 600) -> Settlement:
    """Moves the sandbox's time forward to `to` and runs every scheduled job that falls due on the way, in order.

    Raises ValidationFailed({"to": ["value_is_out_of_range"]}) for an instant that is past or more than ten years
    ahead, NotAllowed("clock_is_advancing") while another advance is under way.
    """
    since = clock.wall()
    async with door_work(Door.SANDBOX) as work:
        now = await _frozen_at(work.session, organization_id, lock=True)
        if not now <= to <= now + LONGEST_ADVANCE:
            raise ValidationFailed({"to": ["value_is_out_of_range"]})
        under_way = sa.select(_jobs.c.id).where(
            _jobs.c.organization_id == organization_id, _jobs.c.actor == ADVANCE, _jobs.c.status == "pending"
        )
        if (await work.session.execute(under_way)).first() is not None:
            raise NotAllowed("clock_is_advancing")
        work.enqueue(JobRequest(ADVANCE, {"to": to}, "advance", organization_id=organization_id))
    return Settlement(await settle(organization_id, patience), await _failures(organization_id, since))


async def _frozen_at(session: AsyncSession, organization_id: UUID, *, lock: bool = False) -> datetime:
    query = sa.select(_organizations.c.frozen_at).where(_organizations.c.id == organization_id)
    frozen_at: datetime | None = await session.scalar(query.with_for_update() if lock else query)
    if frozen_at is None:
        raise Forbidden("not_a_sandbox")
    return frozen_at


async def _until_none(jobs: sa.ColumnElement[bool], patience: float) -> int:
    """Polls the ledger until no such row is left; how many there are when the time is over."""
    query = sa.select(sa.func.count()).select_from(_jobs).where(jobs)
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + patience, 0.02
    while True:
        async with door_work(Door.SANDBOX) as work:
            left = int(await work.session.scalar(query) or 0)
        if not left or loop.time() >= deadline:
            return left
        await asyncio.sleep(min(pause, max(0.0, deadline - loop.time())))
        pause = min(pause * 1.25, 0.1)


async def _failures(organization_id: UUID, since: datetime) -> tuple[str, ...]:
    query = (
        sa.select(_jobs.c.actor, _jobs.c.error)
        .where(_jobs.c.organization_id == organization_id, _jobs.c.status == "failed", _jobs.c.due_at >= since)
        .order_by(_jobs.c.due_at)
        .limit(MOST_REPORTED)
    )
    async with door_work(Door.SANDBOX) as work:
        return tuple(f"{actor}: {error}" for actor, error in await work.session.execute(query))
