"""Paying invoices with prepaid credits, for many invoices at once. Source: handbook, credits 5.2 and 5.3.

    wallets = await open_purses(session, customer_ids)
    spending = wallets.pay(customer_id, currency, fees, total_cents)     # one invoice after the other
    await record_spendings(work, {invoice_id: spending})                 # once the invoices are written

Two statements open the wallets of any number of customers, one where none has a wallet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.wallets.allocation import Bucket, Purse, allocate, buckets_of
from domain.credits.wallets.amounts import of_cents
from domain.credits.wallets.draw import Source
from domain.credits.wallets.ledger import Drawn, Movement, drawn_from, load_sources, lock_wallets, record
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["UNPAID", "Purses", "Spending", "open_purses", "peek_purses", "record_spendings"]

# What a preview reads: the same rows, without a lock.
_READ: Final = sa.text(
    """
    SELECT w.*, ARRAY(SELECT t.billable_metric_id FROM wallet_targets t WHERE t.wallet_id = w.id) AS metric_ids
    FROM wallets w WHERE w.customer_id = ANY(:customer_ids) AND w.status = 'active' AND w.balance_cents > 0
    """
)


@dataclass(frozen=True, slots=True)
class Spending:
    """What wallets pay of one invoice: (wallet row, cents, where from). granted and purchased: its parts, in cents."""

    parts: Sequence[tuple[Any, int, Drawn]] = ()

    @property
    def cents(self) -> int:
        return sum(cents for _, cents, _ in self.parts)

    @property
    def granted_cents(self) -> int:
        return self._of(granted=True)

    @property
    def purchased_cents(self) -> int:
        return self._of(granted=False)

    def _of(self, *, granted: bool) -> int:
        return sum(cents for _, _, drawn in self.parts for source, cents in drawn if source.granted is granted)


UNPAID: Final = Spending()


@dataclass(slots=True)
class Purses:
    """The wallets of some customers, in the order in which they are spent; they run dry as they pay."""

    rows: Mapping[UUID, Any] = field(default_factory=dict)
    by_owner: Mapping[tuple[UUID, str], Sequence[Purse]] = field(default_factory=dict)
    sources: Mapping[UUID, Sequence[Source]] = field(default_factory=dict)

    def pay(
        self, customer_id: UUID, currency: str, fees: Iterable[tuple[Bucket, Decimal]], total_cents: int
    ) -> Spending:
        """What the customer's wallets pay of one more invoice. fees: as of `buckets_of`."""
        purses = self.by_owner.get((customer_id, currency))
        if not purses or total_cents <= 0:
            return UNPAID
        paid = allocate(buckets_of(fees, total_cents), total_cents, purses)
        return Spending([(self.rows[wallet], cents, self._draw(wallet, cents)) for wallet, cents in _by_id(paid)])

    def _draw(self, wallet_id: UUID, cents: int) -> Drawn:
        return drawn_from(self.sources.get(wallet_id, ()), cents)


def _by_id(paid: Iterable[tuple[Purse, int]]) -> Iterable[tuple[UUID, int]]:
    for purse, cents in paid:
        assert isinstance(purse.id, UUID), "a stored wallet"
        yield purse.id, cents


async def open_purses(session: AsyncSession, customer_ids: Collection[UUID]) -> Purses:
    """The active wallets of these customers that hold something, locked until the commit."""
    return await _purses(session, await lock_wallets(session, customer_ids=customer_ids))


async def peek_purses(session: AsyncSession, customer_ids: Collection[UUID]) -> Purses:
    """As `open_purses`, for an invoice that is only shown: nothing is locked."""
    return await _purses(session, (await session.execute(_READ, {"customer_ids": list(customer_ids)})).all())


async def _purses(session: AsyncSession, rows: Sequence[Any]) -> Purses:
    filled = sorted(
        (row for row in rows if row.balance_cents > 0), key=lambda row: (row.priority, row.created_at, row.id)
    )
    by_owner: dict[tuple[UUID, str], list[Purse]] = defaultdict(list)
    for row in filled:
        by_owner[row.customer_id, row.currency].append(
            Purse(row.id, row.code, row.balance_cents, frozenset(row.allowed_fee_types), frozenset(row.metric_ids))
        )
    sources = await load_sources(session, [row.id for row in filled])
    return Purses({row.id: row for row in filled}, by_owner, sources)


async def record_spendings(work: UnitOfWork, spendings: Mapping[UUID, Spending]) -> None:
    """Writes what wallets pay, by invoice; the invoices are written. Never twice: an invoice takes from a wallet once,
    which the database holds to. Three statements at most."""
    movements = [
        Movement(row.id, "invoiced", of_cents(cents, row.rate_amount, row.currency), drawn, invoice_id=invoice_id)
        for invoice_id, spending in spendings.items()
        for row, cents, drawn in spending.parts
    ]
    await record(work, movements)
