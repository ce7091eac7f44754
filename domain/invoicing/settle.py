"""Payments and offsets as they stand on invoices. Every payment of an invoice passes through here.

The invoices are locked first, in the order of their ids, so that two payments at once see each other: the second one
knows what the first has left to pay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.invoicing.events import InvoicePaymentsRefused, InvoicePaymentStatusUpdated, OverdueInvoicesPaid
from domain.invoicing.models import Fee, Invoice
from domain.invoicing.payment_state import PaymentState
from domain.kernel import clock
from domain.kernel.changes import note_change
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = [
    "count_attempts", "lock_for_payment", "mark_ready", "refuse_payments", "set_payment_status", "settle", "state_of",
]  # fmt: skip

_invoices, _fees = table(Invoice), table(Fee)

_WRITE: Final = sa.text(
    """
    UPDATE invoices SET total_paid_amount_cents = row.paid, offset_amount_cents = row.offset,
                        payment_status = row.status, payment_overdue = row.overdue, updated_at = :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS row(id uuid, paid bigint, "offset" bigint, status text, overdue boolean)
    WHERE invoices.id = row.id
    """
)


def state_of(row: Any) -> PaymentState:
    """The payment state of an invoice's row."""
    return PaymentState(
        total=row.total_amount_cents,
        paid=row.total_paid_amount_cents,
        offset=row.offset_amount_cents,
        status=row.payment_status,
        overdue=row.payment_overdue,
    )


async def lock_for_payment(work: UnitOfWork, invoice_ids: Collection[UUID]) -> dict[UUID, sa.Row[Any]]:
    """The rows of these invoices, locked until the end of the transaction; one statement."""
    query = sa.select(*_invoices.c).where(_invoices.c.id.in_(invoice_ids)).order_by(_invoices.c.id).with_for_update()
    return {row.id: row for row in await work.session.execute(query)}


async def settle(
    work: UnitOfWork, *, paid: Mapping[UUID, int] | None = None, offset: Mapping[UUID, int] | None = None
) -> None:
    """Adds what was paid, and what credit notes on the invoice itself settled, in cents by invoice.

    The caller has checked that no more than what is due comes in, on the rows of `lock_for_payment`. Where nothing is
    due any more the invoice has succeeded, with its fees. Four statements, whatever the number of invoices.
    """
    paid, offset = paid or {}, offset or {}
    locked = await lock_for_payment(work, {*paid, *offset})
    changes = {
        invoice_id: state_of(row).after(paid=paid.get(invoice_id, 0), offset=offset.get(invoice_id, 0))
        for invoice_id, row in locked.items()
    }
    await _write(work, locked, changes)


async def set_payment_status(work: UnitOfWork, invoice_ids: Collection[UUID], status: str) -> None:
    """What the client says became of the payment; what was paid is not touched. Four statements."""
    locked = await lock_for_payment(work, invoice_ids)
    await _write(work, locked, {invoice_id: state_of(row).marked(status) for invoice_id, row in locked.items()})


async def refuse_payments(work: UnitOfWork, invoice_ids: Collection[UUID]) -> None:
    """A provider refused to pay these: they have failed, with their fees, and may be tried again. Those that were paid
    meanwhile stay so. Four statements."""
    locked = await lock_for_payment(work, invoice_ids)
    unpaid = {each: row for each, row in locked.items() if row.payment_status != "succeeded"}
    await _write(work, unpaid, {each: state_of(row).marked("failed") for each, row in unpaid.items()}, refused=True)
    await mark_ready(work, unpaid, True)


async def mark_ready(work: UnitOfWork, invoice_ids: Collection[UUID], ready: bool) -> None:
    """Whether payment may be asked for: not while a provider works on one. One statement."""
    i = _invoices.c
    await work.session.execute(
        sa.update(_invoices)
        .where(i.id.in_(invoice_ids), i.ready_for_payment_processing != ready)
        .values(ready_for_payment_processing=ready, updated_at=clock.now())
    )


async def count_attempts(work: UnitOfWork, invoice_ids: Collection[UUID]) -> None:
    """Once more a provider is asked for these. One statement."""
    i = _invoices.c
    await work.session.execute(
        sa.update(_invoices)
        .where(i.id.in_(invoice_ids))
        .values(payment_attempts=i.payment_attempts + 1, updated_at=clock.now())
    )


async def _write(
    work: UnitOfWork, before: Mapping[UUID, Any], after: Mapping[UUID, PaymentState], *, refused: bool = False
) -> None:
    if not after:
        return
    now = clock.now()
    rows = [
        {"id": each, "paid": state.paid, "offset": state.offset, "status": state.status, "overdue": state.overdue}
        for each, state in after.items()
    ]
    await work.session.execute(_WRITE, {"rows": exact_json.dump_text(rows), "now": now})
    for each, state in after.items():
        row = before[each]
        note_change(
            work.session,
            "invoices",
            each,
            {
                "payment_status": (row.payment_status, state.status),
                "total_paid_amount_cents": (row.total_paid_amount_cents, state.paid),
                "payment_overdue": (row.payment_overdue, state.overdue),
            },
        )
    changed = {each: state.status for each, state in after.items() if before[each].payment_status != state.status}
    for status in dict.fromkeys(changed.values()):
        await _mark_fees(work, [each for each, now_is in changed.items() if now_is == status], status)
    if changed:
        happened = InvoicePaymentsRefused if refused else InvoicePaymentStatusUpdated
        work.record(happened(tuple(changed)))
    paid_late = tuple(each for each, state in after.items() if before[each].payment_overdue and not state.overdue)
    if paid_late:
        work.record(OverdueInvoicesPaid(paid_late))


async def _mark_fees(work: UnitOfWork, invoice_ids: Collection[UUID], status: str) -> None:
    """Fees follow their invoice; when one succeeded or failed for the first time is kept."""
    values: dict[str, Any] = {"payment_status": status, "updated_at": clock.now()}
    if status != "pending":
        column = _fees.c[f"{status}_at"]
        values[column.name] = sa.func.coalesce(column, clock.now())
    await work.session.execute(sa.update(_fees).where(_fees.c.invoice_id.in_(invoice_ids)).values(**values))
