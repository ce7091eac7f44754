"""The one way in which money moves: a row for every movement, and balances changed in the same transaction.

Whoever moves money locks the wallets first (`lock_wallets`), in the order of their ids, and keeps them until the
commit: what two see at once they see one after the other. Statements take lists; their number does not depend on how
many movements are written. Source: handbook, credits 5.1 to 5.4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.wallets.amounts import Amounts
from domain.credits.wallets.draw import Source, draw
from domain.credits.wallets.events import (
    WalletBalancesChanged,
    WalletTransactionsCreated,
    WalletTransactionsUpdated,
)
from domain.credits.wallets.sections import NO_SECTIONS, Kept
from domain.kernel import clock
from domain.kernel.changes import note_change
from domain.kernel.ids import new_id
from domain.kernel.money import ZERO
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["Drawn", "Movement", "drawn_from", "fail", "load_sources", "lock_wallets", "record", "settle"]

WalletRow = sa.Row[Any]

# Ordered, so that two transactions never wait for each other in a circle.
_LOCK: Final = sa.text(
    """
    SELECT w.*, ARRAY(SELECT t.billable_metric_id FROM wallet_targets t WHERE t.wallet_id = w.id) AS metric_ids,
           coalesce(w.billing_entity_id,
                    (SELECT c.billing_entity_id FROM customers c WHERE c.id = w.customer_id)) AS issuer_id
    FROM wallets w WHERE w.id = ANY(:wallet_ids) OR (w.customer_id = ANY(:customer_ids) AND w.status = 'active')
    ORDER BY w.id FOR NO KEY UPDATE OF w
    """
)
_SOURCES: Final = sa.text(
    """
    SELECT id, wallet_id, remaining_amount_cents, priority, transaction_status, created_at FROM wallet_transactions
    WHERE wallet_id = ANY(:wallet_ids) AND remaining_amount_cents > 0
    """
)
_INSERT: Final = sa.text(
    """
    INSERT INTO wallet_transactions (
        id, organization_id, wallet_id, billing_entity_id, invoice_id, voided_invoice_id, credit_note_id,
        transaction_type, transaction_status, status, source, amount_cents, credit_amount, remaining_amount_cents,
        priority, name, transaction_metadata, invoice_requires_successful_payment, payment_method_type,
        payment_method_id, purchase_order_number, skip_invoice_custom_sections, interval_on, settled_at, created_at,
        updated_at)
    SELECT id, CAST(:organization_id AS uuid), wallet_id, billing_entity_id, invoice_id, voided_invoice_id,
           credit_note_id, transaction_type, transaction_status, status, source, amount_cents, credit_amount,
           remaining_amount_cents, priority, name, transaction_metadata, invoice_requires_successful_payment,
           payment_method_type, payment_method_id, purchase_order_number, skip_invoice_custom_sections, interval_on,
           settled_at, :now, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(
        id uuid, wallet_id uuid, billing_entity_id uuid, invoice_id uuid, voided_invoice_id uuid, credit_note_id uuid,
        transaction_type text, transaction_status text, status text, source text, amount_cents bigint,
        credit_amount numeric, remaining_amount_cents bigint, priority integer, name text, transaction_metadata jsonb,
        invoice_requires_successful_payment boolean, payment_method_type text, payment_method_id uuid,
        purchase_order_number text, skip_invoice_custom_sections boolean, interval_on date, settled_at timestamptz)
    """
)
_SECTIONS: Final = sa.text(
    """
    INSERT INTO wallet_transaction_custom_sections (id, organization_id, wallet_transaction_id, section_id, created_at,
                                                    updated_at)
    SELECT id, CAST(:organization_id AS uuid), transaction_id, section_id, :now, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id uuid, transaction_id uuid, section_id uuid)
    """
)
_CONSUME: Final = sa.text(
    """
    WITH row AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS row(id uuid, inbound_id uuid, outbound_id uuid, cents bigint)
    ), taken AS (
        UPDATE wallet_transactions t SET remaining_amount_cents = t.remaining_amount_cents - s.cents, updated_at = :now
        FROM (SELECT inbound_id, sum(cents) AS cents FROM row GROUP BY inbound_id) s WHERE t.id = s.inbound_id
    )
    INSERT INTO wallet_consumptions (id, organization_id, inbound_wallet_transaction_id, outbound_wallet_transaction_id,
                                     consumed_amount_cents, created_at, updated_at)
    SELECT id, CAST(:organization_id AS uuid), inbound_id, outbound_id, cents, :now, :now FROM row
    """
)
_BALANCES: Final = sa.text(
    """
    UPDATE wallets w SET
        balance_cents = w.balance_cents + d.cents, credits_balance = w.credits_balance + d.credits,
        consumed_amount_cents = greatest(w.consumed_amount_cents + d.consumed_cents, 0),
        consumed_credits = greatest(w.consumed_credits + d.consumed_credits, 0),
        ongoing_balance_cents = w.ongoing_balance_cents + d.ongoing_cents,
        credits_ongoing_balance = w.credits_ongoing_balance + d.ongoing_credits,
        last_balance_sync_at = :now,
        last_consumed_credit_at = CASE WHEN d.consumes THEN :now ELSE w.last_consumed_credit_at END, updated_at = :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS d(
        wallet_id uuid, cents bigint, credits numeric, consumed_cents bigint, consumed_credits numeric,
        ongoing_cents bigint, ongoing_credits numeric, consumes boolean)
    WHERE w.id = d.wallet_id
    """
)
_SETTLE: Final = sa.text(
    """
    UPDATE wallet_transactions t SET status = 'settled', settled_at = :now, failed_at = NULL,
        remaining_amount_cents = t.amount_cents, updated_at = :now
    FROM wallet_transactions before
    WHERE t.id = ANY(:ids) AND t.transaction_type = 'inbound' AND t.status IN ('pending', 'failed')
      AND before.id = t.id
    RETURNING t.id, t.wallet_id, t.amount_cents, t.credit_amount, before.status
    """
)
_FAIL: Final = sa.text(
    """
    UPDATE wallet_transactions SET status = 'failed', failed_at = :now, updated_at = :now
    WHERE id = ANY(:ids) AND status = 'pending' RETURNING id
    """
)
_WALLETS_OF: Final = sa.text("SELECT DISTINCT wallet_id FROM wallet_transactions WHERE id = ANY(:ids)")


Drawn = Sequence[tuple[Source, int]]


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement to be written. kind: purchased or granted comes in, invoiced or voided goes out.

    A purchase waits for its payment, all else is settled at once. drawn: what an outbound one takes from where.
    """

    wallet_id: UUID
    kind: str
    amounts: Amounts
    drawn: Drawn = ()
    source: str = "manual"
    priority: int = 50
    name: str | None = None
    metadata: Sequence[Mapping[str, str]] = ()
    invoice_id: UUID | None = None
    voided_invoice_id: UUID | None = None
    credit_note_id: UUID | None = None
    billing_entity_id: UUID | None = None
    requires_payment: bool = False
    payment_method_type: str = "provider"
    payment_method_id: UUID | None = None
    purchase_order_number: str | None = None
    sections: Kept = NO_SECTIONS
    interval_on: date | None = None
    id: UUID = field(default_factory=new_id)

    @property
    def inbound(self) -> bool:
        return self.kind in ("purchased", "granted")

    @property
    def settled(self) -> bool:
        return self.kind != "purchased"


async def lock_wallets(
    session: AsyncSession, *, wallet_ids: Collection[UUID] = (), customer_ids: Collection[UUID] = ()
) -> list[WalletRow]:
    """These wallets and the active ones of these customers, locked until the commit; with `metric_ids`, and
    `issuer_id`: the billing entity as it is now, the wallet's, else the customer's."""
    rows = await session.execute(_LOCK, {"wallet_ids": list(wallet_ids), "customer_ids": list(customer_ids)})
    return list(rows.all())


async def load_sources(session: AsyncSession, wallet_ids: Collection[UUID]) -> dict[UUID, list[Source]]:
    """What each wallet still holds, by inbound movement. The wallets are locked."""
    found: dict[UUID, list[Source]] = defaultdict(list)
    if wallet_ids:
        for row in await session.execute(_SOURCES, {"wallet_ids": list(wallet_ids)}):
            granted = row.transaction_status == "granted"
            source = Source(row.id, row.remaining_amount_cents, row.priority, granted, row.created_at)
            found[row.wallet_id].append(source)
    return found


def drawn_from(sources: Iterable[Source], cents: int) -> Drawn:
    """As `draw`: takes an amount and lowers the sources. Raises NotEnough."""
    return draw(sources, cents)


async def record(work: UnitOfWork, movements: Sequence[Movement]) -> None:
    """Writes movements and changes the balances of their wallets, which are locked. Four statements at most."""
    if not movements:
        return
    now = clock.now()
    tenant = {"organization_id": work.organization_id, "now": now}
    for each in movements:
        assert each.inbound or sum(cents for _, cents in each.drawn) == each.amounts.cents, (
            "all is drawn from somewhere"
        )
    rows = exact_json.dump_text([_row(each) for each in movements])
    await work.session.execute(_INSERT, {"rows": rows, **tenant})
    consumed = [
        {"id": new_id(), "inbound_id": source.id, "outbound_id": each.id, "cents": cents}
        for each in movements
        for source, cents in each.drawn
    ]
    if consumed:
        await work.session.execute(_CONSUME, {"rows": exact_json.dump_text(consumed), **tenant})
    selected = [
        {"id": new_id(), "transaction_id": each.id, "section_id": section_id}
        for each in movements
        for section_id in each.sections.ids
    ]
    if selected:
        await work.session.execute(_SECTIONS, {"rows": exact_json.dump_text(selected), **tenant})
    work.record(WalletTransactionsCreated(tuple(each.id for each in movements)))
    await _change(work, [_delta(each) for each in movements if each.settled])


async def settle(work: UnitOfWork, transaction_ids: Sequence[UUID]) -> list[UUID]:
    """Purchases that were paid: their money is there from now on. What is settled already stays; the ids of the others.

    A purchase whose payment had failed is settled as well. Three statements.
    """
    await _lock_of(work, transaction_ids)
    found = (await work.session.execute(_SETTLE, {"ids": list(transaction_ids), "now": clock.now()})).all()
    deltas = [_Delta(row.wallet_id, row.amount_cents, row.credit_amount) for row in found]
    ids = [row.id for row in found]
    for row in found:
        note_change(work.session, "wallet_transactions", row.id, {"status": (row.status, "settled")})
    if ids:
        work.record(WalletTransactionsUpdated(tuple(ids)))
    await _change(work, deltas)
    return ids


async def fail(work: UnitOfWork, transaction_ids: Sequence[UUID]) -> list[UUID]:
    """Purchases whose payment failed; what was settled stays so. The ids of those that failed now."""
    await _lock_of(work, transaction_ids)
    ids = list((await work.session.scalars(_FAIL, {"ids": list(transaction_ids), "now": clock.now()})).all())
    for each in ids:
        note_change(work.session, "wallet_transactions", each, {"status": ("pending", "failed")})
    if ids:
        work.record(WalletTransactionsUpdated(tuple(ids)))
    return ids


async def _lock_of(work: UnitOfWork, transaction_ids: Sequence[UUID]) -> None:
    wallets = (await work.session.scalars(_WALLETS_OF, {"ids": list(transaction_ids)})).all()
    await lock_wallets(work.session, wallet_ids=wallets)


@dataclass(slots=True)
class _Delta:
    """Changes of one wallet. What an invoice takes had been charged to the ongoing balance as usage before."""

    wallet_id: UUID
    cents: int
    credits: Decimal
    consumed_cents: int = 0
    consumed_credits: Decimal = ZERO
    in_ongoing: bool = True
    consumes: bool = False


def _delta(each: Movement) -> _Delta:
    cents, worth = each.amounts.cents, each.amounts.credits
    if not each.inbound:
        return _Delta(each.wallet_id, -cents, -worth, cents, worth, each.kind != "invoiced", consumes=True)
    if each.voided_invoice_id is not None:
        return _Delta(each.wallet_id, cents, worth, -cents, -worth)
    return _Delta(each.wallet_id, cents, worth)


async def _change(work: UnitOfWork, deltas: Sequence[_Delta]) -> None:
    if not deltas:
        return
    sums: dict[UUID, dict[str, Any]] = {}
    for each in deltas:
        row = sums.setdefault(
            each.wallet_id,
            {
                "wallet_id": each.wallet_id,
                "cents": 0,
                "credits": ZERO,
                "consumed_cents": 0,
                "consumed_credits": ZERO,
                "ongoing_cents": 0,
                "ongoing_credits": ZERO,
                "consumes": False,
            },
        )
        row["cents"] += each.cents
        row["credits"] += each.credits
        row["consumed_cents"] += each.consumed_cents
        row["consumed_credits"] += each.consumed_credits
        row["consumes"] |= each.consumes
        if each.in_ongoing:
            row["ongoing_cents"] += each.cents
            row["ongoing_credits"] += each.credits
    await work.session.execute(_BALANCES, {"rows": exact_json.dump_text(list(sums.values())), "now": clock.now()})
    work.record(WalletBalancesChanged(tuple(sums)))


def _row(each: Movement) -> dict[str, Any]:
    return {
        "id": each.id,
        "wallet_id": each.wallet_id,
        "billing_entity_id": each.billing_entity_id,
        "invoice_id": each.invoice_id,
        "voided_invoice_id": each.voided_invoice_id,
        "credit_note_id": each.credit_note_id,
        "transaction_type": "inbound" if each.inbound else "outbound",
        "transaction_status": each.kind,
        "status": "settled" if each.settled else "pending",
        "source": each.source,
        "amount_cents": each.amounts.cents,
        "credit_amount": each.amounts.credits,
        "remaining_amount_cents": each.amounts.cents if each.kind == "granted" else None,
        "priority": each.priority,
        "name": each.name,
        "transaction_metadata": list(each.metadata),
        "invoice_requires_successful_payment": each.requires_payment,
        "payment_method_type": each.payment_method_type,
        "payment_method_id": each.payment_method_id,
        "purchase_order_number": each.purchase_order_number,
        "skip_invoice_custom_sections": each.sections.skips,
        "interval_on": each.interval_on,
        "settled_at": clock.now() if each.settled else None,
    }
