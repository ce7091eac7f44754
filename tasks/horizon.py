"""When a scheduled job may next have work for an organization, as things stand.

Only sandboxes ask: a clock that is advanced passes over the ticks in between. An answer may be too early (an empty
run), never too late. Each function gets the job's last tick and answers an instant after it, or None for never.

Jobs that go by a customer's local date can only change their answer at a local midnight.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.catalog.models import Plan
from domain.credits.models import Coupon
from domain.credits.wallets.models import RecurringTransactionRule, Wallet, WalletRefresh
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.invoicing.models import Invoice
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.clean import KEPT as WEBHOOKS_KEPT
from domain.messaging.models import Webhook, WebhookEndpoint
from domain.metering.models import Event, SubscriptionActivity
from domain.subscriptions.models import ActivationRule, Subscription
from infrastructure.settings import settings

__all__ = [
    "active_subscriptions", "any_time", "drafts", "expiring_coupons", "expiring_wallet_rules", "expiring_wallets",
    "flagged_wallets", "never", "noted_activities", "old_webhooks", "pending_starts", "planned_ends", "received_events",
    "running_trials", "termination_alerts", "unpaid", "unpaid_starts", "wallet_interval_rules",
]  # fmt: skip

# Local dates run from 14 hours ahead of UTC to 12 behind.
DATE_SLACK = timedelta(hours=38)


async def any_time(work: UnitOfWork, after: datetime) -> datetime | None:
    """Every tick counts."""
    return after


async def never(work: UnitOfWork, after: datetime) -> datetime | None:
    """Its work is made in real time only."""
    return None


async def active_subscriptions(work: UnitOfWork, after: datetime) -> datetime | None:
    """Billing days begin at local midnights."""
    s = table(Subscription).c
    active = await work.session.scalar(sa.select(sa.exists().where(s.status == "active")))
    return await _midnight(work, after) if active else None


async def pending_starts(work: UnitOfWork, after: datetime) -> datetime | None:
    """The local midnight of the first start to come."""
    s = table(Subscription).c
    waiting = sa.and_(s.status == "pending", s.previous_subscription_id.is_(None))
    return await _date(work, after, await work.session.scalar(sa.select(sa.func.min(s.subscription_at)).where(waiting)))


async def planned_ends(work: UnitOfWork, after: datetime) -> datetime | None:
    """The local midnight of the first end to come."""
    s = table(Subscription).c
    ending = sa.and_(s.status == "active", s.ending_at > after - DATE_SLACK)
    return await _date(work, after, await work.session.scalar(sa.select(sa.func.min(s.ending_at)).where(ending)))


async def unpaid_starts(work: UnitOfWork, after: datetime) -> datetime | None:
    """When the first subscription that waits for its payment has waited long enough."""
    r = table(ActivationRule).c
    waiting = sa.select(sa.func.min(r.expires_at)).where(r.status == "pending")
    first: datetime | None = await work.session.scalar(waiting)
    return first and max(first, after)


async def termination_alerts(work: UnitOfWork, after: datetime) -> datetime | None:
    """The first day on which an end is announced; every tick of such a day counts."""
    s = table(Subscription).c
    days = [timedelta(days=ahead) for ahead in settings().termination_alert_days]
    first: datetime | None = None
    for ahead in days:
        ending = sa.and_(s.status == "active", s.ending_at >= _utc_day(after) + ahead)
        soonest = await work.session.scalar(sa.select(sa.func.min(s.ending_at)).where(ending))
        if soonest is not None:
            told = max(_utc_day(soonest) - ahead, after)
            first = told if first is None else min(first, told)
    return first


def _utc_day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def running_trials(work: UnitOfWork, after: datetime) -> datetime | None:
    """The first end of a trial: first start of the external id plus the plan's days."""
    s, plan, first = table(Subscription).alias("s"), table(Plan).c, table(Subscription).alias("first")
    start = sa.select(sa.func.min(first.c.started_at)).where(first.c.external_id == s.c.external_id).scalar_subquery()
    query = (
        sa.select(start, plan.trial_period)
        .select_from(s.join(table(Plan), plan.id == s.c.plan_id))
        .where(s.c.status == "active", s.c.trial_ended_at.is_(None), plan.trial_period > 0)
    )
    rows = (await work.session.execute(query)).all()
    ends = [begun + timedelta(seconds=int(days * 86_400)) for begun, days in rows if begun is not None]
    return max(after, min(ends)) if ends else None


async def drafts(work: UnitOfWork, after: datetime) -> datetime | None:
    """The first finalisation date to come, a UTC date."""
    invoice = table(Invoice).c
    query = sa.select(sa.func.min(invoice.expected_finalization_date)).where(invoice.status == "draft")
    first = await work.session.scalar(query)
    return max(after, datetime.combine(first, time(), UTC)) if first else None


async def noted_activities(work: UnitOfWork, after: datetime) -> datetime | None:
    """The next tick, if a subscription waits to be looked at."""
    noted = sa.exists(sa.select(table(SubscriptionActivity).c.id))
    return after if await work.session.scalar(sa.select(noted)) else None


async def expiring_coupons(work: UnitOfWork, after: datetime) -> datetime | None:
    """The first end of a coupon's time to come."""
    c = table(Coupon).c
    limited = sa.and_(c.status == "active", c.expiration == "time_limit", c.deleted_at.is_(None))
    first: datetime | None = await work.session.scalar(sa.select(sa.func.min(c.expiration_at)).where(limited))
    return max(after, first) if first else None


async def unpaid(work: UnitOfWork, after: datetime) -> datetime | None:
    """The UTC day after the first due date of an invoice that is not paid."""
    i = table(Invoice).c
    query = sa.select(sa.func.min(i.payment_due_date)).where(
        i.status == "finalized", i.payment_status != "succeeded", sa.not_(i.payment_overdue),
        i.payment_dispute_lost_at.is_(None),
    )  # fmt: skip
    first = await work.session.scalar(query)
    return max(after, datetime.combine(first, time(), UTC) + timedelta(days=1)) if first else None


async def received_events(work: UnitOfWork, after: datetime) -> datetime | None:
    """The end of the first hour in which events came that no tick has looked over, if there is anyone to tell."""
    hour = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    e, told = table(Event).c, sa.exists(sa.select(table(WebhookEndpoint).c.id))
    query = sa.select(sa.func.min(e.created_at)).where(
        e.organization_id == work.organization_id, e.created_at >= hour, told
    )
    first: datetime | None = await work.session.scalar(query)
    if first is None:
        return None
    return max(after, first.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))


async def flagged_wallets(work: UnitOfWork, after: datetime) -> datetime | None:
    """At once where a customer's usage has changed."""
    flagged = await work.session.scalar(sa.select(sa.exists(sa.select(table(WalletRefresh).c.id))))
    return after if flagged else None


async def expiring_wallets(work: UnitOfWork, after: datetime) -> datetime | None:
    """The first end of a wallet."""
    w = table(Wallet).c
    first = await work.session.scalar(sa.select(sa.func.min(w.expiration_at)).where(w.status == "active"))
    return max(after, first) if first else None


async def expiring_wallet_rules(work: UnitOfWork, after: datetime) -> datetime | None:
    """The first end of a rule that tops a wallet up."""
    rule = table(RecurringTransactionRule).c
    first = await work.session.scalar(sa.select(sa.func.min(rule.expiration_at)).where(rule.status == "active"))
    return max(after, first) if first else None


async def wallet_interval_rules(work: UnitOfWork, after: datetime) -> datetime | None:
    """The days of a rule begin at local midnights, the first of them at its start."""
    rule = table(RecurringTransactionRule).c
    active = sa.and_(rule.status == "active", rule.trigger == "interval")
    found = await work.session.scalar(sa.select(sa.exists().where(active)))
    if not found:
        return None
    start = await work.session.scalar(sa.select(sa.func.min(rule.started_at)).where(active, rule.started_at > after))
    midnight = await _midnight(work, after)
    return min(midnight, start) if start else midnight


async def old_webhooks(work: UnitOfWork, after: datetime) -> datetime | None:
    """When the oldest webhook has been kept long enough."""
    oldest = await work.session.scalar(sa.select(sa.func.min(table(Webhook).c.updated_at)))
    return max(after, oldest + WEBHOOKS_KEPT) if oldest else None


async def _date(work: UnitOfWork, after: datetime, first: datetime | None) -> datetime | None:
    """The first local midnight at which the date of `first` may have come somewhere."""
    return await _midnight(work, max(after, first - DATE_SLACK)) if first else None


async def _midnight(work: UnitOfWork, after: datetime) -> datetime:
    """The first local midnight after an instant, in any zone that the organization's customers live in."""
    zones = sa.union(
        sa.select(table(Customer).c.timezone.label("zone")).where(table(Customer).c.timezone.is_not(None)),
        sa.select(table(BillingEntity).c.timezone),
    )
    names = {*(await work.session.execute(zones)).scalars(), "UTC"}
    return min(_next_midnight(after, ZoneInfo(name)) for name in names)


def _next_midnight(after: datetime, zone: ZoneInfo) -> datetime:
    day = after.astimezone(zone).date()
    while True:  # where a zone skips its midnight or its day, the next one counts
        day += timedelta(days=1)
        midnight = datetime.combine(day, time(), zone).astimezone(UTC)
        if midnight > after:
            return midnight
