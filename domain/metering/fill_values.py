"""Filling in `events.value` when a metric is created or begins to read another property.

New events get their number while they are stored. An insert that looked at the metrics before the change was committed
may still be under way, so the fill first waits until no transaction older than itself is left; inserts take their
transaction number before they look. After that every event without the right number is visible, and one pass over the
organization's events, page by page in the order they came, writes what is missing. Until it is done sums read the raw
properties, which is exact and slower.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import structlog

from domain.catalog.models import BillableMetric
from domain.catalog.values_ready import mark_values_ready
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.postgres_store import number_of
from domain.metering.settled import SETTLED

__all__ = ["FILL_VALUES", "fill_values"]

log = structlog.get_logger(__name__)

FILL_VALUES: Final = "metering.fill_values"
PAGE: Final = 20_000
READS_NUMBERS: Final = frozenset({"sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"})
LONGEST_WAIT: Final = timedelta(seconds=60)
MOST_WAITS: Final = 1_000
MOST_WAITS_OF_A_SANDBOX: Final = 20

_m = table(BillableMetric).c

_FILL: Final = sa.text(
    f"""
    WITH page AS MATERIALIZED (
        SELECT id, code, created_at, sequence, properties ->> :field AS text FROM events
        WHERE organization_id = CAST(:organization_id AS uuid)
          AND (created_at, sequence) > (CAST(:created_at AS timestamptz), CAST(:sequence AS bigint))
        ORDER BY created_at, sequence
        LIMIT {PAGE}
    ), numbers AS MATERIALIZED (
        SELECT id, {number_of("text")} AS number FROM page WHERE code = :code
    ), filled AS (
        UPDATE events AS e SET value = n.number FROM numbers AS n
        WHERE e.organization_id = CAST(:organization_id AS uuid) AND e.id = n.id
          AND e.value IS DISTINCT FROM n.number
    )
    SELECT created_at::text AS created_at, sequence, (SELECT count(*) FROM page) AS seen FROM page
    ORDER BY page.created_at DESC, page.sequence DESC LIMIT 1
    """  # noqa: S608
)


async def fill_values(
    work: UnitOfWork,
    metric_id: UUID | str,
    horizon: str | None = None,
    waits: int = 0,
    after: dict[str, Any] | None = None,
    reads: list[str] | None = None,
) -> None:
    """One step: waits, fills one page and asks for the next step, or marks the metric ready.

    metric_id: the metric; called with nothing else when it was created or what it reads was changed. The other
    arguments are those of a step that continues. A metric deleted or changed meanwhile ends the chain.
    """
    metric_id = UUID(str(metric_id))
    row = (
        await work.session.execute(
            sa.select(_m.code, _m.aggregation_type, _m.field_name).where(
                _m.organization_id == work.organization_id, _m.id == metric_id, _m.deleted_at.is_(None)
            )
        )
    ).one_or_none()
    if row is None or (reads is not None and reads != [row.aggregation_type, row.field_name]):
        return
    if row.aggregation_type not in READS_NUMBERS:
        await mark_values_ready(work, metric_id, row.aggregation_type, row.field_name)
        return

    step: dict[str, Any] = {"metric_id": str(metric_id), "reads": [row.aggregation_type, row.field_name]}
    if after is None:
        horizon, settled = (await work.session.execute(SETTLED, {"horizon": horizon})).one()
        if not settled:
            _wait(work, {**step, "horizon": horizon, "waits": waits + 1}, waits)
            return

    start = after or {"created_at": "-infinity", "sequence": -1}
    last = (
        await work.session.execute(
            _FILL,
            {
                "field": row.field_name,
                "code": row.code,
                "organization_id": str(work.organization_id),
                "created_at": start["created_at"],
                "sequence": start["sequence"],
            },
        )
    ).one_or_none()
    if last is None or last.seen < PAGE:
        await mark_values_ready(work, metric_id, row.aggregation_type, row.field_name)
        return
    after = {"created_at": last.created_at, "sequence": last.sequence}
    work.enqueue(JobRequest(FILL_VALUES, {**step, "after": after}))


def _wait(work: UnitOfWork, arguments: dict[str, Any], waits: int) -> None:
    if waits >= (MOST_WAITS_OF_A_SANDBOX if clock.frozen() else MOST_WAITS):
        log.warning("a metric's values stay unfilled: an old transaction does not end", metric=arguments["metric_id"])
        return
    delay = min(timedelta(seconds=2 ** min(waits, 10)), LONGEST_WAIT)
    work.enqueue(JobRequest(FILL_VALUES, arguments, delay=delay))
