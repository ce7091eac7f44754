"""The credit note for the days paid in advance that a subscription will not use. Source: handbook, credits 3.7 and
subscriptions-and-invoices 1.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.facts import zone_of
from domain.credits.note_amounts import ITEM_DECIMALS, CreditableFee, Item, NoteAmounts, Split
from domain.credits.note_facts import InvoiceFacts, load_invoice_facts
from domain.credits.unused_days import Ending, refunded_part, split_by_mode, unused_amount, used_amount
from domain.credits.write_notes import NewNote, write_notes
from domain.kernel.money import truncate
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import parse_instant
from domain.subscriptions.calendar import BillingTime, Interval
from domain.subscriptions.models import Subscription
from domain.subscriptions.terms import SubscriptionTerms
from domain.subscriptions.trial import trial_ends_at

__all__ = ["credit_unused_days"]

# The subscriptions paid in advance among those that end, each with its latest base fee.
_FACTS: Final = sa.text(
    """
    SELECT s.id, s.customer_id, s.external_id, s.billing_time, s.subscription_at, s.started_at,
           s.on_termination_credit_note AS mode, s.trial_ended_at,
           p.interval, p.amount_cents AS plan_amount_cents, p.trial_period,
           coalesce(c.timezone, e.timezone, 'UTC') AS timezone,
           fee.id AS fee_id, fee.invoice_id, fee.amount_cents, fee.amount_details, fee.properties,
           CASE WHEN p.trial_period > 0 THEN (
               SELECT min(chain.started_at) FROM subscriptions chain
               WHERE chain.customer_id = s.customer_id AND chain.external_id = s.external_id
                 AND chain.status <> 'canceled'
           ) END AS first_started_at
    FROM subscriptions s
    JOIN plans p ON p.id = s.plan_id AND p.pay_in_advance
    JOIN customers c ON c.id = s.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    LEFT JOIN LATERAL (
        SELECT f.* FROM fees f JOIN invoices i ON i.id = f.invoice_id AND i.status <> 'deleted'
        WHERE f.subscription_id = s.id AND f.fee_type = 'subscription'
        ORDER BY f.created_at DESC, f.id DESC LIMIT 1
    ) fee ON true
    WHERE s.id = ANY(:ids) ORDER BY s.id
    """
)
# Invoices that a note may be made of; a voided one is gone, others are not there yet.
_CREDITED: Final = ("draft", "finalized")


async def credit_unused_days(
    work: UnitOfWork, rows: Sequence[Subscription], at: datetime, *, upgraded: bool = False
) -> list[UUID]:
    """One note for every subscription that ends at `at` with days left that were paid in advance; their ids.

    Called before the rows are ended. What becomes of the amount stands on each row, credit unless it says otherwise;
    an upgrade always credits, unless the row says skip. The choice is kept on the rows that are paid in advance.
    Nothing for a period whose base fee is not billed, is nothing, or stands on a voided invoice. At most ten
    statements for any number of rows.
    """
    if not rows:
        return []
    await work.session.flush()
    found = (await work.session.execute(_FACTS, {"ids": [row.id for row in rows]})).all()
    paid_in_advance = {each.id for each in found}
    for row in rows:
        if row.id in paid_in_advance and not row.on_termination_credit_note:
            row.on_termination_credit_note = "credit"
    due = [each for each in found if each.mode != "skip" and each.amount_cents and _covers(each, at)]
    invoices = await load_invoice_facts(work.session, {each.invoice_id for each in due}, lock=True)
    notes = [
        note
        for each in due
        if invoices[each.invoice_id].row.status in _CREDITED
        and (note := _note(each, invoices[each.invoice_id], at, upgraded=upgraded)) is not None
    ]
    return [note_id for note_id in await write_notes(work, notes) if note_id is not None]


def _covers(row: Any, at: datetime) -> bool:
    """Whether the fee is for the period that contains the end: a period not billed yet owes nothing back."""
    last = parse_instant(row.properties.get("to_datetime"))
    return last is None or at <= last


def _note(row: Any, invoice: InvoiceFacts, at: datetime, *, upgraded: bool) -> NewNote | None:
    fee = next(each for each in invoice.creditable.fees if each.id == row.fee_id)
    ending = _ending(row, at, upgraded=upgraded)
    cents = truncate(unused_amount(ending) - fee.credited, ITEM_DECIMALS)
    if cents <= 0:
        return None
    mode = "credit" if upgraded else row.mode or "credit"

    def split(found: NoteAmounts) -> Split:
        refunded = 0 if mode == "credit" else _refunded(found, fee, invoice, used_amount(ending))
        return split_by_mode(mode, found.total_cents, refunded, invoice.billed.due_cents)

    return NewNote(invoice, [(fee.id, cents)], split, reason="order_cancellation")


def _refunded(found: NoteAmounts, fee: CreditableFee, invoice: InvoiceFacts, used: Decimal) -> int:
    if invoice.is_draft:
        return 0
    refunded = refunded_part(
        found.total_cents,
        _gross(fee, used),
        _gross(fee, Decimal(fee.amount_cents)),
        invoice.row.sub_total_including_taxes_amount_cents,
        invoice.row.total_paid_amount_cents,
    )
    return min(refunded, invoice.billed.refundable_cents)


def _gross(fee: CreditableFee, cents: Decimal) -> Decimal:
    """A part of the fee after coupons, with taxes; not rounded."""
    net = cents - Item(fee, cents).coupons
    return net + (net * fee.taxes_rate).scaleb(-2)


def _ending(row: Any, at: datetime, *, upgraded: bool) -> Ending:
    terms = SubscriptionTerms(
        interval=Interval(row.interval),
        billing_time=BillingTime(row.billing_time),
        pay_in_advance=True,
        zone=zone_of(row.timezone),
        subscription_at=row.subscription_at,
        started_at=row.started_at or row.subscription_at,
    )
    plan_amount = row.amount_details.get("plan_amount_cents")
    return Ending(
        terms=terms,
        terminated_at=at,
        plan_amount_cents=row.plan_amount_cents if plan_amount is None else int(plan_amount),
        fee_amount_cents=row.amount_cents,
        trial_end=trial_ends_at(row.first_started_at or row.subscription_at, row.trial_period),
        upgraded=upgraded,
    )
