"""Proving balances: every figure of a wallet is computed again from its movements. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["WalletDifference", "WalletsVerified", "verify_wallets"]


@dataclass(frozen=True, slots=True)
class WalletDifference:
    """The first figure of something that is not what its movements say. kind: wallet, transaction or invoice."""

    kind: str
    id: str
    what: str
    stored: str
    found: str


@dataclass(frozen=True, slots=True)
class WalletsVerified:
    """wallets, transactions: how many were looked at. differences: one at most of each thing."""

    wallets: int
    transactions: int
    differences: list[WalletDifference]


_WALLETS: Final = sa.text(
    """
    SELECT w.id, w.balance_cents, coalesce(t.cents, 0) AS cents, w.credits_balance, coalesce(t.credits, 0) AS credits,
           w.consumed_amount_cents, coalesce(t.consumed_cents, 0) AS consumed_cents, w.consumed_credits,
           coalesce(t.consumed, 0) AS consumed, coalesce(t.remaining, 0) AS remaining
    FROM wallets w
    LEFT JOIN LATERAL (
        SELECT sum(CASE transaction_type WHEN 'inbound' THEN amount_cents ELSE -amount_cents END) AS cents,
               sum(CASE transaction_type WHEN 'inbound' THEN credit_amount ELSE -credit_amount END) AS credits,
               sum(amount_cents * side) AS consumed_cents, sum(credit_amount * side) AS consumed,
               sum(remaining_amount_cents) AS remaining
        FROM (SELECT x.*, CASE WHEN x.transaction_type = 'outbound' THEN 1
                               WHEN x.voided_invoice_id IS NOT NULL THEN -1 ELSE 0 END AS side
              FROM wallet_transactions x WHERE x.wallet_id = w.id AND x.status = 'settled') moved
    ) t ON true
    ORDER BY w.id
    """
)
_WALLET_FIGURES: Final = (
    ("balance_cents", "balance_cents", "cents"),
    ("credits_balance", "credits_balance", "credits"),
    ("consumed_amount_cents", "consumed_amount_cents", "consumed_cents"),
    ("consumed_credits", "consumed_credits", "consumed"),
    ("remaining amounts of its movements", "balance_cents", "remaining"),
)
# What came in is what is left of it and what was taken from it; what went out was taken from somewhere.
_TRANSACTIONS: Final = sa.text(
    """
    SELECT t.id, t.transaction_type, t.amount_cents,
           coalesce(t.remaining_amount_cents, 0) + coalesce(c.cents, 0) AS found
    FROM wallet_transactions t
    LEFT JOIN LATERAL (
        SELECT sum(x.consumed_amount_cents) AS cents FROM wallet_consumptions x
        WHERE CASE t.transaction_type WHEN 'inbound' THEN x.inbound_wallet_transaction_id = t.id
                                      ELSE x.outbound_wallet_transaction_id = t.id END
    ) c ON true
    WHERE t.status = 'settled' AND t.amount_cents <> coalesce(t.remaining_amount_cents, 0) + coalesce(c.cents, 0)
    ORDER BY t.id
    """
)
_INVOICES: Final = sa.text(
    """
    SELECT i.id, i.prepaid_credit_amount_cents, coalesce(t.cents, 0) AS cents FROM invoices i
    LEFT JOIN LATERAL (
        SELECT sum(x.amount_cents) AS cents FROM wallet_transactions x
        WHERE x.invoice_id = i.id AND x.transaction_status = 'invoiced'
    ) t ON true
    WHERE i.prepaid_credit_amount_cents <> coalesce(t.cents, 0) ORDER BY i.id
    """
)
_COUNT: Final = sa.text("SELECT count(*) FROM wallet_transactions")


async def verify_wallets(work: UnitOfWork) -> WalletsVerified:
    """Computes all wallets of the organization again, of any status; the first difference of each.

    Balances are the sums of settled movements, what is left of the movements is the balance, every outbound cent was
    taken from an inbound one, and invoices were lowered by what wallets paid of them. Four statements.
    """
    session = work.session
    differences = []
    wallets = 0
    for row in await session.execute(_WALLETS):
        wallets += 1
        for what, stored, found in _WALLET_FIGURES:
            if getattr(row, stored) != getattr(row, found):
                values = (str(getattr(row, stored)), str(getattr(row, found)))
                differences.append(WalletDifference("wallet", str(row.id), what, *values))
                break
    for row in await session.execute(_TRANSACTIONS):
        what = "remaining and consumed" if row.transaction_type == "inbound" else "where it was taken from"
        differences.append(WalletDifference("transaction", str(row.id), what, str(row.amount_cents), str(row.found)))
    for row in await session.execute(_INVOICES):
        values = (str(row.prepaid_credit_amount_cents), str(row.cents))
        differences.append(WalletDifference("invoice", str(row.id), "prepaid_credit_amount_cents", *values))
    return WalletsVerified(wallets, await session.scalar(_COUNT) or 0, differences)
