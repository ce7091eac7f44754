"""Billing subscriptions: from requests to invoices that are written, numbered and announced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.assemble import Built
from domain.billing.build import build
from domain.billing.deductions import store_deductions
from domain.billing.due import PAID_BY
from domain.billing.events import GatedInvoicesSettled
from domain.billing.lines import AlreadyBilled
from domain.billing.prepaid import record_prepaid
from domain.billing.regroup import regroup_paid_fees
from domain.billing.requests import BillRequest, Line, Target, finish_request
from domain.invoicing.events import (
    FeesCreated,
    InvoicesDrafted,
    InvoicesFinalized,
    InvoicesReadyToFinalize,
    OneOffInvoicesCreated,
)
from domain.invoicing.number import Unnumbered, number_invoices, write_draft_numbers
from domain.invoicing.write import insert_invoices
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.activities import note_activity
from domain.metering.carried import keep_levels
from domain.payments.events import InvoicePaymentsAsked

__all__ = ["LostRace", "bill_paid_fees", "bill_subscriptions", "number_and_announce"]


# Bills on whose occasion paid standalone fees are put on an invoice.
REGROUPING = ("subscription_periodic", "subscription_terminating", "upgrading")


_SHARED_BY: Final = sa.text(
    f"""
    SELECT s.id, p.amount_currency, coalesce(s.billing_entity_id, c.billing_entity_id), s.purchase_order_number,
           {PAID_BY}
    FROM subscriptions s JOIN plans p ON p.id = s.plan_id JOIN customers c ON c.id = s.customer_id
    LEFT JOIN payment_methods m ON m.customer_id = s.customer_id AND m.is_default AND m.deleted_at IS NULL
    WHERE s.id = ANY(:ids)
    """  # noqa: S608
)


class LostRace(Exception):
    """Another run billed part of an invoice between the check and the write; the next try leaves that part out."""


async def bill_subscriptions(work: UnitOfWork, requests: Sequence[BillRequest]) -> list[UUID]:
    """One invoice for every request, written together; the ids of those made.

    What a periodic request asks for and another run has billed is passed over. Raises AlreadyBilled for a starting or
    terminating bill that exists and ValidationFailed for subscriptions that cannot share an invoice; nothing is
    written then. A fixed number of statements for any number of requests.
    """
    requests = await _apart(work, requests)
    now = clock.now()
    targets = [
        Target(
            request.invoice_id or new_id(),
            now,
            tuple(Line(subscription, request.at, request.reason) for subscription in request.subscription_ids),
            skip_charges=request.skip_charges,
        )
        for request in requests
    ]
    built = await build(work, targets)
    kept = []
    if built:
        written = await insert_invoices(work, [each.rows for each in built])
        kept = [each for each in built if _complete(each, written.get(each.target.invoice_id, 0))]
        await store_deductions(work, kept)
        await keep_levels(work, [level for each in kept for level in each.levels])
    alone = tuple(UUID(row["id"]) for each in kept for row in each.rows.fees if row["invoice_id"] is None)
    if alone:
        work.record(FeesCreated(alone))
    regrouped = await regroup_paid_fees(work, [each for each in requests if each.reason in REGROUPING])
    await number_and_announce(work, [*kept, *regrouped])
    return [each.target.invoice_id for each in (*kept, *regrouped)]


async def _apart(work: UnitOfWork, requests: Sequence[BillRequest]) -> list[BillRequest]:
    """Plan changes whose two rows can't share an invoice, for another currency, billing entity, purchase order
    number or payment method, become two requests. One statement, none without a plan change."""
    ids = [each for request in requests if request.reason == "upgrading" for each in request.subscription_ids]
    if not ids:
        return list(requests)
    keys = {row.id: tuple(row)[1:] for row in await work.session.execute(_SHARED_BY, {"ids": ids})}
    apart = []
    for request in requests:
        groups: dict[Any, list[UUID]] = {}
        for each in request.subscription_ids:
            groups.setdefault(keys.get(each), []).append(each)
        apart += [replace(request, subscription_ids=tuple(some)) for some in groups.values()]
    return apart


async def bill_paid_fees(work: UnitOfWork, subscription_id: UUID, at: datetime) -> list[UUID]:
    """The invoices of paid standalone fees of a subscription that ended without a bill of its own."""
    built = await regroup_paid_fees(work, [BillRequest((subscription_id,), at, "subscription_terminating")])
    await number_and_announce(work, built)
    return [each.target.invoice_id for each in built]


async def number_and_announce(work: UnitOfWork, built: Sequence[Built]) -> None:
    """Writes what wallets pay of them, numbers what is final, marks drafts and what waits, has the open ones paid,
    leaves the closed silent."""
    # What was current usage is invoiced now: thresholds and alerts are looked at again.
    await note_activity(
        work, {line.subscription_id for each in built if not each.target.progressive for line in each.target.lines}
    )
    await record_prepaid(work, built)
    drafts = [each.target.invoice_id for each in built if each.status == "draft"]
    final = [each for each in built if each.status == "finalized"]
    waiting = [each for each in built if each.status == "pending"]
    await write_draft_numbers(work, [*drafts, *(each.target.invoice_id for each in waiting)])
    for customer_id in dict.fromkeys(each.rows.invoice["customer_id"] for each in waiting):
        work.enqueue(finish_request(customer_id))
    await number_invoices(
        work,
        [
            Unnumbered(
                each.target.invoice_id,
                each.rows.invoice["customer_id"],
                each.rows.invoice["billing_entity_id"],
                each.rows.invoice["self_billed"],
            )
            for each in final
        ],
    )
    new_drafts = tuple(each.target.invoice_id for each in built if each.status == "draft" and not each.target.exists)
    if new_drafts:
        work.record(InvoicesDrafted(new_drafts))
        work.record(InvoicesReadyToFinalize(new_drafts))
    opened = {
        each.target.invoice_id: each.rows.invoice["total_amount_cents"] for each in built if each.status == "open"
    }
    if due := tuple(each for each, cents in opened.items() if cents > 0):
        work.record(InvoicePaymentsAsked(due))
    if settled := tuple(each for each, cents in opened.items() if cents <= 0):
        work.record(GatedInvoicesSettled(settled))
    one_off = tuple(each.target.invoice_id for each in final if each.rows.invoice["invoice_type"] == "one_off")
    others = tuple(each.target.invoice_id for each in final if each.rows.invoice["invoice_type"] != "one_off")
    if one_off:
        work.record(OneOffInvoicesCreated(one_off))
    if others:
        work.record(InvoicesFinalized(others))


def _complete(built: Built, periods: int) -> bool:
    if periods == len(built.rows.subscriptions):
        return True
    if periods:
        raise LostRace(f"invoice {built.target.invoice_id}: only {periods} of its periods were free")
    if not built.target.periodic:
        raise AlreadyBilled(built.target.lines[0].subscription_id, built.target.lines[0].reason)
    return False
