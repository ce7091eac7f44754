"""Events in PostgreSQL: one statement for all questions of one kind (see postgres_sql.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from domain.kernel.money import ZERO
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.event_store import CountedEvent, RawUsage
from domain.metering.postgres_sql import counted_statement, number_of, plain_statement, rich_statement
from domain.metering.proration import first_day, last_day, weighing_end
from domain.metering.usage import Group, UsageQuestion
from infrastructure import exact_json

__all__ = ["PostgresStore", "number_of"]

_READS_NUMBERS: Final = frozenset({"sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"})


class PostgresStore:
    """Reads within the transaction of `work`, as its organization."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[list[RawUsage]]:
        # Questions that ask the same (two charges of one metric) are asked once.
        statements: dict[str, dict[str, tuple[dict[str, Any], list[int]]]] = {}
        for index, question in enumerate(questions):
            sql, document = _asked(question)
            asked = statements.setdefault(sql, {}).setdefault(exact_json.dump_text(document), (document, []))
            asked[1].append(index)
        found: list[list[RawUsage]] = [[] for _ in questions]
        for sql, asked_by in statements.items():
            places = [indexes for _, indexes in asked_by.values()]
            documents = [{"n": n, **document} for n, (document, _) in enumerate(asked_by.values())]
            rows = await self.work.session.execute(
                sa.text(sql),
                {
                    "questions": exact_json.dump_text(documents),
                    "organization_id": str(self.work.organization_id),
                },
            )
            for row in rows:
                usage = _raw(row)
                if usage is not None:
                    for index in places[row.n]:
                        found[index].append(usage)
        return found

    async def counted(self, question: UsageQuestion, group: Group, request: PageRequest) -> Page[CountedEvent]:
        rows = (
            await self.work.session.execute(
                sa.text(counted_statement(question.aggregation_type)),
                {
                    "questions": exact_json.dump_text([_plain_document(question) | _bucket_document(question)]),
                    "organization_id": str(self.work.organization_id),
                    "grouping": exact_json.dump_text(list(group)),
                    "size": request.size,
                    "offset": request.offset,
                },
            )
        ).all()
        events = [CountedEvent(*row[:-1]) for row in rows]
        return Page(events, rows[0].total_count if rows else 0, request)


def _plain_document(question: UsageQuestion) -> dict[str, Any]:
    last = min(question.to, question.before.timestamp) if question.before else question.to
    return {
        "subscription": question.external_subscription_id,
        "code": question.code,
        "field": question.field_name if question.aggregation_type != "count_agg" else None,
        "first": question.first.isoformat() if question.first else "-infinity",
        "last": last.isoformat(),
    }


def _bucket_document(question: UsageQuestion) -> dict[str, Any]:
    return {
        "matching": _condition(question.matching) if question.matching else None,
        "ignored": [_condition(condition) for condition in question.ignored] or None,
        "empty": list(question.empty) or None,
        "group_by": list(question.group_by) or None,
    }


def _asked(question: UsageQuestion) -> tuple[str, dict[str, Any]]:
    """The statement that answers the question, and the question as it reads it."""
    kind = question.aggregation_type
    stored = question.values_ready and kind in _READS_NUMBERS
    document = _plain_document(question)
    if question.is_plain:
        return plain_statement(kind, stored=stored), document
    if question.proration and kind == "unique_count_agg":
        kind = "prorated_unique_count"
    document |= {
        "stored": stored,
        "start": question.start.isoformat(),
        "with_values": question.with_values,
        **_bucket_document(question),
    }
    if question.before:
        document |= {
            "before_at": question.before.timestamp.isoformat(),
            "before_created_at": question.before.created_at.isoformat(),
            "before_sequence": question.before.sequence,
        }
    if question.proration:
        document |= {
            "zone": question.proration.zone.key,
            "first_day": first_day(question, question.proration).isoformat(),
            "last_day": last_day(question, question.proration).isoformat(),
        }
    if question.weighting:
        document["weighing_end"] = weighing_end(question.to).isoformat()
    return rich_statement(kind), document


def _condition(condition: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, list[str]]:
    return {key: list(allowed) for key, allowed in condition}


def _raw(row: sa.Row[Any]) -> RawUsage | None:
    """A row of either statement; None for a plain answer in which no event took part."""
    if len(row) == 3:
        return RawUsage(Decimal(row.units), row.events) if row.events else None
    return RawUsage(
        units=Decimal(row.units),
        events_count=int(row.events),
        group=tuple(row.grouping_values),
        carried=ZERO if row.carried is None else Decimal(row.carried),
        weighed=ZERO if row.weighed is None else Decimal(row.weighed),
        # `values` is a method of rows.
        values=tuple(row._mapping["values"] or ()),
        weights=tuple(row.weights or ()),
        precise_total_amount_cents=ZERO if row.precise is None else Decimal(row.precise),
        last_event_at=row.last_event_at,
    )
