"""The customer's proof of a payment. Source: handbook, credits 8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.customers.receipt_numbers import take_receipt_numbers
from domain.customers.reminders import lock_customers
from domain.invoicing.models import Invoice
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.events import PaymentReceiptsCreated
from domain.payments.models import Payment, PaymentReceipt, PaymentRequestInvoice

__all__ = ["make_receipts", "receipt_number"]

_payments, _receipts = table(Payment), table(PaymentReceipt)
_customers, _invoices, _of_requests = table(Customer), table(Invoice), table(PaymentRequestInvoice)


def receipt_number(customer_slug: str, sequential_id: int) -> str:
    """`ACM-1234-001-RCPT-000007`: the seventh receipt of a customer."""
    return f"{customer_slug}-RCPT-{sequential_id:06d}"


async def make_receipts(work: UnitOfWork, payment_ids: Collection[UUID]) -> list[UUID]:
    """A receipt for each of these payments that has succeeded and has none; the ids of the receipts.

    Partners issue the invoices themselves and get none. The customers are locked while numbers are given, so that a
    second run beside this one finds the receipts made; a unique key holds even so. Five statements.
    """
    p, i, r = _payments.c, _invoices.c, _of_requests.c
    # All invoices of a request are of one billing entity.
    of_request = sa.select(r.invoice_id).where(r.payment_request_id == p.payment_request_id).limit(1)
    query = (
        sa.select(p.id, p.customer_id, i.billing_entity_id, _customers.c.slug)
        .join(_customers, _customers.c.id == p.customer_id)
        .join(_invoices, i.id == sa.func.coalesce(p.invoice_id, of_request.scalar_subquery()))
        .where(p.id.in_(payment_ids), p.payable_payment_status == "succeeded")
        .where(_customers.c.account_type != "partner")
        .order_by(p.created_at, p.id)
    )
    payments = (await work.session.execute(query)).all()
    if not payments:
        return []
    await lock_customers(work, {row.customer_id for row in payments})
    made = sa.select(_receipts.c.payment_id).where(_receipts.c.payment_id.in_(payment_ids))
    have = set((await work.session.execute(made)).scalars())
    payments = [row for row in payments if row.id not in have]
    if not payments:
        return []
    following = await take_receipt_numbers(work, Counter(row.customer_id for row in payments))
    now, receipts = clock.now(), []
    for row in payments:
        sequential_id = following[row.customer_id]
        following[row.customer_id] += 1
        receipts.append(
            PaymentReceipt(
                organization_id=work.organization_id,
                customer_id=row.customer_id,
                payment_id=row.id,
                billing_entity_id=row.billing_entity_id,
                sequential_id=sequential_id,
                number=receipt_number(row.slug, sequential_id),
                created_at=now,
            )
        )
    work.session.add_all(receipts)
    await work.session.flush()
    ids = [receipt.id for receipt in receipts]
    work.record(PaymentReceiptsCreated(tuple(ids)))
    return ids
