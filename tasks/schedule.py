"""The scheduled jobs: which, how often, what they do for an organization. Source: handbook, jobs 3.

A tick finds the organizations that may have work and writes one `clock.run` job for each; that job runs the function
below in a transaction bound to the organization. Every function selects by due time, so a tick that is late, lost or
doubled does no harm. Times are UTC; a cadence is a crontab, a number of seconds or the setting that has that number.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from uuid import UUID

import pendulum
import sqlalchemy as sa
from periodiq import CronSpec, cron

from domain.billing.activate import activate_due
from domain.billing.due import bill_due
from domain.billing.end import terminate_ended
from domain.billing.finalize import finalize_due
from domain.billing.look_at_usage import hand_out_looks
from domain.billing.resolve import expire_due
from domain.billing.termination_alert import alert_of_terminations
from domain.billing.trials import bill_ended_trials
from domain.credits.coupons import terminate_expired_coupons
from domain.credits.wallets.flags import refresh_flagged
from domain.credits.wallets.threshold import top_up_intervals
from domain.credits.wallets.update import terminate_expired, terminate_expired_rules
from domain.identity.api_key_usage import track_usage
from domain.identity.models import Organization
from domain.identity.security.log import clean_security_logs
from domain.insight.api_logs.models import clean_api_logs
from domain.insight.exports.request import expire_exports
from domain.insight.log_activities import clean_activity_logs
from domain.invoicing.overdue import CHUNK as OVERDUE_CHUNK
from domain.invoicing.overdue import mark_overdue
from domain.kernel.idempotency import clean_idempotency_keys
from domain.kernel.retention import CHUNK as CLEAN_CHUNK
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.clean import clean_webhooks
from domain.messaging.events_errors import post_validate_events
from domain.metering.daily_usages import hand_out_days
from domain.payments.inbound import clean_inbound, retry_inbound
from domain.payments.remind import CHUNK as REMIND_CHUNK
from domain.payments.remind import next_reminder, remind
from infrastructure.settings import settings
from tasks import horizon

__all__ = ["SCHEDULE", "SCHEDULED", "Every", "Scheduled", "last_tick", "next_tick", "tick_of"]

Selection = Callable[[UnitOfWork], Awaitable[Sequence[UUID]]]
Work = Callable[[UnitOfWork], Awaitable[object]]
Horizon = Callable[[UnitOfWork, datetime], Awaitable[datetime | None]]


async def every_organization(work: UnitOfWork) -> Sequence[UUID]:
    """All organizations but the sandboxes, whose time is their own."""
    organizations = table(Organization)
    query = sa.select(organizations.c.id).where(organizations.c.sandbox.is_(False))
    return (await work.session.execute(query)).scalars().all()


async def all_organizations(work: UnitOfWork) -> Sequence[UUID]:
    """Sandboxes as well: for what goes by real time."""
    return (await work.session.execute(sa.select(table(Organization).c.id))).scalars().all()


@dataclass(frozen=True, slots=True)
class Every:
    """A cadence that is a setting, in seconds."""

    setting: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A scheduled job.

    slug: its name at the error reporter. run: the work for one organization; what it answers is a number of rows.
    horizon: when something may next be due for an organization, None for never as things stand; the tick after it is
    where a sandbox that is advanced stops. chunk: `run` takes so many rows at most and is repeated while it is full.
    organizations: which ones get a job at a tick. off: the setting that switches it off.
    """

    name: str
    slug: str
    cadence: str | int | Every
    run: Work
    horizon: Horizon = horizon.any_time
    chunk: int | None = None
    organizations: Selection = every_organization
    off: str | None = None

    @property
    def beat(self) -> str | int:
        """The crontab or the seconds, as the settings are now."""
        if not isinstance(self.cadence, Every):
            return self.cadence
        seconds: int = getattr(settings(), self.cadence.setting)
        return seconds

    @property
    def on(self) -> bool:
        """Whether the clock runs it."""
        return self.off is None or not getattr(settings(), self.off)


SCHEDULE: tuple[Scheduled, ...] = (
    Scheduled("activate_subscriptions", "lago_activate_subscriptions", "*/5 * * * *", activate_due,
              horizon.pending_starts, chunk=500),
    Scheduled("process_subscription_activity", "lago_process_subscription_activity",
              Every("activity_processing_seconds"), hand_out_looks, horizon.noted_activities),
    Scheduled("refresh_lifetime_usages", "lago_refresh_lifetime_usages",
              Every("lifetime_usage_refresh_seconds"), hand_out_looks, horizon.noted_activities,
              off="disable_lifetime_usage_refresh"),
    Scheduled("terminate_ended_subscriptions", "lago_terminate_ended_subscriptions", "5 * * * *", terminate_ended,
              horizon.planned_ends, chunk=500),
    Scheduled("post_validate_events", "lago_post_validate_events", "5 * * * *", post_validate_events,
              horizon.received_events, off="disable_events_validation"),
    Scheduled("bill_customers", "lago_bill_customers", "10 * * * *", bill_due, horizon.active_subscriptions),
    Scheduled("compute_daily_usage", "lago_compute_daily_usage", "15 * * * *", hand_out_days,
              horizon.active_subscriptions),
    Scheduled("api_keys_track_usage", "lago_api_keys_track_usage", "15 * * * *", track_usage, horizon.never),
    Scheduled("expire_incomplete_subscriptions", "lago_expire_incomplete_subscriptions", "20 * * * *", expire_due,
              horizon.unpaid_starts),
    Scheduled("finalize_invoices", "lago_finalize_invoices", "20 * * * *", finalize_due, horizon.drafts),
    Scheduled("terminate_coupons", "lago_terminate_coupons", "30 * * * *", terminate_expired_coupons,
              horizon.expiring_coupons),
    Scheduled("clean_idempotency_keys", "lago_clean_idempotency_keys", "50 1 * * *", clean_idempotency_keys,
              horizon.never, organizations=all_organizations, chunk=CLEAN_CHUNK),
    Scheduled("clean_activity_logs", "lago_clean_activity_logs", "40 1 * * *", clean_activity_logs,
              horizon.never, organizations=all_organizations, chunk=CLEAN_CHUNK),
    Scheduled("clean_security_logs", "lago_clean_security_logs", "40 1 * * *", clean_security_logs,
              horizon.never, organizations=all_organizations, chunk=CLEAN_CHUNK),
    Scheduled("clean_api_logs", "lago_clean_api_logs", "40 1 * * *", clean_api_logs,
              horizon.never, organizations=all_organizations, chunk=CLEAN_CHUNK),
    Scheduled("expire_data_exports", "lago_expire_data_exports", "20 1 * * *", expire_exports, horizon.never,
              organizations=all_organizations),
    Scheduled("mark_invoices_as_payment_overdue", "lago_mark_invoices_as_payment_overdue", "25 * * * *", mark_overdue,
              horizon.unpaid, chunk=OVERDUE_CHUNK),
    Scheduled("bill_ended_trial_subscriptions", "lago_bill_ended_trial_subscriptions", "35 * * * *", bill_ended_trials,
              horizon.running_trials, chunk=500),
    Scheduled("process_dunning_campaigns", "lago_process_dunning_campaigns", "45 * * * *", remind, next_reminder,
              chunk=REMIND_CHUNK),
    Scheduled("refresh_wallets_ongoing_balance", "lago_refresh_wallets_ongoing_balance",
              Every("wallet_refresh_seconds"), refresh_flagged, horizon.flagged_wallets, off="disable_wallet_refresh"),
    Scheduled("terminate_wallets", "lago_terminate_wallets", "45 * * * *", terminate_expired,
              horizon.expiring_wallets, chunk=500),
    Scheduled("terminate_expired_wallet_transaction_rules", "lago_terminate_expired_wallet_transaction_rules",
              "50 * * * *", terminate_expired_rules, horizon.expiring_wallet_rules),
    Scheduled("top_up_wallet_interval_credits", "lago_top_up_wallet_interval_credits", "55 * * * *", top_up_intervals,
              horizon.wallet_interval_rules),
    Scheduled("termination_alert", "lago_termination_alert", "50 * * * *", alert_of_terminations,
              horizon.termination_alerts),
    Scheduled("retry_inbound_webhooks", "lago_retry_inbound_webhooks", "*/15 * * * *", retry_inbound, horizon.never,
              organizations=all_organizations),
    Scheduled("clean_inbound_webhooks", "lago_clean_inbound_webhooks", "10 1 * * *", clean_inbound, horizon.never,
              organizations=all_organizations, chunk=CLEAN_CHUNK),
    Scheduled("clean_webhooks", "lago_clean_webhooks", "0 1 * * *", clean_webhooks, horizon.old_webhooks,
              chunk=CLEAN_CHUNK),
)  # fmt: skip

SCHEDULED = {each.name: each for each in SCHEDULE}


# How far to look back for a tick: the cadences in use, the shortest first.
_BACK = (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))


@cache
def _spec(crontab: str) -> CronSpec:
    return cron(crontab)


def next_tick(scheduled: Scheduled, after: datetime) -> datetime:
    """The first tick strictly after an instant."""
    beat = scheduled.beat
    if isinstance(beat, int):
        return datetime.fromtimestamp((int(after.timestamp()) // beat + 1) * beat, UTC)
    return _following(beat, int(after.timestamp()) // 60)


@lru_cache(maxsize=16_384)
def _following(crontab: str, minute: int) -> datetime:
    """The first tick after a minute since the epoch has begun. Advancing a sandbox asks for the same ones again and
    again, and crontabs are slow to read."""
    following = _spec(crontab).next_valid_date(pendulum.from_timestamp(minute * 60))
    return datetime.fromtimestamp(following.timestamp(), UTC)


def last_tick(scheduled: Scheduled, at: datetime) -> datetime:
    """A tick at or before an instant, the last one for cadences of an hour or less and within a day for others."""
    if isinstance(scheduled.beat, int):
        return tick_of(scheduled, at)
    for back in _BACK:
        tick = next_tick(scheduled, at - back)
        if tick <= at:
            break
    else:
        return at - timedelta(days=1)
    while (following := next_tick(scheduled, tick)) <= at:
        tick = following
    return tick


def tick_of(scheduled: Scheduled, at: datetime) -> datetime:
    """The tick an instant belongs to: its minute, or the interval it lies in. Two clocks name it alike."""
    beat = scheduled.beat
    step = beat if isinstance(beat, int) else 60
    return datetime.fromtimestamp(int(at.timestamp()) // step * step, UTC)
