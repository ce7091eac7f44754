"""Usage events: immutable facts that a client sent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import TenantRow, decimal, json_object, reference, timestamp

__all__ = ["CachedAggregation", "Event", "UsageRollup", "UsageRollupItem"]


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
