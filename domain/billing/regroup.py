"""Standalone fees that were paid get an invoice that is paid already. Source: subscriptions handbook, section 7.3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.assemble import Built, applied_section_rows
from domain.billing.facts import Facts, load_facts
from domain.billing.requests import BillRequest, Line, Target
from domain.invoicing.dates import advance_dates
from domain.invoicing.rows import InvoiceRows
from domain.invoicing.write import insert_invoices
from domain.kernel import clock
from domain.kernel.ids import new_id, new_id_text
from domain.kernel.money import ZERO, round_half_up
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.manual import note_what_was_paid
from domain.subscriptions.windows import windows
from infrastructure import exact_json

__all__ = ["REASON", "regroup_paid_fees"]

REASON: Final = "in_advance_charge_periodic"
REFERENCE: Final = "Charges paid in advance"
RATE_DECIMALS: Final = 2

# A periodic run leaves fees of periods that are not over to a later one.
_PAID: Final = sa.text(
    """
    SELECT line.n, f.id, f.amount_cents, f.amount_currency, f.taxes_amount_cents, s.id AS subscription_id,
           s.external_id, s.started_at, s.purchase_order_number,
           coalesce(s.billing_entity_id, k.billing_entity_id) AS billing_entity_id
    FROM json_to_recordset(CAST(:lines AS json))
         AS line(n integer, subscription_id uuid, at timestamptz, periodic boolean)
    JOIN subscriptions billed ON billed.id = line.subscription_id
    JOIN subscriptions s ON s.customer_id = billed.customer_id AND s.external_id = billed.external_id
                        AND s.status IN ('active', 'terminated')
    JOIN customers k ON k.id = s.customer_id
    JOIN fees f ON f.subscription_id = s.id AND f.invoice_id IS NULL AND f.payment_status = 'succeeded'
               AND f.succeeded_at <= line.at
    JOIN charges c ON c.id = f.charge_id AND c.regroup_paid_fees = 'invoice'
    WHERE EXISTS (SELECT FROM charges own WHERE own.plan_id = s.plan_id AND own.regroup_paid_fees = 'invoice')
      AND (NOT line.periodic OR (f.properties ->> 'charges_to_datetime')::timestamptz <= line.at)
    ORDER BY line.n, f.id FOR NO KEY UPDATE OF f
    """
)
_TAXES: Final = sa.text(
    """
    SELECT t.fee_id, t.tax_id, t.tax_code, t.tax_name, t.tax_description, t.tax_rate, t.amount_cents
    FROM fee_applied_taxes t WHERE t.fee_id = ANY(:ids) ORDER BY t.fee_id, t.id
    """
)
_ATTACH: Final = sa.text(
    """
    UPDATE fees SET invoice_id = row.invoice_id, updated_at = CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, invoice_id uuid) WHERE fees.id = row.id
    """
)


async def regroup_paid_fees(work: UnitOfWork, requests: Sequence[BillRequest]) -> list[Built]:
    """The paid fees of the subscriptions of each request, on one invoice for each purchase order number and
    billing entity.

    The invoices are written, with the payments of their totals, and still to be numbered. Their sums are those of the
    fees; no coupon or credit is spent.
    One statement where nothing was paid.
    """
    if not requests:
        return []
    lines = [
        {"n": n, "subscription_id": each, "at": request.at, "periodic": request.reason == "subscription_periodic"}
        for n, request in enumerate(requests)
        for each in request.subscription_ids
    ]
    found = (await work.session.execute(_PAID, {"lines": exact_json.dump_text(lines)})).all()
    groups: dict[tuple[Any, ...], dict[UUID, Any]] = defaultdict(dict)
    seen: set[UUID] = set()
    for row in found:
        group = groups[row.n, row.amount_currency, row.purchase_order_number, row.billing_entity_id]
        if row.id not in seen:
            seen.add(row.id)
            group[row.id] = row
    fees_of = [(requests[key[0]].at, list(group.values())) for key, group in groups.items() if group]
    if not fees_of:
        return []
    now = clock.now()
    targets = [Target(new_id(), now, _latest(fees, at)) for at, fees in fees_of]
    facts = await load_facts(work.session, targets)
    taxes: dict[UUID, list[Any]] = defaultdict(list)
    for tax in await work.session.execute(_TAXES, {"ids": sorted(seen)}):
        taxes[tax.fee_id].append(tax)
    built = [
        Built(target, _rows(target, facts, fees, taxes)) for target, (_, fees) in zip(targets, fees_of, strict=True)
    ]
    await insert_invoices(work, [each.rows for each in built])
    attached = [
        {"id": fee.id, "invoice_id": target.invoice_id}
        for target, (_, fees) in zip(targets, fees_of, strict=True)
        for fee in fees
    ]
    await work.session.execute(_ATTACH, {"rows": exact_json.dump_text(attached), "now": now})
    await note_what_was_paid(work, [each.rows.invoice for each in built], REFERENCE)
    return built


def _latest(fees: Sequence[Any], at: datetime) -> tuple[Line, ...]:
    """Of every external id the subscription that started last."""
    latest: dict[str, Any] = {}
    for fee in sorted(fees, key=lambda each: (each.started_at, each.subscription_id)):
        latest[fee.external_id] = fee
    return tuple(Line(fee.subscription_id, at, REASON) for fee in latest.values())


def _rows(target: Target, facts: Facts, fees: Sequence[Any], taxes: dict[UUID, list[Any]]) -> InvoiceRows:
    first = facts.subscriptions[target.lines[0].subscription_id]
    customer = first.customer
    dates = advance_dates(customer.dates, target.at)
    amount = sum(fee.amount_cents for fee in fees)
    taxed = sum(fee.taxes_amount_cents for fee in fees)
    return InvoiceRows(
        invoice={
            "id": target.invoice_id,
            "customer_id": customer.id,
            "billing_entity_id": first.billing_entity_id,
            "invoice_type": "advance_charges",
            "status": "finalized",
            "currency": fees[0].amount_currency,
            "timezone": customer.timezone,
            "issuing_date": dates.issuing_date,
            "expected_finalization_date": dates.expected_finalization_date,
            "payment_due_date": dates.payment_due_date,
            "net_payment_term": customer.dates.net_payment_term,
            "purchase_order_number": fees[0].purchase_order_number,
            "self_billed": customer.self_billed,
            "skip_charges": False,
            "payment_status": "succeeded",
            "fees_amount_cents": amount,
            "coupons_amount_cents": 0,
            "credit_notes_amount_cents": 0,
            "prepaid_credit_amount_cents": 0,
            "progressive_billing_credit_amount_cents": 0,
            "sub_total_excluding_taxes_amount_cents": amount,
            "taxes_amount_cents": taxed,
            "taxes_rate": round_half_up(Decimal(taxed) * 100 / amount, RATE_DECIMALS) if amount else ZERO,
            "sub_total_including_taxes_amount_cents": amount + taxed,
            "total_amount_cents": amount + taxed,
            "total_paid_amount_cents": amount + taxed,
            "created_at": target.created_at,
        },
        subscriptions=[_period(target, line, facts) for line in target.lines],
        fees=[],
        fee_taxes=[],
        taxes=_invoice_taxes(target, fees, taxes),
        sections=applied_section_rows(
            target, facts.sections_of([facts.subscriptions[line.subscription_id] for line in target.lines])
        ),
    )


def _period(target: Target, line: Line, facts: Facts) -> dict[str, Any]:
    window = windows(facts.subscriptions[line.subscription_id].terms, line.at)
    return {
        "id": new_id_text(),
        "invoice_id": target.invoice_id,
        "subscription_id": line.subscription_id,
        "invoicing_reason": REASON,
        "recurring": False,
        "from_datetime": window.charges_from_datetime,
        "to_datetime": window.charges_to_datetime,
        "charges_from_datetime": window.charges_from_datetime,
        "charges_to_datetime": window.charges_to_datetime,
        "fixed_charges_from_datetime": None,
        "fixed_charges_to_datetime": None,
        "timestamp": line.at,
        "created_at": target.created_at,
    }


def _invoice_taxes(target: Target, fees: Sequence[Any], taxes: dict[UUID, list[Any]]) -> list[dict[str, Any]]:
    """A line for each tax code: the sums of what applied to the fees."""
    found: dict[str, dict[str, Any]] = {}
    for fee in fees:
        for tax in taxes.get(fee.id, ()):
            line = found.setdefault(
                tax.tax_code,
                {
                    "id": new_id_text(),
                    "invoice_id": target.invoice_id,
                    "tax_id": tax.tax_id,
                    "tax_code": tax.tax_code,
                    "tax_name": tax.tax_name,
                    "tax_description": tax.tax_description,
                    "tax_rate": tax.tax_rate,
                    "amount_cents": 0,
                    "amount_currency": fee.amount_currency,
                    "fees_amount_cents": 0,
                    "taxable_base_amount_cents": 0,
                    "created_at": target.created_at,
                },
            )
            line["amount_cents"] += tax.amount_cents
            line["fees_amount_cents"] += fee.amount_cents
            line["taxable_base_amount_cents"] += fee.amount_cents
    return list(found.values())
