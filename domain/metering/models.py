"""Usage events, which are immutable facts that a client sent, and what is watched about usage."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import TenantRow, big_integer, decimal, json_object, one_of, reference, timestamp

__all__ = [
    "CachedAggregation", "DailyUsage", "Event", "LifetimeUsage", "SubscriptionActivity", "TriggeredAlert", "UsageAlert",
    "UsageAlertThreshold", "UsageRollup", "UsageRollupItem",
]  # fmt: skip


class Event(SQLModel, table=True):
    """One usage event.

    `sequence`: the order of ingestion. `value`: the number that the metric of this code reads from the properties,
    null where it reads none or the text is no number. `timestamp`: when the use took place; `created_at`: when it came.
    """

    __tablename__ = "events"
    __table_args__ = (
        # The transaction id stands second, so that an event is found by it alone.
        sa.Index("uq_events_transaction", "organization_id", "transaction_id", "external_subscription_id", unique=True),
        sa.Index("ix_events_usage", "organization_id", "external_subscription_id", "code", "timestamp",
                 postgresql_include=["value"], postgresql_where=sa.text("deleted_at IS NULL")),
        # What came after a rollup was folded: see rolled_store.py.
        sa.Index("ix_events_arrival", "organization_id", "external_subscription_id", "code", "sequence",
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("ix_events_received", "organization_id", "created_at", "sequence"),
    )  # fmt: skip

    id: UUID = Field(default_factory=new_id, primary_key=True)
    # No foreign key: it would be checked once per event; the door that inserts has it from the API key.
    organization_id: UUID
    sequence: int = Field(default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), nullable=False))
    external_subscription_id: str | None = None
    transaction_id: str
    code: str
    properties: dict[str, Any] = json_object()
    value: Decimal | None = Field(default=None, sa_type=sa.Numeric)
    precise_total_amount_cents: Decimal | None = decimal(40, 15, nullable=True, default=None)
    event_metadata: dict[str, Any] = json_object()
    created_at: datetime = timestamp(nullable=False, default_factory=clock.now)
    deleted_at: datetime | None = timestamp()
    # Last, because inside the class its name hides the function.
    timestamp: datetime = timestamp(nullable=False)


class CachedAggregation(TenantRow, table=True):
    """A running state of one charge bucket that later computations continue from.

    For charges paid in advance one row per event: the running total and the highest total billed so far in the period.
    For recurring weighted sums one row per invoice: the level carried into the next period.
    """

    __tablename__ = "cached_aggregations"
    __table_args__ = (
        sa.Index("ix_cached_aggregations_bucket", "external_subscription_id", "charge_id", "charge_filter_id",
                 "timestamp"),
        sa.Index("uq_cached_aggregations_event", "charge_id", "charge_filter_id", "event_transaction_id",
                 "external_subscription_id", unique=True, postgresql_nulls_not_distinct=True,
                 postgresql_where=sa.text("event_transaction_id IS NOT NULL")),
    )  # fmt: skip

    external_subscription_id: str
    charge_id: UUID = reference("charges.id")
    charge_filter_id: UUID | None = reference("charge_filters.id", nullable=True)
    event_transaction_id: str | None = None
    grouped_by: dict[str, Any] = json_object()
    current_aggregation: Decimal = Field(default=Decimal(0), sa_type=sa.Numeric)
    max_aggregation: Decimal | None = Field(default=None, sa_type=sa.Numeric)
    max_aggregation_with_proration: Decimal | None = Field(default=None, sa_type=sa.Numeric)
    # Last, because inside the class its name hides the function.
    timestamp: datetime = timestamp(nullable=False)


class LifetimeUsage(TenantRow, table=True):
    """What a chain of subscriptions used before Tarn counted it, as its client said; in cents.

    The row goes with the chain: a plan change hands it to the successor. All else of lifetime usage is computed when it
    is asked for.
    """

    __tablename__ = "lifetime_usages"
    __table_args__ = (sa.UniqueConstraint("subscription_id"),)

    subscription_id: UUID = reference("subscriptions.id")
    historical_usage_amount_cents: int = big_integer(default=0)


class SubscriptionActivity(TenantRow, table=True):
    """A watched subscription was used, or something about it changed: its thresholds and alerts are to be looked at.

    Rows are only added and taken out, never changed, so that nobody waits for anybody; several of one subscription are
    one look.
    """

    __tablename__ = "subscription_activities"
    __table_args__ = (sa.Index("ix_subscription_activities_organization", "organization_id", "id"),)

    subscription_id: UUID = reference("subscriptions.id")


class UsageAlert(TenantRow, table=True):
    """Tells when a figure of a subscription's usage, or of a wallet, passes thresholds.

    previous_value: the figure at the last look; amounts in cents.
    """

    __tablename__ = "usage_alerts"
    __table_args__ = (
        one_of("direction", ("increasing", "decreasing")),
        sa.Index("uq_usage_alerts_kind", "organization_id", "subscription_external_id", "alert_type",
                 "billable_metric_id", unique=True, postgresql_nulls_not_distinct=True,
                 postgresql_where=sa.text("deleted_at IS NULL AND wallet_id IS NULL")),
        sa.Index("uq_usage_alerts_code", "organization_id", "subscription_external_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL AND wallet_id IS NULL")),
        sa.Index("uq_usage_alerts_wallet_kind", "wallet_id", "alert_type", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("uq_usage_alerts_wallet_code", "wallet_id", "code", unique=True,
                 postgresql_where=sa.text("deleted_at IS NULL")),
    )  # fmt: skip

    subscription_external_id: str | None = None
    wallet_id: UUID | None = reference("wallets.id", nullable=True)
    billable_metric_id: UUID | None = reference("billable_metrics.id", nullable=True)
    alert_type: str
    code: str
    name: str | None = None
    direction: str = Field(default="increasing")
    previous_value: Decimal = decimal(30, 5, default=Decimal(0))
    last_processed_at: datetime | None = timestamp()
    deleted_at: datetime | None = timestamp()


class UsageAlertThreshold(TenantRow, table=True):
    """A value that an alert tells of; recurring: a step beyond the others."""

    __tablename__ = "usage_alert_thresholds"
    __table_args__ = (
        sa.UniqueConstraint("usage_alert_id", "value", "recurring"),
        sa.Index("uq_usage_alert_thresholds_recurring", "usage_alert_id", unique=True,
                 postgresql_where=sa.text("recurring")),
    )  # fmt: skip

    usage_alert_id: UUID = reference("usage_alerts.id")
    code: str | None = None
    value: Decimal = decimal(30, 5)
    recurring: bool = Field(default=False)


class TriggeredAlert(TenantRow, table=True):
    """An alert as it was triggered. crossed_thresholds: [{"code", "value", "recurring"}], values as decimal texts."""

    __tablename__ = "triggered_usage_alerts"
    __table_args__ = (sa.Index("ix_triggered_usage_alerts_alert", "usage_alert_id", "triggered_at"),)

    usage_alert_id: UUID = reference("usage_alerts.id")
    subscription_id: UUID | None = reference("subscriptions.id", nullable=True)
    wallet_id: UUID | None = reference("wallets.id", nullable=True)
    current_value: Decimal = decimal(30, 5)
    previous_value: Decimal = decimal(30, 5)
    crossed_thresholds: list[dict[str, Any]] = json_object(default_factory=list)
    triggered_at: datetime = timestamp(nullable=False)


class DailyUsage(TenantRow, table=True):
    """What a subscription's current usage was at the end of a local day (handbook, metering 17).

    usage: the document of current usage without fees of nothing. usage_diff: what the day added to it.
    """

    __tablename__ = "daily_usages"
    __table_args__ = (
        sa.UniqueConstraint("subscription_id", "usage_date"),
        sa.Index("ix_daily_usages_of_customer", "organization_id", "customer_id", "usage_date"),
    )

    customer_id: UUID = reference("customers.id")
    subscription_id: UUID = reference("subscriptions.id")
    external_subscription_id: str
    usage_date: date
    from_datetime: datetime = timestamp(nullable=False)
    to_datetime: datetime = timestamp(nullable=False)
    usage: dict[str, Any] = json_object()
    usage_diff: dict[str, Any] = json_object()


class UsageRollup(TenantRow, table=True):
    """The answer to one question to the event store, from all events stored up to a point. Can be thrown away.

    `key`: what was asked, as a digest. `watermark`: the sequence up to which events are in the answer; no event below
    it can appear any more. `state`: the answer by group; null where there are too many groups to keep. `ends_at`: the
    end of the window that was asked for.
    """

    __tablename__ = "usage_rollups"
    __table_args__ = (
        sa.Index("uq_usage_rollups_key", "organization_id", "external_subscription_id", "key", unique=True),
    )

    external_subscription_id: str
    key: str
    watermark: int = Field(sa_type=sa.BigInteger)
    state: list[Any] | None = json_object(nullable=True)
    ends_at: datetime = timestamp(nullable=False)


class UsageRollupItem(SQLModel, table=True):
    """The last operation on one item of a unique count, among the events of a rollup.

    `item`: the first half of the SHA-256 of the group and the item.
    """

    __tablename__ = "usage_rollup_items"

    organization_id: UUID
    # No foreign key: it would be checked once per item.
    rollup_id: UUID = Field(primary_key=True)
    item: UUID = Field(primary_key=True)
    active: bool
    created_at: datetime = timestamp(nullable=False)
    sequence: int = Field(sa_type=sa.BigInteger)
    # Last, because inside the class its name hides the function.
    timestamp: datetime = timestamp(nullable=False)
