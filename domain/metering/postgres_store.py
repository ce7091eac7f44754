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
from domain.metering.postgres_sql import (
    ARRIVED,
    UP_TO,
    WINDOW,
    counted_statement,
    number_of,
    plain_statement,
    rich_statement,
)
from domain.metering.proration import first_day, last_day, weighing_end
from domain.metering.usage import EventPosition, Group, UsageQuestion
from infrastructure import exact_json

__all__ = ["PostgresStore", "kind_of", "number_of", "rich_document"]

LAST_SEQUENCE: Final = 2**63 - 1

_READS_NUMBERS: Final = frozenset({"sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"})


class PostgresStore:
    """Reads within the transaction of `work`, as its organization."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work

    async def aggregate(self, questions: Sequence[UsageQuestion]) -> list[list[RawUsage]]:
        return await self._asked_together([_asked(question) for question in questions])

    async def up_to(self, questions: Sequence[UsageQuestion], sequence: int) -> list[list[RawUsage]]:
        """As `aggregate`, from the events that were stored up to this sequence."""
        return await self._asked_together([_asked_rich(question, UP_TO, upto=sequence) for question in questions])

    async def arrived(
        self, questions: Sequence[UsageQuestion], after: Sequence[int], upto: int = LAST_SEQUENCE
    ) -> list[list[RawUsage]]:
        """As `aggregate`, from the events stored after the sequence that stands beside each question."""
        return await self._asked_together(
            [_asked_rich(question, ARRIVED, after=at, upto=upto) for question, at in zip(questions, after, strict=True)]
        )

    async def _asked_together(self, asked: Sequence[tuple[str, dict[str, Any]]]) -> list[list[RawUsage]]:
        # Questions that ask the same (two charges of one metric) are asked once.
        statements: dict[str, dict[str, tuple[dict[str, Any], list[int]]]] = {}
        for index, (sql, document) in enumerate(asked):
            same = statements.setdefault(sql, {}).setdefault(exact_json.dump_text(document), (document, []))
            same[1].append(index)
        found: list[list[RawUsage]] = [[] for _ in asked]
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


def kind_of(question: UsageQuestion) -> str:
    """Which of postgres_sql.KINDS answers the question."""
    if question.proration and question.aggregation_type == "unique_count_agg":
        return "prorated_unique_count"
    return question.aggregation_type


def _asked(question: UsageQuestion) -> tuple[str, dict[str, Any]]:
    """The statement that answers the question, and the question as it reads it."""
    if not question.is_plain:
        return _asked_rich(question)
    kind = question.aggregation_type
    return plain_statement(kind, stored=question.values_ready and kind in _READS_NUMBERS), _plain_document(question)


def _asked_rich(question: UsageQuestion, events: str = WINDOW, **bounds: int) -> tuple[str, dict[str, Any]]:
    return rich_statement(kind_of(question), events), {**rich_document(question), **bounds}


def rich_document(question: UsageQuestion) -> dict[str, Any]:
    """The question as the statements for questions that are not plain read it."""
    document = _plain_document(question) | {
        "stored": question.values_ready and question.aggregation_type in _READS_NUMBERS,
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
    return document


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
        position=EventPosition(row.last_event_at, row.last_created_at, row.last_sequence)
        if "last_sequence" in row._mapping
        else None,
    )
