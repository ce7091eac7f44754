"""Which usage thresholds were billed: the guard that none is billed twice, and the thresholds on an invoice.

Source: handbook, metering 18.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel import clock
from domain.kernel.format import instant
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = [
    "Crossing",
    "applied_threshold_payload",
    "applied_thresholds_by_ids",
    "apply_thresholds",
    "claim_crossings",
    "thresholds_of_invoices",
]

RowOf = sa.Row[Any]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Thresholds that a subscription has passed at once. thresholds: their ids, the last one last. Amounts in cents;
    invoiced_cents: what was billed before; lifetime_cents: all usage."""

    subscription_id: UUID
    external_subscription_id: str
    thresholds: tuple[UUID, ...]
    last_amount_cents: int
    invoiced_cents: int
    lifetime_cents: int


_CLAIM: Final = sa.text(
    """
    INSERT INTO progressive_billings (id, organization_id, external_subscription_id, invoiced_usage_amount_cents,
                                      threshold_amount_cents, created_at, updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.external_id, row.invoiced, row.threshold,
           CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, external_id text, invoiced bigint, threshold bigint)
    ON CONFLICT DO NOTHING RETURNING external_subscription_id
    """
)
_APPLY: Final = sa.text(
    """
    INSERT INTO applied_usage_thresholds (id, organization_id, invoice_id, usage_threshold_id,
                                          lifetime_usage_amount_cents, created_at, updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.invoice_id, row.threshold_id, row.lifetime,
           CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, invoice_id uuid, threshold_id uuid, lifetime bigint)
    """
)
_COLUMNS: Final = """
    SELECT a.id, a.invoice_id, a.lifetime_usage_amount_cents, a.created_at, t.id AS threshold_id, t.amount_cents,
           t.recurring, t.threshold_display_name, t.created_at AS threshold_created_at,
           t.updated_at AS threshold_updated_at, x.subscription_id
    FROM applied_usage_thresholds a
    JOIN usage_thresholds t ON t.id = a.usage_threshold_id
    JOIN invoice_subscriptions x ON x.invoice_id = a.invoice_id
"""
_OF_INVOICES: Final = sa.text(
    f"{_COLUMNS} WHERE a.invoice_id = ANY(:ids) ORDER BY a.invoice_id, t.recurring, t.amount_cents, a.id"
)
_BY_IDS: Final = sa.text(f"{_COLUMNS} WHERE a.id = ANY(:ids)")


async def claim_crossings(work: UnitOfWork, crossings: Sequence[Crossing]) -> list[Crossing]:
    """Those of the crossings that have not been billed before; nobody else gets them. One statement."""
    rows = [
        {
            "id": new_id(),
            "external_id": each.external_subscription_id,
            "invoiced": each.invoiced_cents,
            "threshold": each.last_amount_cents,
        }
        for each in crossings
    ]
    values = {"organization_id": work.organization_id, "now": clock.now(), "rows": exact_json.dump_text(rows)}
    claimed = set((await work.session.execute(_CLAIM, values)).scalars())
    return [each for each in crossings if each.external_subscription_id in claimed]


async def apply_thresholds(work: UnitOfWork, crossings: Sequence[tuple[UUID, Crossing]]) -> list[UUID]:
    """Writes which thresholds each invoice was made for; the ids of the rows, in order. One statement."""
    rows = [
        {"id": new_id(), "invoice_id": invoice_id, "threshold_id": threshold, "lifetime": each.lifetime_cents}
        for invoice_id, each in crossings
        for threshold in each.thresholds
    ]
    values = {"organization_id": work.organization_id, "now": clock.now(), "rows": exact_json.dump_text(rows)}
    await work.session.execute(_APPLY, values)
    return [UUID(str(row["id"])) for row in rows]


async def thresholds_of_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[RowOf]]:
    """The thresholds that each invoice was made for, by amount; one statement."""
    found: dict[UUID, list[RowOf]] = defaultdict(list)
    if invoice_ids:
        for row in await session.execute(_OF_INVOICES, {"ids": list(invoice_ids)}):
            found[row.invoice_id].append(row)
    return found


async def applied_thresholds_by_ids(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, RowOf]:
    """Applied thresholds by their ids, with `subscription_id`; one statement."""
    return {row.id: row for row in await session.execute(_BY_IDS, {"ids": list(ids)})}


def applied_threshold_payload(row: RowOf) -> dict[str, Any]:
    """An applied threshold as invoices show it."""
    return {
        "lifetime_usage_amount_cents": row.lifetime_usage_amount_cents,
        "created_at": instant(row.created_at),
        "usage_threshold": {
            "lago_id": row.threshold_id,
            "threshold_display_name": row.threshold_display_name,
            "amount_cents": row.amount_cents,
            "recurring": row.recurring,
            "created_at": instant(row.threshold_created_at),
            "updated_at": instant(row.threshold_updated_at),
        },
    }
