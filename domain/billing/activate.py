"""The five-minute job that starts subscriptions whose day has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from domain.billing.pages import pages
from domain.billing.start import start
from domain.catalog.models import Plan
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.errors import Refusal
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.instants import local_date
from domain.subscriptions.models import Subscription
from domain.subscriptions.queries import ZONE

__all__ = ["activate_due"]

CHUNK = 500


async def activate_due(work: UnitOfWork) -> int:
    """Starts pending rows without predecessor whose local start date is today or past; returns how many.

    They start at the instant of the job, to the second; one that is to be paid first waits for that. A row whose
    external id another active one has stays pending.
    """
    now = clock.now().replace(microsecond=0)
    query = (
        select(Subscription, Plan, ZONE)
        .join(Plan, col(Plan.id) == col(Subscription.plan_id))
        .join(Customer, col(Customer.id) == col(Subscription.customer_id))
        .join(BillingEntity, col(BillingEntity.id) == col(Customer.billing_entity_id))
        .where(
            col(Subscription.status) == "pending",
            col(Subscription.previous_subscription_id).is_(None),
            # The local date can be a day ahead of UTC's.
            col(Subscription.subscription_at) < now + timedelta(days=2),
        )
    )
    started = 0
    async for page in pages(work, query):
        for row, plan, zone_name in page:
            started += await _start(work, row, plan, ZoneInfo(zone_name), now)
            if started == CHUNK:
                return started
    return started


async def _start(work: UnitOfWork, row: Subscription, plan: Plan, zone: ZoneInfo, now: datetime) -> int:
    """1 if the row was started."""
    if local_date(row.subscription_at, zone) > local_date(now, zone):
        return 0
    recorded = work.recorded
    try:
        async with work.session.begin_nested():
            await start(work, row, plan, now, now)
    except Refusal:
        work.forget_since(recorded)
        await work.session.refresh(row)
        return 0
    return 1
