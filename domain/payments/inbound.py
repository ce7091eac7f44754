"""What payment providers tell us: taken once, kept as it came, worked through by a job.

Source: handbook, credits 10.3 and platform 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.retention import cleaning
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import storable
from domain.payments.events import InboundWebhooksStored
from domain.payments.providers.connections import ProviderUnclear, connection_of, connection_row, find_provider
from domain.payments.providers.gateway import Connection, SignatureRefused
from domain.payments.providers.gateways import gateway_of
from domain.payments.providers.models import CONNECTED_TYPES
from domain.payments.providers.news_models import InboundWebhook
from infrastructure import exact_json

__all__ = ["Inbound", "clean_inbound", "finish_inbound", "open_inbound", "retry_inbound", "store_inbound"]

STUCK_AFTER: Final = timedelta(hours=2)
KEPT: Final = timedelta(days=90)
BATCH: Final = 1_000
LONGEST_NAME: Final = 255

_inbound = table(InboundWebhook)
clean_inbound = cleaning(InboundWebhook, "updated_at", KEPT, lambda: clock.wall())


@dataclass(frozen=True, slots=True)
class Inbound:
    """An event to be worked through, and the connection that it came by."""

    id: UUID
    connection: Connection
    event: Mapping[str, Any]


async def store_inbound(
    work: UnitOfWork, source: str, code: str | None, body: bytes, headers: Mapping[str, str]
) -> bool:
    """Keeps what a provider posted, if it signed it; whether it was news.

    Raises SignatureRefused, also where the organization has no such provider.
    """
    if source not in CONNECTED_TYPES or (code is not None and not storable(code)):
        raise SignatureRefused("no such provider")
    try:
        connection = connection_of(await find_provider(work.session, source, code))
    except ProviderUnclear as unclear:
        raise SignatureRefused(unclear.code) from unclear
    event = gateway_of(connection).verify(body, headers)
    text = body.decode()
    if not storable(text) or max(len(event["id"]), len(event["type"])) > LONGEST_NAME:
        raise SignatureRefused("not an event")
    now = clock.wall()
    row = {
        "id": new_id(),
        "organization_id": work.organization_id,
        "payment_provider_id": connection.id,
        "source": source,
        "code": code,
        "event_id": event["id"],
        "event_type": event["type"],
        "payload": text,
        "signature": (headers.get("stripe-signature") or "")[:1_000] or None,
        "status": "pending",
        "created_at": now,
        "updated_at": now,
    }
    stored = await work.session.scalar(insert(_inbound).values(row).on_conflict_do_nothing().returning(_inbound.c.id))
    if stored is not None:
        work.record(InboundWebhooksStored((stored,)))
    return stored is not None


async def open_inbound(work: UnitOfWork, inbound_id: UUID) -> Inbound | None:
    """An event that is still to be worked through, marked as being so; None when it was, or when its connection is
    gone."""
    row = await work.session.get(InboundWebhook, inbound_id, with_for_update=True)
    if row is None or row.status in ("succeeded", "failed"):
        return None
    connection = await connection_row(work.session, row.payment_provider_id)
    now = clock.wall()
    row.status, row.processing_at, row.updated_at = "processing" if connection else "failed", now, now
    await work.session.flush()
    return None if connection is None else Inbound(row.id, connection, exact_json.load(row.payload.encode()))


async def finish_inbound(work: UnitOfWork, inbound_id: UUID, status: str) -> None:
    """Notes how it ended: succeeded or failed."""
    await work.session.execute(
        sa.update(_inbound).where(_inbound.c.id == inbound_id).values(status=status, updated_at=clock.wall())
    )


async def retry_inbound(work: UnitOfWork) -> int:
    """Has those worked through again that nobody has touched for two hours; how many."""
    i, before = _inbound.c, clock.wall() - STUCK_AFTER
    stuck = sa.or_(
        sa.and_(i.status == "pending", i.created_at <= before),
        sa.and_(i.status == "processing", i.processing_at <= before),
    )
    ids = (await work.session.scalars(sa.select(i.id).where(stuck).order_by(i.created_at, i.id).limit(BATCH))).all()
    if ids:
        work.record(InboundWebhooksStored(tuple(ids)))
    return len(ids)
