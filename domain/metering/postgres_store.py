"""Events in PostgreSQL: one statement for all questions of one aggregation, a LATERAL over the list of questions.

Every question reads one range of `ix_events_usage`. Numbers come from the column `value`, which the index carries, or,
where a metric's values are not filled in yet, from the raw property, read the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.event_store import MAX_NUMBER_LENGTH, NUMBER, RawUsage
from domain.metering.usage import UsageQuestion
from infrastructure import exact_json

__all__ = ["PostgresStore", "number_of", "statement"]


def number_of(text: str) -> str:
    """SQL: the number that the SQL expression `text` spells, else null. The cast can't fail."""
    # Nested, because the order of the conditions of one AND is not promised.
    return (
        f"CASE WHEN length({text}) <= {MAX_NUMBER_LENGTH} THEN"
        f" CASE WHEN {text} ~ '{NUMBER}' THEN ({text})::numeric END END"
    )


_STORED: Final = "e.value"
_RAW: Final = number_of("(e.properties ->> q.field)")

_RANGE: Final = """
    FROM events AS e
    WHERE e.organization_id = CAST(:organization_id AS uuid) AND e.external_subscription_id = q.subscription
      AND e.code = q.code AND e.timestamp >= q.first AND e.timestamp <= q.last AND e.deleted_at IS NULL
"""
# Later than another event: by its own time, then by when it came.
_NEWEST: Final = "e.timestamp DESC, e.created_at DESC, e.sequence DESC"

_COUNT: Final = f"SELECT count(*) AS units, count(*) AS events {_RANGE}"
_SUM: Final = f"SELECT coalesce(sum({{value}}), 0) AS units, count({{value}}) AS events {_RANGE}"
_MAX: Final = f"SELECT coalesce(max({{value}}), 0) AS units, count({{value}}) AS events {_RANGE}"
# A latest value below zero counts as none.
_LATEST: Final = f"""
    SELECT greatest(coalesce(
        (SELECT {{value}} {_RANGE} AND {{value}} IS NOT NULL ORDER BY {_NEWEST} LIMIT 1), 0), 0) AS units,
        (SELECT count({{value}}) {_RANGE}) AS events
"""
# The transitions of one value add up to 1 when its last operation is an add, else to 0 (handbook, metering 8.5). A
# missing property is one value, "null". Operations of other names take no part.
_UNIQUE: Final = f"""
    SELECT count(*) FILTER (WHERE operation = 'add') AS units, count(*) FILTER (WHERE operation = 'add') AS events
    FROM (
        SELECT DISTINCT ON (coalesce(e.properties ->> q.field, 'null'))
            coalesce(e.properties ->> 'operation_type', 'add') AS operation
        {_RANGE} AND coalesce(e.properties ->> 'operation_type', 'add') IN ('add', 'remove')
        ORDER BY coalesce(e.properties ->> q.field, 'null'), {_NEWEST}
    ) AS last_operation
"""  # noqa: S608

_ANSWERS: Final = {
    "count_agg": _COUNT,
    "sum_agg": _SUM,
    "max_agg": _MAX,
    "latest_agg": _LATEST,
    "unique_count_agg": _UNIQUE,
}
_READS_NUMBERS: Final = frozenset({"sum_agg", "max_agg", "latest_agg"})


def statement(aggregation_type: str, *, stored: bool) -> str:
    """The SQL for all questions of one aggregation; `stored`: numbers are read from the column."""
    answer = _ANSWERS[aggregation_type].format(value=_STORED if stored else _RAW)
    return f"""
        SELECT q.n, u.units, u.events
        FROM jsonb_to_recordset(CAST(:questions AS jsonb)) AS q(
            n integer, subscription text, code text, field text, first timestamptz, last timestamptz)
        CROSS JOIN LATERAL ({answer}) AS u
    """  # noqa: S608


class PostgresStore:
    """Reads within the transaction of `work`, as its organization."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[RawUsage]:
        # Questions that ask the same (two charges of one metric) are asked once.
        rows: dict[tuple[str, bool], dict[tuple[Any, ...], list[int]]] = {}
        for index, question in enumerate(questions):
            stored = question.values_ready and question.aggregation_type in _READS_NUMBERS
            asked = (
                question.external_subscription_id,
                question.code,
                question.field_name if question.aggregation_type != "count_agg" else None,
                question.first,
                question.to,
            )
            rows.setdefault((question.aggregation_type, stored), {}).setdefault(asked, []).append(index)
        found = [RawUsage(ZERO, 0)] * len(questions)
        for (aggregation_type, stored), asked_by in rows.items():
            places = list(asked_by.values())
            document = [
                {
                    "n": n,
                    "subscription": subscription,
                    "code": code,
                    "field": field,
                    "first": first.isoformat() if first else "-infinity",
                    "last": last.isoformat(),
                }
                for n, (subscription, code, field, first, last) in enumerate(asked_by)
            ]
            answers = await self.work.session.execute(
                sa.text(statement(aggregation_type, stored=stored)),
                {"questions": exact_json.dump_text(document), "organization_id": str(self.work.organization_id)},
            )
            for n, units, events in answers:
                usage = RawUsage(Decimal(units), events)
                for index in places[n]:
                    found[index] = usage
        return found
