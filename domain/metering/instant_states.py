"""The running totals of charges paid in advance: one row for each event that was billed, in cached_aggregations.

Source: handbook, metering 11.3. Rows are never changed; the latest one of the period is the state.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.running_maximum import RunningState
from infrastructure import exact_json

__all__ = ["BilledState", "InstantBucket", "KeptState", "billed_states", "keep_states", "states_of"]


@dataclass(frozen=True, slots=True)
class InstantBucket:
    """A bucket and group of a charge in a period, looked at from one event."""

    external_subscription_id: str
    charge_id: UUID
    filter_id: UUID | None
    grouped_by: tuple[tuple[str, str | None], ...]
    from_: datetime
    to: datetime
    transaction_id: str = ""
    timestamp: datetime | None = None

    @property
    def identity(self) -> tuple[Any, ...]:
        """What the events of one period share."""
        return (self.external_subscription_id, self.charge_id, self.filter_id, self.grouped_by, self.from_)


@dataclass(frozen=True, slots=True)
class KeptState:
    """The state after the bucket's event."""

    bucket: InstantBucket
    state: RunningState


@dataclass(frozen=True, slots=True)
class BilledState:
    """What was billed in advance in a period, for one group."""

    grouped_by: Mapping[str, str | None]
    state: RunningState


_COLUMNS = "a.grouped_by, a.current_aggregation, a.max_aggregation, a.max_aggregation_with_proration"
_IN_PERIOD = """
        FROM cached_aggregations AS a
        WHERE a.organization_id = CAST(:organization_id AS uuid) AND a.external_subscription_id = q.subscription
          AND a.charge_id = q.charge_id AND a.charge_filter_id IS NOT DISTINCT FROM q.filter_id
          AND a.timestamp >= q.first AND a.timestamp <= q.last AND a.event_transaction_id IS NOT NULL
"""
_NEWEST = "a.timestamp DESC, a.created_at DESC, a.id DESC"
_STATES = sa.text(
    f"""
    SELECT q.n, c.*
    FROM jsonb_to_recordset(CAST(:buckets AS jsonb)) AS q(
        n integer, subscription text, charge_id uuid, filter_id uuid, grouped_by jsonb, first timestamptz,
        last timestamptz, transaction_id text)
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} {_IN_PERIOD} AND a.grouped_by = q.grouped_by AND a.event_transaction_id <> q.transaction_id
        ORDER BY {_NEWEST} LIMIT 1
    ) AS c
    """  # noqa: S608
)
_BILLED = sa.text(
    f"""
    SELECT q.n, c.*
    FROM jsonb_to_recordset(CAST(:buckets AS jsonb)) AS q(
        n integer, subscription text, charge_id uuid, filter_id uuid, first timestamptz, last timestamptz)
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (a.grouped_by) {_COLUMNS} {_IN_PERIOD} ORDER BY a.grouped_by, {_NEWEST}
    ) AS c
    """  # noqa: S608
)
_KEEP = sa.text(
    """
    INSERT INTO cached_aggregations (id, organization_id, external_subscription_id, charge_id, charge_filter_id,
        event_transaction_id, grouped_by, current_aggregation, max_aggregation, max_aggregation_with_proration,
        timestamp, created_at, updated_at)
    SELECT q.id, CAST(:organization_id AS uuid), q.subscription, q.charge_id, q.filter_id, q.transaction_id,
           q.grouped_by, q.current, q.highest, q.highest_prorated, q.at, CAST(:now AS timestamptz),
           CAST(:now AS timestamptz)
    FROM jsonb_to_recordset(CAST(:states AS jsonb)) AS q(
        id uuid, subscription text, charge_id uuid, filter_id uuid, transaction_id text, grouped_by jsonb,
        current numeric, highest numeric, highest_prorated numeric, at timestamptz)
    ON CONFLICT DO NOTHING
    """
)


def _document(n: int, bucket: InstantBucket) -> dict[str, Any]:
    return {
        "n": n,
        "subscription": bucket.external_subscription_id,
        "charge_id": bucket.charge_id,
        "filter_id": bucket.filter_id,
        "grouped_by": dict(bucket.grouped_by),
        "first": bucket.from_,
        "last": bucket.to,
        "transaction_id": bucket.transaction_id,
    }


def _state(row: sa.Row[Any]) -> RunningState:
    prorated = row.max_aggregation_with_proration
    return RunningState(
        Decimal(row.current_aggregation),
        Decimal(row.max_aggregation or 0),
        None if prorated is None else Decimal(prorated),
    )


async def states_of(work: UnitOfWork, buckets: Mapping[Hashable, InstantBucket]) -> dict[Hashable, RunningState]:
    """The latest state of each bucket's period that another event left; no entry for the first event."""
    if not buckets:
        return {}
    keys = list(buckets)
    document = [_document(n, buckets[key]) for n, key in enumerate(keys)]
    rows = await work.session.execute(
        _STATES, {"buckets": exact_json.dump_text(document), "organization_id": work.organization_id}
    )
    return {keys[row.n]: _state(row) for row in rows}


async def billed_states(
    work: UnitOfWork, buckets: Mapping[Hashable, InstantBucket]
) -> dict[Hashable, list[BilledState]]:
    """The latest state of each group of these buckets (their own groups are not looked at), in one statement."""
    found: dict[Hashable, list[BilledState]] = {key: [] for key in buckets}
    if not buckets:
        return found
    keys = list(buckets)
    document = [_document(n, buckets[key]) for n, key in enumerate(keys)]
    rows = await work.session.execute(
        _BILLED, {"buckets": exact_json.dump_text(document), "organization_id": work.organization_id}
    )
    for row in rows:
        found[keys[row.n]].append(BilledState(row.grouped_by, _state(row)))
    return found


async def keep_states(work: UnitOfWork, states: Sequence[KeptState]) -> None:
    """Keeps the state that each event left, in one statement; what an event left before is not changed."""
    if not states:
        return
    document = [
        {
            "id": new_id(),
            "subscription": each.bucket.external_subscription_id,
            "charge_id": each.bucket.charge_id,
            "filter_id": each.bucket.filter_id,
            "transaction_id": each.bucket.transaction_id,
            "grouped_by": dict(each.bucket.grouped_by),
            "current": each.state.current,
            "highest": each.state.highest,
            "highest_prorated": each.state.highest_prorated,
            "at": each.bucket.timestamp,
        }
        for each in states
    ]
    await work.session.execute(
        _KEEP,
        {
            "states": exact_json.dump_text(document),
            "organization_id": work.organization_id,
            "now": clock.now(),
        },
    )
