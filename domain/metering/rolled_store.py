"""The store that looks for a rollup first and adds what came since. The same answers as PostgreSQL gives alone.

What is below a watermark does not change any more, so the rollup and the events after it may be read one after the
other. Only the items of a unique count are kept as they were last, so these are read in one statement with their
watermark. Without any rollup of the subscriptions that are asked for, one statement more is sent than without this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from domain.kernel.money import ONE, ZERO
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.event_store import CountedEvent, RawUsage
from domain.metering.postgres_sql import ARRIVED, NEWEST, QUESTIONS, operations
from domain.metering.postgres_store import LAST_SEQUENCE, PostgresStore, rich_document
from domain.metering.rollups import UNIQUE, can_be_rolled, merged, rollup_key, unpacked
from domain.metering.usage import Group, UsageQuestion
from infrastructure import exact_json

__all__ = ["ITEM", "RolledStore"]

ITEM: Final = (
    "CAST(encode(substring(sha256(convert_to(l.grouping_values::text || l.item, 'UTF8')) FOR 16), 'hex') AS uuid)"
)
"""SQL: the digest of an item in its group. A JSON array ends where it ends, so that the two can't be confused."""

_KEYS: Final = sa.text(
    """
    SELECT external_subscription_id, key FROM usage_rollups
    WHERE organization_id = CAST(:organization_id AS uuid) AND external_subscription_id = ANY(:subscriptions)
      AND state IS NOT NULL
    """
)
_STATES: Final = sa.text(
    """
    SELECT r.external_subscription_id, r.key, r.watermark, r.state
    FROM unnest(CAST(:subscriptions AS text[]), CAST(:keys AS text[])) AS q(subscription, key)
    JOIN usage_rollups AS r ON r.organization_id = CAST(:organization_id AS uuid)
        AND r.external_subscription_id = q.subscription AND r.key = q.key
    WHERE r.state IS NOT NULL
    """
)
# Row-level security lets only bare columns be looked up in an index, so the digest is one before the join.
# Of each item that events came for since, whether its last operation is another one now.
_ITEMS: Final = sa.text(
    f"""
    SELECT q.n, r.state, d.grouping_values, d.change
    FROM {QUESTIONS}
    JOIN usage_rollups AS r ON r.organization_id = CAST(:organization_id AS uuid)
        AND r.external_subscription_id = q.subscription AND r.key = q.key
    LEFT JOIN LATERAL (
        SELECT l.grouping_values, sum((l.operation = 'add')::int - coalesce(i.active, false)::int) AS change
        FROM (
            SELECT l.*, {ITEM} AS digest
            FROM (
                SELECT DISTINCT ON (e.grouping_values, e.item) e.*
                FROM ({operations(ARRIVED).replace("q.after", "r.watermark")}) AS e
                ORDER BY e.grouping_values, e.item, {NEWEST}
            ) AS l OFFSET 0
        ) AS l
        LEFT JOIN usage_rollup_items AS i ON i.rollup_id = r.id AND i.item = l.digest
        WHERE i.item IS NULL OR (l.timestamp, l.created_at, l.sequence) > (i.timestamp, i.created_at, i.sequence)
        GROUP BY 1
    ) AS d ON true
    """  # noqa: S608
)

_Key = tuple[str, str]


class RolledStore:
    """Satisfies EventStore. Reads within the transaction of `work`, as its organization."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work
        self.events = PostgresStore(work)

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[list[RawUsage]]:
        keys = await self._known(questions)
        unique = [place for place in keys if questions[place].aggregation_type == UNIQUE]
        states = await self._states([keys[place] for place in keys if place not in unique])
        summed = [place for place, key in keys.items() if key in states]
        answers: dict[int, list[RawUsage]] = {}
        if unique:
            answers |= await self._items({place: (questions[place], keys[place][1]) for place in unique})
        if summed:
            later = await self.events.arrived(
                [questions[place] for place in summed], [states[keys[place]][0] for place in summed]
            )
            for place, groups in zip(summed, later, strict=True):
                answers[place] = merged(questions[place], unpacked(states[keys[place]][1]), groups)
        left = [place for place in range(len(questions)) if place not in answers]
        measured = await self.events.aggregate([questions[place] for place in left]) if left else []
        answers |= dict(zip(left, measured, strict=True))
        return [answers[place] for place in range(len(questions))]

    async def counted(self, question: UsageQuestion, group: Group, request: PageRequest) -> Page[CountedEvent]:
        return await self.events.counted(question, group, request)

    async def _known(self, questions: Sequence[UsageQuestion]) -> dict[int, _Key]:
        """The keys of those questions that have a rollup, by their places."""
        asked = {place: question for place, question in enumerate(questions) if can_be_rolled(question)}
        if not asked:
            return {}
        subscriptions = sorted({question.external_subscription_id for question in asked.values()})
        found = await self.work.session.execute(
            _KEYS, {"organization_id": str(self.work.organization_id), "subscriptions": subscriptions}
        )
        known = {(row.external_subscription_id, row.key) for row in found}
        rolled = {subscription for subscription, _ in known}
        keys = {
            place: (question.external_subscription_id, rollup_key(question))
            for place, question in asked.items()
            if question.external_subscription_id in rolled
        }
        return {place: key for place, key in keys.items() if key in known}

    async def _states(self, keys: Sequence[_Key]) -> dict[_Key, tuple[int, Sequence[Mapping[str, Any]]]]:
        distinct = sorted(set(keys))
        if not distinct:
            return {}
        found = await self.work.session.execute(
            _STATES,
            {
                "organization_id": str(self.work.organization_id),
                "subscriptions": [subscription for subscription, _ in distinct],
                "keys": [key for _, key in distinct],
            },
        )
        return {(row.external_subscription_id, row.key): (row.watermark, row.state) for row in found}

    async def _items(self, asked: Mapping[int, tuple[UsageQuestion, str]]) -> dict[int, list[RawUsage]]:
        """Unique counts, by place; one that lost its rollup meanwhile is not among them."""
        documents = [
            {**rich_document(question), "n": place, "key": key, "upto": LAST_SEQUENCE}
            for place, (question, key) in asked.items()
        ]
        rows = await self.work.session.execute(
            _ITEMS,
            {"organization_id": str(self.work.organization_id), "questions": exact_json.dump_text(documents)},
        )
        found: dict[int, dict[Group, RawUsage]] = {}
        for row in rows:
            if row.state is None:
                continue
            groups = found.setdefault(row.n, {raw.group: raw for raw in unpacked(row.state)})
            if row.grouping_values is not None:
                group = tuple(row.grouping_values)
                units = (groups[group].units if group in groups else ZERO) + row.change * ONE
                groups[group] = RawUsage(units, int(units), group)
        return {place: list(groups.values()) for place, groups in found.items()}
