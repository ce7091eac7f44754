"""Credit notes of invoices that sold prepaid credits: the wallet gives up what is paid back.

Source: handbook, credits 3.2, 3.3 and 3.6.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.wallets.amounts import of_cents
from domain.credits.wallets.draw import Source
from domain.credits.wallets.ledger import Movement, drawn_from, fail, lock_wallets, record
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["TopUp", "fail_top_ups", "load_top_ups", "take_back"]

_TOP_UPS: Final = sa.text(
    """
    SELECT t.invoice_id, t.id, t.wallet_id, w.status = 'active' AS active, t.remaining_amount_cents, t.priority,
           t.created_at
    FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id
    WHERE t.invoice_id = ANY(:ids) AND t.transaction_status = 'purchased'
    """
)


@dataclass(frozen=True, slots=True)
class TopUp:
    """A purchase of credits. active: its wallet is. remaining_cents: what is left of it, None until it is settled."""

    id: UUID
    wallet_id: UUID
    active: bool
    remaining_cents: int | None
    priority: int
    created_at: datetime

    @property
    def left_cents(self) -> int:
        """What can be paid back of it."""
        return (self.remaining_cents or 0) if self.active else 0


async def load_top_ups(
    session: AsyncSession, invoice_ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, TopUp]:
    """The purchases of these invoices, by invoice. lock: their wallets stay locked until the commit, so that nothing
    of them is spent meanwhile. Two statements more then."""
    ids = list(invoice_ids)
    if not ids:
        return {}
    rows = (await session.execute(_TOP_UPS, {"ids": ids})).all()
    if lock and rows:
        await lock_wallets(session, wallet_ids={row.wallet_id for row in rows})
        rows = (await session.execute(_TOP_UPS, {"ids": ids})).all()
    return {invoice_id: TopUp(*values) for invoice_id, *values in rows}


async def take_back(work: UnitOfWork, refunds: Sequence[tuple[TopUp, UUID, int]]) -> None:
    """The wallets lose what these notes pay back, out of the very purchases: purchase, note and cents of each."""
    if not refunds:
        return
    wallets = {
        row.id: row
        for row in await lock_wallets(work.session, wallet_ids={top_up.wallet_id for top_up, _, _ in refunds})
    }
    movements = []
    for top_up, note_id, cents in refunds:
        wallet = wallets[top_up.wallet_id]
        source = Source(top_up.id, top_up.left_cents, top_up.priority, False, top_up.created_at)
        amounts = of_cents(cents, wallet.rate_amount, wallet.currency)
        movements.append(Movement(wallet.id, "voided", amounts, drawn_from([source], cents), credit_note_id=note_id))
    await record(work, movements)


async def fail_top_ups(work: UnitOfWork, top_ups: Sequence[TopUp]) -> None:
    """Purchases whose invoices were offset in full: nobody pays them, so no credits come."""
    if top_ups:
        await fail(work, [top_up.id for top_up in top_ups])
