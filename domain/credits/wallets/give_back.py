"""What wallets had paid of an invoice that is voided is given back. Source: handbook, credits 5.4."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.wallets.amounts import Amounts
from domain.credits.wallets.ledger import Movement, lock_wallets, record
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["give_back"]

_WALLETS: Final = sa.text(
    "SELECT DISTINCT wallet_id FROM wallet_transactions"
    " WHERE invoice_id = ANY(:ids) AND transaction_status = 'invoiced'"
)
_PAID: Final = sa.text(
    """
    SELECT t.wallet_id, t.invoice_id, t.amount_cents, t.credit_amount FROM wallet_transactions t
    JOIN wallets w ON w.id = t.wallet_id AND w.status = 'active'
    WHERE t.invoice_id = ANY(:ids) AND t.transaction_status = 'invoiced' AND NOT EXISTS (
        SELECT FROM wallet_transactions back
        WHERE back.voided_invoice_id = t.invoice_id AND back.wallet_id = t.wallet_id)
    ORDER BY t.id
    """
)


async def give_back(work: UnitOfWork, invoice_ids: Collection[UUID]) -> None:
    """Grants again what these invoices had taken, wallet by wallet; wallets that ended are passed over, and what was
    given back before is not given twice. Always a grant, even where the money had been bought."""
    session, ids = work.session, list(invoice_ids)
    wallets = (await session.scalars(_WALLETS, {"ids": ids})).all()
    if not wallets:
        return
    await lock_wallets(session, wallet_ids=wallets)
    await record(
        work,
        [
            Movement(
                row.wallet_id, "granted", Amounts(row.amount_cents, row.credit_amount), voided_invoice_id=row.invoice_id
            )
            for row in await session.execute(_PAID, {"ids": ids})
        ],
    )
