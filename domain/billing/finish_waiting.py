"""Invoices that waited for the taxes of their customer go on: taxes, coupons, credit notes, wallets, number.

What they bill was settled when they were made: no fee is rated again. A fee that has taxes keeps them, for these do not
depend on who the customer is. Source: handbook, subscriptions-and-invoices 5.4, 5.6 and 5.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.assemble import Built, amount_columns, invoice_tax_rows, payable_fees
from domain.billing.bill import number_and_announce
from domain.billing.deductions import load_purses, store_deductions
from domain.billing.facts import zone_of
from domain.billing.fee_rows import fee_tax_rows
from domain.billing.prepaid import deduct_prepaid
from domain.billing.progressive_credits import UsageLine, creditable_on
from domain.billing.progressive_excess import credit_excess, credited
from domain.billing.purse import Purse
from domain.billing.requests import Line, Target, finish_request
from domain.billing.tax_facts import Taxes, TaxFacts, load_taxes, nearest
from domain.credits.draft_notes import issue_notes, put_back, take_off
from domain.invoicing.calculation.calculate import FINALIZED, ONE_OFF, calculate
from domain.invoicing.calculation.state import Calculation, FeeLine, ProgressiveInvoice, Tax
from domain.invoicing.dates import DateSettings, finalization_dates
from domain.invoicing.retax import Retaxed, write_retaxed
from domain.invoicing.rows import InvoiceRows
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.pricing.fee_amounts import stored

__all__ = ["AT_A_TIME", "finish_of_customer", "finish_waiting", "let_go_on"]

AT_A_TIME: Final = 500

_OF_CUSTOMER: Final = sa.text(
    """
    SELECT i.id FROM invoices i
    WHERE i.customer_id = :customer AND i.status = 'pending' AND i.tax_status = 'pending'
      AND NOT EXISTS (SELECT FROM pending_vies_checks v WHERE v.customer_id = i.customer_id)
    ORDER BY i.created_at, i.id LIMIT :most
    """
)
# The job that the register's answer is noted in holds this row, and is waited for.
_CHECK: Final = sa.text("SELECT id FROM pending_vies_checks WHERE customer_id = :customer FOR SHARE")
_INVOICES: Final = sa.text(
    """
    SELECT i.*, c.billing_entity_id AS home_id, coalesce(c.timezone, e.timezone, 'UTC') AS zone,
           coalesce(c.net_payment_term, e.net_payment_term) AS term,
           coalesce(c.subscription_invoice_issuing_date_adjustment,
                    e.subscription_invoice_issuing_date_adjustment) AS adjustment
    FROM invoices i
    JOIN customers c ON c.id = i.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    WHERE i.id = ANY(:ids) AND i.status = 'pending' AND i.tax_status = 'pending'
      AND NOT EXISTS (SELECT FROM pending_vies_checks v WHERE v.customer_id = c.id)
    ORDER BY i.id FOR NO KEY UPDATE OF i
    """
)
_LINES: Final = sa.text(
    """
    SELECT invoice_id, subscription_id, timestamp, invoicing_reason, recurring, charges_from_datetime,
           charges_to_datetime
    FROM invoice_subscriptions WHERE invoice_id = ANY(:ids) ORDER BY invoice_id, id
    """
)
_FEES: Final = sa.text(
    """
    SELECT f.id, f.invoice_id, f.fee_type, f.subscription_id, f.charge_id, f.charge_filter_id, f.grouped_by,
           f.amount_cents, f.precise_amount_cents, ch.billable_metric_id, p.id AS plan_id, p.parent_id
    FROM fees f
    LEFT JOIN charges ch ON ch.id = f.charge_id
    LEFT JOIN subscriptions s ON s.id = f.subscription_id
    LEFT JOIN plans p ON p.id = s.plan_id
    WHERE f.invoice_id = ANY(:ids) ORDER BY f.invoice_id, f.position, f.id
    """
)
_FEE_TAXES: Final = sa.text(
    """
    SELECT t.fee_id, t.tax_id, t.tax_code, t.tax_name, t.tax_description, t.tax_rate
    FROM fee_applied_taxes t JOIN fees f ON f.id = t.fee_id WHERE f.invoice_id = ANY(:ids) ORDER BY t.fee_id, t.id
    """
)
# Reasons whose lines bill usage that progressive invoices may have billed before.
_SETTLES_USAGE: Final = ("subscription_periodic", "subscription_terminating", "progressive_billing")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An invoice as it was kept. taxes: of each fee."""

    row: Any
    lines: Sequence[Any]
    fees: Sequence[Any]
    taxes: Sequence[Sequence[TaxFacts]]

    @property
    def periodic(self) -> bool:
        return any(line.recurring for line in self.lines)

    @property
    def target(self) -> Target:
        lines = (Line(line.subscription_id, line.timestamp, line.invoicing_reason) for line in self.lines)
        return Target(self.row.id, self.row.created_at, tuple(lines), exists=True)


async def let_go_on(work: UnitOfWork, customer_id: UUID) -> None:
    """Hands the invoices of a customer that waits no more to a job; one statement."""
    if await work.session.scalar(_OF_CUSTOMER, {"customer": customer_id, "most": 1}) is not None:
        work.enqueue(finish_request(customer_id))


async def finish_of_customer(work: UnitOfWork, customer_id: UUID) -> None:
    """Finishes the invoices of a customer, the oldest first, AT_A_TIME; a further job has the others. Nothing while the
    register has not answered.

    Asked for when the answer is there, and when an invoice begins to wait: one of both comes after the other's commit.
    """
    if await work.session.scalar(_CHECK, {"customer": customer_id}) is not None:
        return
    ids = list(await work.session.scalars(_OF_CUSTOMER, {"customer": customer_id, "most": AT_A_TIME}))
    if await finish_waiting(work, ids) and len(ids) == AT_A_TIME:
        work.enqueue(finish_request(customer_id))


async def finish_waiting(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> list[UUID]:
    """Taxes these invoices and gives them their numbers; the ids of those finished.

    What does not wait, or waits on, is left alone. Of each customer the oldest are first, as they would have been
    without the waiting. A fixed number of statements; as many again for every progressive invoice of one customer,
    because the next one credits it.
    """
    if not invoice_ids:
        return []
    rows = (await work.session.execute(_INVOICES, {"ids": list(invoice_ids)})).all()
    finished: list[UUID] = []
    for _, some in groupby(_in_turns(rows), key=lambda each: each[0]):
        finished += await _finish(work, [row for _, row in some])
    return finished


def _in_turns(rows: Sequence[Any]) -> list[tuple[int, Any]]:
    """The invoices by the number of progressive ones of the same customer before them."""
    before: dict[UUID, int] = defaultdict(int)
    found = []
    for row in sorted(rows, key=lambda each: (each.created_at, each.id)):
        found.append((before[row.customer_id], row))
        before[row.customer_id] += row.invoice_type == "progressive_billing"
    return sorted(found, key=lambda each: each[0])


async def _finish(work: UnitOfWork, rows: Sequence[Any]) -> list[UUID]:
    waiting = await _load(work, rows)
    numbered, usage = _usage_lines(waiting)
    progressive = await creditable_on(work.session, usage)

    async def computed(progressive: Mapping[int, ProgressiveInvoice]) -> list[tuple[Built, Retaxed]]:
        purses = await load_purses(work, {each.row.customer_id for each in waiting})
        return [
            _computed(
                each,
                purses[each.row.customer_id],
                [progressive[n] for n in numbered[each.row.id] if n in progressive],
            )
            for each in waiting
        ]

    found = await computed(progressive)
    if await credit_excess(work, [built for built, _ in found]):
        found = await computed(credited(progressive, [built for built, _ in found]))
    built = await deduct_prepaid(work, [each for each, _ in found])
    ids = [each.target.invoice_id for each in built]
    notes = await take_off(work, ids)
    await write_retaxed(
        work, [replace(kept, invoice=each.rows.invoice) for each, (_, kept) in zip(built, found, strict=True)]
    )
    await store_deductions(work, built)
    await put_back(work, notes)
    await number_and_announce(work, built)
    if notes:
        await issue_notes(work, ids)
    return ids


async def _load(work: UnitOfWork, rows: Sequence[Any]) -> list[_Waiting]:
    ids = {"ids": [row.id for row in rows]}
    lines, fees, own = defaultdict(list), defaultdict(list), defaultdict(list)
    for line in await work.session.execute(_LINES, ids):
        lines[line.invoice_id].append(line)
    for fee in await work.session.execute(_FEES, ids):
        fees[fee.invoice_id].append(fee)
    for tax in await work.session.execute(_FEE_TAXES, ids):
        own[tax.fee_id].append(
            TaxFacts(tax.tax_id, tax.tax_code, tax.tax_name, tax.tax_description, Tax(tax.tax_code, tax.tax_rate))
        )
    known = await load_taxes(
        work.session,
        entities=sorted({row.home_id for row in rows}),
        customers=sorted({row.customer_id for row in rows}),
        plans=[],
    )
    return [
        _Waiting(
            row,
            lines[row.id],
            fees[row.id],
            [own.get(fee.id) or _of_customer(known, row) for fee in fees[row.id]],
        )
        for row in rows
    ]


def _of_customer(known: Taxes, row: Any) -> list[TaxFacts]:
    return [replace(each, tax=Tax(each.code, each.tax.rate)) for each in nearest(known, row.customer_id, row.home_id)]


def _usage_lines(waiting: Sequence[_Waiting]) -> tuple[dict[UUID, list[int]], list[UsageLine]]:
    """The lines that bill usage, and their numbers by invoice."""
    numbered: dict[UUID, list[int]] = defaultdict(list)
    found: list[UsageLine] = []
    for each in waiting:
        for line in each.lines:
            start, end = line.charges_from_datetime, line.charges_to_datetime
            if each.row.skip_charges or line.invoicing_reason not in _SETTLES_USAGE or not start or not end > start:
                continue
            numbered[each.row.id].append(len(found))
            found.append(UsageLine(len(found), each.row.id, line.subscription_id, start, line.timestamp))
    return numbered, found


def _computed(waiting: _Waiting, purse: Purse, progressive: Sequence[ProgressiveInvoice]) -> tuple[Built, Retaxed]:
    row = waiting.row
    calculation = Calculation(
        fees=tuple(_fee_line(fee, taxes) for fee, taxes in zip(waiting.fees, waiting.taxes, strict=True)),
        currency=row.currency,
        progressive_invoices=tuple(progressive),
    )
    if row.invoice_type == "one_off":
        calculation = calculate(calculation, ONE_OFF)
    else:
        calculation = calculate(purse.offer(calculation), FINALIZED)
        purse.spend(calculation.credits)
    settings = DateSettings(zone_of(row.zone), net_payment_term=row.term, adjustment=row.adjustment)
    dates = finalization_dates(
        settings, row.issuing_date, row.expected_finalization_date, clock.now(), periodic=waiting.periodic
    )
    invoice = {
        **row._mapping,
        **amount_columns(calculation),
        "status": "finalized",
        "tax_status": "succeeded",
        "payment_status": "pending" if calculation.total_amount_cents > 0 else "succeeded",
        "issuing_date": dates.issuing_date,
        "expected_finalization_date": dates.expected_finalization_date,
        "payment_due_date": dates.payment_due_date,
        "net_payment_term": row.term,
    }
    payable = payable_fees(waiting.fees, calculation)
    rows = InvoiceRows(invoice, [], [], [], [], payable=payable, credits=calculation.credits)
    facts = {each.tax.id: each for taxes in waiting.taxes for each in taxes}
    kept = Retaxed(
        invoice,
        fees=[
            {
                "id": fee.id,
                "taxes_amount_cents": taxed.amount_cents,
                "taxes_precise_amount_cents": stored(taxed.precise_amount_cents),
                "taxes_rate": taxed.rate,
                "precise_coupons_amount_cents": share,
            }
            for fee, share, taxed in zip(waiting.fees, calculation.shares, calculation.fee_taxes, strict=True)
        ],
        fee_taxes=[
            line
            for fee, taxed in zip(waiting.fees, calculation.fee_taxes, strict=True)
            for line in fee_tax_rows(str(fee.id), taxed, facts, row.currency, row.created_at)
        ],
        taxes=invoice_tax_rows(row.id, calculation, facts, row.currency, row.created_at),
    )
    return Built(waiting.target, rows, purse=purse), kept


def _fee_line(fee: Any, taxes: Sequence[TaxFacts]) -> FeeLine:
    return FeeLine(
        amount_cents=fee.amount_cents,
        precise_amount_cents=fee.precise_amount_cents,
        taxes=tuple(each.tax for each in taxes),
        billable_metric_id=fee.billable_metric_id,
        plan_ids=frozenset(filter(None, (fee.plan_id, fee.parent_id))),
        charge_id=(fee.subscription_id, fee.charge_id) if fee.charge_id else None,
        charge_key=(fee.charge_filter_id, tuple(sorted(fee.grouped_by.items()))) if fee.charge_id else None,
    )
