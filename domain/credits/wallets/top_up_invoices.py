"""Invoices of prepaid credits, and what their payment does. Source: handbook, credits 5.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.credits.wallets.ledger import fail, settle
from domain.invoicing.custom_sections import Chosen, Inherited, applied, section_rows
from domain.invoicing.dates import DateSettings, InvoiceDates, advance_dates
from domain.invoicing.events import CreditInvoicesCreated, CreditInvoicesOpened
from domain.invoicing.number import Unnumbered, number_invoices
from domain.invoicing.selected_sections import load_sections
from domain.invoicing.write import insert_plain_invoices
from domain.kernel import clock
from domain.kernel.currencies import currency_of
from domain.kernel.ids import new_id, new_id_text
from domain.kernel.money import round_cents
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["follow_payments", "invoice_top_ups"]

# Time zone and payment term are those of the customer's billing entity, the number that of the invoice's.
_TERMS: Final = """
    coalesce(c.timezone, e.timezone, 'UTC') AS timezone, coalesce(c.net_payment_term, e.net_payment_term) AS term
"""
# Locked, so that a purchase gets one invoice however often this is run.
_PURCHASES: Final = sa.text(
    f"""
    SELECT t.id, t.amount_cents, t.credit_amount, t.name, t.invoice_requires_successful_payment AS requires_payment,
           coalesce(t.purchase_order_number, w.purchase_order_number) AS purchase_order_number,
           coalesce(t.billing_entity_id, w.billing_entity_id, c.billing_entity_id) AS billing_entity_id,
           t.skip_invoice_custom_sections AS skips, c.skip_invoice_custom_sections AS customer_skips,
           c.billing_entity_id AS customer_entity_id,
           w.name AS wallet_name, w.currency, w.rate_amount, c.id AS customer_id, c.account_type, {_TERMS}
    FROM wallet_transactions t
    JOIN wallets w ON w.id = t.wallet_id
    JOIN customers c ON c.id = w.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    WHERE t.id = ANY(:ids) AND t.invoice_id IS NULL AND t.transaction_status = 'purchased' AND t.status = 'pending'
    ORDER BY t.id FOR NO KEY UPDATE OF t
    """  # noqa: S608
)
_ATTACH: Final = sa.text(
    """
    UPDATE wallet_transactions t SET invoice_id = row.invoice_id, updated_at = :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id uuid, invoice_id uuid) WHERE t.id = row.id
    """
)
_PAID: Final = sa.text(
    f"""
    SELECT i.id, i.status, i.payment_status, i.offset_amount_cents, i.customer_id, i.billing_entity_id,
           i.self_billed, t.id AS transaction_id, t.status AS transaction_status, {_TERMS}
    FROM invoices i
    JOIN wallet_transactions t ON t.invoice_id = i.id AND t.transaction_status = 'purchased'
    JOIN customers c ON c.id = i.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    WHERE i.id = ANY(:ids) AND i.invoice_type = 'credit' ORDER BY i.id FOR NO KEY UPDATE OF i
    """  # noqa: S608
)
_DATE: Final = sa.text(
    """
    UPDATE invoices i SET issuing_date = row.issuing_date, payment_due_date = row.payment_due_date,
        expected_finalization_date = row.issuing_date, updated_at = :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id uuid, issuing_date date, payment_due_date date)
    WHERE i.id = row.id
    """
)


async def invoice_top_ups(work: UnitOfWork, transaction_ids: Sequence[UUID]) -> list[UUID]:
    """An invoice for each of these purchases that has none yet; their ids.

    One whose purchase wants a successful payment stays open, without a number and unseen, until it is paid. No tax,
    coupon, credit note or wallet touches such an invoice. A fixed number of statements.
    """
    found = (await work.session.execute(_PURCHASES, {"ids": list(transaction_ids)})).all()
    if not found:
        return []
    invoices = [_invoice(row) for row in found]
    fees = [_fee(row, invoice) for row, invoice in zip(found, invoices, strict=True)]
    await insert_plain_invoices(work, invoices, fees, sections=await _sections(work, found, invoices))
    attached = [{"id": row.id, "invoice_id": invoice["id"]} for row, invoice in zip(found, invoices, strict=True)]
    await work.session.execute(_ATTACH, {"rows": exact_json.dump_text(attached), "now": clock.now()})
    opened = tuple(each["id"] for each in invoices if each["status"] == "open")
    if opened:
        work.record(CreditInvoicesOpened(opened))
    await _number(work, [each for each in invoices if each["status"] != "open"])
    return [each["id"] for each in invoices]


async def follow_payments(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> None:
    """The purchases follow the payment of their invoices, of those that are invoices of credits: paid ones are
    settled, and an open invoice gets its number and the dates of today; failed ones fail, unless they were settled.

    Run twice it leaves the same behind. A fixed number of statements.
    """
    found = (await work.session.execute(_PAID, {"ids": list(invoice_ids)})).all()
    if not found:
        return
    # One that a credit note has set off counts as paid, but no money came in.
    paid = [row for row in found if row.payment_status == "succeeded" and not row.offset_amount_cents]
    if paid:
        await settle(work, [row.transaction_id for row in paid if row.transaction_status != "settled"])
    failed = [row.transaction_id for row in found if row.payment_status == "failed"]
    if failed:
        await fail(work, failed)
    opened = [row for row in paid if row.status == "open"]
    if opened:
        dated = [{"id": row.id, **_dated(_today(row))} for row in opened]
        await work.session.execute(_DATE, {"rows": exact_json.dump_text(dated), "now": clock.now()})
        await _number(work, [dict(row._mapping) for row in opened])


async def _sections(work: UnitOfWork, found: Sequence[Any], invoices: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The custom sections of the invoices: what the purchase keeps, else what the customer has. One statement."""
    selected = await load_sections(
        work.session,
        entities=sorted({row.customer_entity_id for row in found}),
        customers=sorted({row.customer_id for row in found}),
        wallet_transactions=[row.id for row in found],
    )
    rows = []
    for row, invoice in zip(found, invoices, strict=True):
        customer = Inherited(
            row.customer_skips, selected.get(row.customer_id, ()), selected.get(row.customer_entity_id, ())
        )
        for each in section_rows(applied([Chosen(row.skips, selected.get(row.id, ()))], customer)):
            at = {"invoice_id": invoice["id"], "created_at": invoice["created_at"]}
            rows.append({"id": new_id_text(), **at, **each})
    return rows


async def _number(work: UnitOfWork, invoices: Sequence[Mapping[str, Any]]) -> None:
    if not invoices:
        return
    await number_invoices(
        work,
        [
            Unnumbered(each["id"], each["customer_id"], each["billing_entity_id"], each["self_billed"])
            for each in invoices
        ],
    )
    work.record(CreditInvoicesCreated(tuple(each["id"] for each in invoices)))


def _today(row: Any) -> InvoiceDates:
    return advance_dates(DateSettings(ZoneInfo(row.timezone), net_payment_term=row.term or 0), clock.now())


def _dated(dates: InvoiceDates) -> dict[str, date]:
    return {"issuing_date": dates.issuing_date, "payment_due_date": dates.payment_due_date}


def _invoice(row: Any) -> dict[str, Any]:
    dates, amount = _today(row), row.amount_cents
    return {
        "id": new_id(),
        "customer_id": row.customer_id,
        "billing_entity_id": row.billing_entity_id,
        "invoice_type": "credit",
        "status": "open" if row.requires_payment else "finalized",
        "payment_status": "pending",
        "currency": row.currency,
        "timezone": row.timezone,
        **_dated(dates),
        "expected_finalization_date": dates.expected_finalization_date,
        "net_payment_term": row.term or 0,
        "purchase_order_number": row.purchase_order_number,
        "self_billed": row.account_type == "partner",
        "skip_charges": False,
        "fees_amount_cents": amount,
        "coupons_amount_cents": 0,
        "credit_notes_amount_cents": 0,
        "prepaid_credit_amount_cents": 0,
        "progressive_billing_credit_amount_cents": 0,
        "sub_total_excluding_taxes_amount_cents": amount,
        "taxes_amount_cents": 0,
        "taxes_rate": 0,
        "sub_total_including_taxes_amount_cents": amount,
        "total_amount_cents": amount,
        "total_paid_amount_cents": 0,
        "created_at": clock.now(),
    }


def _fee(row: Any, invoice: Mapping[str, Any]) -> dict[str, Any]:
    """Units are credits, a unit costs the wallet's rate."""
    rate = Decimal(row.rate_amount)
    return {
        "id": new_id_text(),
        "invoice_id": invoice["id"],
        "customer_id": row.customer_id,
        "billing_entity_id": row.billing_entity_id,
        "fee_type": "credit",
        "position": 0,
        "amount_cents": row.amount_cents,
        "amount_currency": row.currency,
        "precise_amount_cents": row.amount_cents,
        "units": row.credit_amount,
        "unit_amount_cents": round_cents(rate * currency_of(row.currency).subunit_to_unit),
        "precise_unit_amount": rate,
        "taxes_amount_cents": 0,
        "taxes_precise_amount_cents": 0,
        "taxes_rate": 0,
        "precise_coupons_amount_cents": 0,
        "pay_in_advance": False,
        "invoice_display_name": row.name or row.wallet_name,
        "grouped_by": {},
        "properties": {},
        "amount_details": {},
        "created_at": invoice["created_at"],
    }
