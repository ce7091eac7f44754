"""Folding the usage of a subscription that has many events, so that asking for it reads only what came since.

After post-processing, a subscription that events came for is folded now and then: the chance is drawn with each event,
so that one with many events is folded often and one with few hardly ever, and nobody has to count. A fold goes up to
the sequence of the event that was drawn, and only once nothing below that sequence can appear any more: ingestion takes
its transaction number before it draws sequences, so when no transaction is left that is older than the fold, which
came after the event was committed, every event up to it is visible or was rolled back.

Questions are those of the subscription's current usage. A rollup that is not one of them any more is thrown away, that
of a period that is over a while later, since the invoice of the period asks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import structlog

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.jobs import JobRequest
from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.current_usage import usage_questions
from domain.metering.event_store import RawUsage
from domain.metering.postgres_sql import ARRIVED, NEWEST, QUESTIONS, UP_TO, operations
from domain.metering.postgres_store import PostgresStore, rich_document
from domain.metering.rolled_store import ITEM
from domain.metering.rollups import FOLD, UNIQUE, can_be_rolled, merged, packed, rollup_key, unpacked
from domain.metering.settled import SETTLED
from domain.metering.usage import UsageQuestion
from infrastructure import exact_json

__all__ = ["fold_questions", "fold_usage"]

log = structlog.get_logger(__name__)

LEAST_EVENTS: Final = 500
"""A question that fewer events take part in is not worth a rollup."""
KEPT_FOR: Final = timedelta(days=40)
LONGEST_WAIT: Final = timedelta(seconds=30)
MOST_WAITS: Final = 50


_NEWEST_STORED: Final = sa.text(
    """
    SELECT max(newest.sequence) FROM (
        SELECT DISTINCT code FROM billable_metrics WHERE organization_id = CAST(:organization_id AS uuid)
    ) AS m
    CROSS JOIN LATERAL (
        SELECT e.sequence FROM events AS e
        WHERE e.organization_id = CAST(:organization_id AS uuid) AND e.external_subscription_id = :subscription
          AND e.code = m.code AND e.deleted_at IS NULL
        ORDER BY e.sequence DESC LIMIT 1
    ) AS newest
    """
)
_LOCK: Final = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended('metering.fold:' || :organization || ':' || :subscription, 0))"
)
_ROLLUPS: Final = sa.text(
    """
    SELECT id, key, watermark, state, ends_at FROM usage_rollups
    WHERE organization_id = CAST(:organization_id AS uuid) AND external_subscription_id = :subscription
    """
)
_KEEP: Final = sa.text(
    """
    INSERT INTO usage_rollups AS r (id, organization_id, external_subscription_id, key, watermark, state, ends_at,
                                    created_at, updated_at)
    SELECT k.id, CAST(:organization_id AS uuid), :subscription, k.key, :upto, nullif(k.state, 'null'), k.ends_at,
           :now, :now
    FROM jsonb_to_recordset(CAST(:kept AS jsonb)) AS k(id uuid, key text, state jsonb, ends_at timestamptz)
    ON CONFLICT (organization_id, external_subscription_id, key)
        DO UPDATE SET watermark = excluded.watermark, state = excluded.state, updated_at = excluded.updated_at
    """
)
_DROP_ITEMS: Final = sa.text("DELETE FROM usage_rollup_items WHERE rollup_id = ANY(:ids)")
_DROP: Final = sa.text("DELETE FROM usage_rollups WHERE id = ANY(:ids)")


def _items(events: str) -> sa.TextClause:
    """Keeps the last operation of each item that events came for; by group, what that changes in the count."""
    return sa.text(
        f"""
        WITH latest AS MATERIALIZED (
            SELECT l.grouping_values, {ITEM} AS item, l.operation = 'add' AS active, l.timestamp, l.created_at,
                   l.sequence
            FROM {QUESTIONS}
            CROSS JOIN LATERAL (
                SELECT DISTINCT ON (e.grouping_values, e.item) e.* FROM ({operations(events)}) AS e
                ORDER BY e.grouping_values, e.item, {NEWEST}
            ) AS l
        ), changed AS MATERIALIZED (
            SELECT l.*, l.active::int - coalesce(i.active, false)::int AS change
            FROM latest AS l
            LEFT JOIN usage_rollup_items AS i ON i.rollup_id = :rollup_id AND i.item = l.item
            WHERE i.item IS NULL OR (l.timestamp, l.created_at, l.sequence) > (i.timestamp, i.created_at, i.sequence)
        ), kept AS (
            INSERT INTO usage_rollup_items (organization_id, rollup_id, item, active, timestamp, created_at, sequence)
            SELECT CAST(:organization_id AS uuid), :rollup_id, item, active, timestamp, created_at, sequence
            FROM changed
            ON CONFLICT (rollup_id, item) DO UPDATE
                SET active = excluded.active, timestamp = excluded.timestamp, created_at = excluded.created_at,
                    sequence = excluded.sequence
        )
        SELECT grouping_values, sum(change) AS change FROM changed GROUP BY 1
        """  # noqa: S608
    )


_FIRST_ITEMS, _NEXT_ITEMS = _items(UP_TO), _items(ARRIVED)


async def fold_usage(
    work: UnitOfWork, subscription: str, upto: int | None = None, horizon: str | None = None, waits: int = 0
) -> None:
    """One step: folds, or asks for itself again while a transaction is left that is older than the first step.

    subscription: the external id. upto: the sequence of an event that was visible before this step was asked for; None
    to find it out. The other arguments are those of a step that continues.
    """
    tenant = {"organization_id": str(work.organization_id), "subscription": subscription}
    if upto is None:
        upto = (await work.session.execute(_NEWEST_STORED, tenant)).scalar_one()
        if upto is not None:
            work.enqueue(JobRequest(FOLD, {"subscription": subscription, "upto": upto}))
        return
    horizon, settled = (await work.session.execute(SETTLED, {"horizon": horizon})).one()
    if not settled:
        _wait_again(work, {"subscription": subscription, "upto": upto, "horizon": horizon}, waits)
        return
    await fold_questions(work, subscription, await usage_questions(work, subscription), upto)


def _wait_again(work: UnitOfWork, arguments: dict[str, Any], waits: int) -> None:
    """The same fold a little later, unless an old transaction does not end: a later event tries again."""
    if waits >= MOST_WAITS:
        log.warning("usage stays unfolded: an old transaction does not end", subscription=arguments["subscription"])
        return
    delay = min(timedelta(milliseconds=200) * 2 ** min(waits, 8), LONGEST_WAIT)
    work.enqueue(JobRequest(FOLD, {**arguments, "waits": waits + 1}, delay=delay))


async def fold_questions(work: UnitOfWork, subscription: str, questions: Sequence[UsageQuestion], upto: int) -> None:
    """Brings the rollups of a subscription (external id) up to a sequence below which nothing can appear any more.

    questions: all that it is asked for now; rollups of others are thrown away when their window is over for long.
    """
    tenant = {"organization_id": str(work.organization_id), "subscription": subscription}
    await work.session.execute(_LOCK, {"organization": str(work.organization_id), "subscription": subscription})
    known = {row.key: row for row in await work.session.execute(_ROLLUPS, tenant)}
    wanted = {rollup_key(question): question for question in questions if can_be_rolled(question)}
    now = clock.now()
    gone = [
        row.id
        for key, row in known.items()
        if key not in wanted and (row.ends_at >= now or row.ends_at + KEPT_FOR < now)
    ]
    if gone:
        await work.session.execute(_DROP_ITEMS, {"ids": gone})
        await work.session.execute(_DROP, {"ids": gone})

    store = PostgresStore(work)
    behind = [key for key in wanted if key in known and known[key].state is not None and known[key].watermark < upto]
    fresh = [key for key in wanted if key not in known]
    folded: dict[str, list[RawUsage]] = {}
    summed = [key for key in behind if wanted[key].aggregation_type != UNIQUE]
    later = await store.arrived([wanted[key] for key in summed], [known[key].watermark for key in summed], upto)
    for key, groups in zip(summed, later, strict=True):
        folded[key] = merged(wanted[key], unpacked(known[key].state), groups)
    measured = await store.up_to([wanted[key] for key in fresh if wanted[key].aggregation_type != UNIQUE], upto)
    for key, groups in zip([key for key in fresh if wanted[key].aggregation_type != UNIQUE], measured, strict=True):
        folded[key] = groups
    ids = {key: known[key].id if key in known else new_id() for key in wanted}
    for key in (*behind, *fresh):
        if wanted[key].aggregation_type == UNIQUE:
            row = known.get(key)
            folded[key] = await _folded_items(work, wanted[key], ids[key], row.watermark if row else None, upto,
                                              unpacked(row.state) if row else [])  # fmt: skip
    kept = {
        key: packed(groups)
        for key, groups in folded.items()
        if key in known or wanted[key].aggregation_type == UNIQUE
        or sum(raw.events_count for raw in groups) >= LEAST_EVENTS
    }  # fmt: skip
    await work.session.execute(
        _KEEP,
        {
            **tenant,
            "upto": upto,
            "now": now,
            "kept": exact_json.dump_text(
                [
                    {"id": ids[key], "key": key, "state": state, "ends_at": wanted[key].to.isoformat()}
                    for key, state in kept.items()
                ]
            ),
        },
    )


async def _folded_items(
    work: UnitOfWork, question: UsageQuestion, rollup_id: UUID, after: int | None, upto: int, known: list[RawUsage]
) -> list[RawUsage]:
    document = {**rich_document(question), "n": 0, "after": after, "upto": upto}
    changes = await work.session.execute(
        _FIRST_ITEMS if after is None else _NEXT_ITEMS,
        {
            "organization_id": str(work.organization_id),
            "questions": exact_json.dump_text([document]),
            "rollup_id": rollup_id,
        },
    )
    groups = {raw.group: raw for raw in known}
    for row in changes:
        group = tuple(row.grouping_values)
        units = (groups[group].units if group in groups else ZERO) + int(row.change)
        groups[group] = RawUsage(units, int(units), group)
    return list(groups.values())
