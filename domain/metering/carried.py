"""The level a recurring weighted sum carries from one period into the next, kept when an invoice is made.

Source: handbook, metering 9.3. Rows stand in cached_aggregations, without an event: one for each group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.usage import Group
from infrastructure import exact_json

__all__ = ["CarriedKey", "KeptLevel", "carried_levels", "keep_levels"]


class CarriedKey(NamedTuple):
    """A bucket of a charge and the start of the window it carries into."""

    external_subscription_id: str
    charge_id: UUID
    filter_id: UUID | None
    from_: datetime
    group_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptLevel:
    """What an invoice leaves to the next period, for one group.

    timestamp: of the last event of the period, its start without one. level: the usage's total_aggregated_units.
    """

    external_subscription_id: str
    charge_id: UUID
    filter_id: UUID | None
    grouped_by: Mapping[str, str | None]
    timestamp: datetime
    level: Decimal


_LATEST = sa.text(
    """
    SELECT q.n, c.grouped_by, c.current_aggregation
    FROM jsonb_to_recordset(CAST(:keys AS jsonb)) AS q(
        n integer, subscription text, charge_id uuid, filter_id uuid, start timestamptz)
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (a.grouped_by) a.grouped_by, a.current_aggregation
        FROM cached_aggregations AS a
        WHERE a.external_subscription_id = q.subscription AND a.charge_id = q.charge_id
          AND a.charge_filter_id IS NOT DISTINCT FROM q.filter_id AND a.timestamp < q.start
          AND a.event_transaction_id IS NULL AND a.organization_id = CAST(:organization_id AS uuid)
        ORDER BY a.grouped_by, a.timestamp DESC, a.created_at DESC, a.id DESC
    ) AS c
    """
)
_KEEP = sa.text(
    """
    INSERT INTO cached_aggregations (id, organization_id, external_subscription_id, charge_id, charge_filter_id,
        grouped_by, current_aggregation, timestamp, created_at, updated_at)
    SELECT q.id, CAST(:organization_id AS uuid), q.subscription, q.charge_id, q.filter_id, q.grouped_by, q.level,
           q.at, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM jsonb_to_recordset(CAST(:levels AS jsonb)) AS q(
        id uuid, subscription text, charge_id uuid, filter_id uuid, grouped_by jsonb, level numeric, at timestamptz)
    WHERE NOT EXISTS (
        SELECT FROM cached_aggregations AS a
        WHERE a.external_subscription_id = q.subscription AND a.charge_id = q.charge_id
          AND a.charge_filter_id IS NOT DISTINCT FROM q.filter_id AND a.timestamp = q.at
          AND a.grouped_by = q.grouped_by AND a.event_transaction_id IS NULL
          AND a.organization_id = CAST(:organization_id AS uuid)
    )
    """
)


async def carried_levels(
    work: UnitOfWork, keys: Sequence[CarriedKey]
) -> dict[CarriedKey, tuple[tuple[Group, Decimal], ...]]:
    """The levels by group as of the latest invoice before each window, in one statement; no entry where none is kept.

    Levels of groups by other keys (the charge's were changed since) are passed over.
    """
    distinct = list(dict.fromkeys(keys))
    if not distinct:
        return {}
    document = [
        {
            "n": n,
            "subscription": key.external_subscription_id,
            "charge_id": key.charge_id,
            "filter_id": key.filter_id,
            "start": key.from_,
        }
        for n, key in enumerate(distinct)
    ]
    found: dict[CarriedKey, list[tuple[Group, Decimal]]] = defaultdict(list)
    rows = await work.session.execute(
        _LATEST, {"keys": exact_json.dump_text(document), "organization_id": work.organization_id}
    )
    for row in rows:
        key = distinct[row.n]
        if row.grouped_by.keys() == set(key.group_by):
            group = tuple(row.grouped_by[name] for name in key.group_by)
            found[key].append((group, Decimal(row.current_aggregation)))
    return {key: tuple(levels) for key, levels in found.items()}


async def keep_levels(work: UnitOfWork, levels: Sequence[KeptLevel]) -> None:
    """Keeps the levels for the next period, in one statement; one kept before for the same time is left as it is.

    The caller holds the lock on the subscriptions, so that two runs can't both find nothing.
    """
    if not levels:
        return
    document = [
        {
            "id": new_id(),
            "subscription": level.external_subscription_id,
            "charge_id": level.charge_id,
            "filter_id": level.filter_id,
            "grouped_by": dict(level.grouped_by),
            "level": level.level,
            "at": level.timestamp,
        }
        for level in levels
    ]
    await work.session.execute(
        _KEEP,
        {
            "levels": exact_json.dump_text(document),
            "organization_id": work.organization_id,
            "now": clock.now(),
        },
    )
