"""Looking over the events of the last hour for what will not be billed as their sender may think. Source: handbook,
metering 6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["WrongEvents", "wrong_events"]

MOST_EVENTS: Final = 30_000
"""Wrong events of one look; the first that came count."""

_WRONG: Final = sa.text(
    """
    SELECT e.transaction_id, judged.invalid_code, judged.missing_property, judged.invalid_filter
    FROM events AS e
    LEFT JOIN billable_metrics AS m
        ON m.organization_id = e.organization_id AND m.code = e.code AND m.deleted_at IS NULL
    CROSS JOIN LATERAL (
        SELECT m.code IS NULL AS invalid_code,
               coalesce(
                   m.aggregation_type <> 'count_agg' AND (
                       e.properties ->> m.field_name IS NULL
                       OR (m.aggregation_type IN ('sum_agg', 'max_agg', 'weighted_sum_agg', 'latest_agg')
                           AND e.properties ->> m.field_name !~ '^-?[0-9]+(\\.[0-9]+)?$')
                   ), false
               ) AS missing_property,
               EXISTS (
                   SELECT FROM billable_metric_filters AS f
                   WHERE f.billable_metric_id = m.id AND f.deleted_at IS NULL
                     AND e.properties ->> f.key IS NOT NULL AND e.properties ->> f.key <> ALL (f."values")
               ) AS invalid_filter
    ) AS judged
    WHERE e.organization_id = :organization_id AND e.created_at >= :first AND e.created_at < :end
      AND e.deleted_at IS NULL AND (judged.invalid_code OR judged.missing_property OR judged.invalid_filter)
    ORDER BY e.created_at, e.sequence
    LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class WrongEvents:
    """Transaction ids, each once, in the order in which they came."""

    invalid_code: Sequence[str]
    missing_aggregation_property: Sequence[str]
    invalid_filter_values: Sequence[str]


async def wrong_events(work: UnitOfWork, first: datetime, end: datetime) -> WrongEvents | None:
    """What is wrong with the events received from `first` on and before `end`: a code that no metric has, a property
    that the metric reads and that is not there or no number, a value that the metric's filter does not list. None when
    nothing is. One statement."""
    found = await work.session.execute(
        _WRONG, {"organization_id": work.organization_id, "first": first, "end": end, "most": MOST_EVENTS}
    )
    rows = found.all()
    if not rows:
        return None
    return WrongEvents(
        list(dict.fromkeys(row.transaction_id for row in rows if row.invalid_code)),
        list(dict.fromkeys(row.transaction_id for row in rows if row.missing_property)),
        list(dict.fromkeys(row.transaction_id for row in rows if row.invalid_filter)),
    )
