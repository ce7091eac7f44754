"""From rated lines to the rows of invoices: pure. What is written is settled here, numbers excepted."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.fee_rows import FeeRows, fee_rows, tax_columns
from domain.billing.lines import BilledLine
from domain.billing.purse import Purse
from domain.billing.rated_fee import RatedFee
from domain.billing.rating import Known, rate_line
from domain.billing.requests import Target
from domain.billing.tax_facts import TaxFacts
from domain.billing.usage_fees import kept_levels
from domain.credits.wallets.spend import UNPAID, Spending
from domain.invoicing.calculation.calculate import DRAFT, FINALIZED, calculate
from domain.invoicing.calculation.state import Calculation, FeeLine, ProgressiveInvoice
from domain.invoicing.calculation.taxes import tax_fee
from domain.invoicing.custom_sections import Section, section_rows
from domain.invoicing.dates import InvoiceDates, advance_dates, invoice_dates
from domain.invoicing.rows import InvoiceRows, PayableFee
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import new_id_text
from domain.metering.carried import KeptLevel
from domain.metering.charge_questions import TARGET_WALLET

__all__ = [
    "Built", "Rated", "amount_columns", "applied_section_rows", "assemble", "invoice_of", "invoice_tax_rows",
    "payable_fees", "standalone_fees",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Built:
    """An invoice ready to be written. status: draft, finalized, open (waits for its payment), pending (waits for its
    taxes) or closed; a finalized one still needs its number.

    levels: what weighted sums carry on from here. prepaid: what wallets pay of it, to be written with it. purse: what
    its other deductions were taken from.
    """

    target: Target
    rows: InvoiceRows
    levels: Sequence[KeptLevel] = ()
    prepaid: Spending = UNPAID
    purse: Purse = field(default_factory=Purse)

    @property
    def status(self) -> str:
        return str(self.rows.invoice["status"])


Rated = tuple[BilledLine, RatedFee, Sequence[TaxFacts]]


def assemble(
    target: Target,
    lines: Sequence[BilledLine],
    known: Known,
    *,
    purse: Purse,
    draft: bool | None = None,
    dates: InvoiceDates | None = None,
) -> Built | None:
    """The rows of one invoice. draft: whether it is one, None for as the grace period says; dates: instead of the
    computed ones. purse: the customer's, which has less afterwards.

    None where units of fixed charges were to be billed and none have changed. Raises ValidationFailed for
    subscriptions that cannot share an invoice.
    """
    first = lines[0].subscription
    customer = first.customer
    _refuse_mixed(lines)
    if target.in_advance or target.progressive:
        draft, dates = False, dates or advance_dates(customer.dates, target.at)
    dates = dates or invoice_dates(customer.dates, target.at, periodic=target.periodic)
    gated = any(line.subscription.status == "incomplete" for line in lines)
    draft = customer.dates.grace_period > 0 and not gated if draft is None else draft
    # One that is to be paid first takes the taxes as they are.
    waits = customer.taxes_open and not draft and not gated
    rated: list[Rated] = [
        (line, fee, known.facts.taxes_of(line.subscription, fee.owner, certain=waits and not fee.standalone))
        for line in lines
        for fee in rate_line(line, known, issuing_date=dates.issuing_date, created_at=target.created_at)
    ]
    if target.in_advance and not rated:
        return None
    levels = [
        level
        for line in lines
        if not line.progressive
        for level in kept_levels(line, known.asked.get(line.number, ()), known.usage)
    ]
    rows = invoice_of(
        target,
        lines,
        rated,
        purse=purse,
        draft=draft,
        dates=dates,
        sections=known.facts.sections_of([line.subscription for line in lines]),
        progressive=[known.progressive[line.number] for line in lines if line.number in known.progressive],
        waits=waits,
        gated=gated,
    )
    return Built(target, rows, levels, purse=purse)


def invoice_of(
    target: Target,
    lines: Sequence[BilledLine],
    rated: Sequence[Rated],
    *,
    purse: Purse,
    draft: bool,
    dates: InvoiceDates,
    sections: Sequence[Section] = (),
    progressive: Sequence[ProgressiveInvoice] = (),
    waits: bool = False,
    gated: bool = False,
) -> InvoiceRows:
    """The rows of an invoice with these fees; those without an invoice go with it. What it takes leaves the purse.

    sections: the custom sections that it carries. progressive: invoices that billed part of the usage before. waits:
    the customer's taxes are not known yet, so that it would be final but for these: it has the taxes that are certain,
    takes no coupon or credit, is `pending`, and goes on when the others are known (`finish_waiting.py`). gated: its
    subscription waits for its payment: computed as a final one, `open`, and numbered when it is paid.
    """
    first = lines[0].subscription
    customer = first.customer
    invoiced = [each for each in rated if not each[1].standalone]
    calculation = Calculation(
        fees=tuple(_fee_line(*each) for each in invoiced),
        currency=first.currency,
        progressive_invoices=tuple(progressive),
    )
    calculation = calculate(purse.offer(calculation), DRAFT if draft or waits else FINALIZED)
    purse.spend(calculation.credits)
    shown = calculation.fees_amount_cents or first.finalizes_zero or target.progressive
    final = ("pending" if waits else "finalized") if shown else "closed"
    if gated:
        final = "open"
    fees = fee_rows(target, invoiced, calculation.shares, calculation.fee_taxes)
    fees += standalone_fees(target, [each for each in rated if each[1].standalone])
    total = sum(row["amount_cents"] for row in fees.fees if row["invoice_id"] is not None)
    assert calculation.fees_amount_cents == total, "fees sum to the invoice"
    return InvoiceRows(
        invoice={
            "id": target.invoice_id,
            "customer_id": customer.id,
            "billing_entity_id": first.billing_entity_id,
            "invoice_type": "progressive_billing" if target.progressive else "subscription",
            "status": "draft" if draft else final,
            "tax_status": "pending" if waits and not draft and final == "pending" else None,
            "currency": first.currency,
            "timezone": customer.timezone,
            "issuing_date": dates.issuing_date,
            "expected_finalization_date": dates.expected_finalization_date,
            "payment_due_date": dates.payment_due_date,
            "net_payment_term": customer.dates.net_payment_term,
            "purchase_order_number": first.purchase_order_number,
            "self_billed": customer.self_billed,
            "skip_charges": target.skip_charges,
            "payment_status": "pending" if calculation.total_amount_cents > 0 else "succeeded",
            **amount_columns(calculation),
            "total_paid_amount_cents": 0,
            "created_at": target.created_at,
        },
        subscriptions=[_subscription_row(target, line) for line in lines],
        fees=fees.fees,
        fee_taxes=fees.taxes,
        taxes=invoice_tax_rows(
            target.invoice_id,
            calculation,
            {each.tax.id: each for _, _, taxes in invoiced for each in taxes},
            first.currency,
            target.created_at,
        ),
        pricing_units=fees.pricing_units,
        payable=() if draft else payable_fees([fee for _, fee, _ in invoiced], calculation),
        credits=calculation.credits,
        sections=applied_section_rows(target, sections),
    )


def applied_section_rows(target: Target, sections: Sequence[Section]) -> list[dict[str, Any]]:
    """The custom sections as the invoice keeps them."""
    columns = {"invoice_id": target.invoice_id, "created_at": target.created_at}
    return [{"id": new_id_text(), **columns, **row} for row in section_rows(sections)]


def standalone_fees(target: Target, rated: Sequence[Rated]) -> FeeRows:
    """The rows of fees without an invoice: taxed at once, nothing is taken off them."""
    return fee_rows(target, rated, None, [tax_fee(_fee_line(*each)) for each in rated])


def _refuse_mixed(lines: Sequence[BilledLine]) -> None:
    first = lines[0].subscription
    if any(line.subscription.purchase_order_number != first.purchase_order_number for line in lines):
        raise ValidationFailed({"purchase_order_number": ["mixed_purchase_order_numbers"]})
    if any(line.subscription.customer.id != first.customer.id for line in lines):
        raise ValidationFailed({"customer": ["mixed_customers"]})
    if any(line.subscription.billing_entity_id != first.billing_entity_id for line in lines):
        raise ValidationFailed({"billing_entity": ["mixed_billing_entities"]})
    if any(line.subscription.currency != first.currency for line in lines):
        raise ValidationFailed({"currency": ["mixed_currencies"]})


def _fee_line(line: BilledLine, fee: RatedFee, taxes: Sequence[TaxFacts]) -> FeeLine:
    return FeeLine(
        amount_cents=fee.amount_cents,
        precise_amount_cents=fee.precise_amount_cents,
        taxes=tuple(each.tax for each in taxes),
        billable_metric_id=fee.billable_metric_id,
        plan_ids=line.subscription.plan_ids,
        charge_id=(line.subscription.id, fee.charge_id) if fee.charge_id else None,
        charge_key=(fee.charge_filter_id, tuple(sorted(fee.grouped_by.items()))) if fee.charge_id else None,
    )


def amount_columns(found: Calculation) -> dict[str, Any]:
    """The amounts of an invoice before wallets pay of it."""
    return {
        "fees_amount_cents": found.fees_amount_cents,
        "progressive_billing_credit_amount_cents": found.progressive_billing_credit_amount_cents,
        "coupons_amount_cents": found.coupons_amount_cents,
        "sub_total_excluding_taxes_amount_cents": found.sub_total_excluding_taxes_amount_cents,
        "taxes_amount_cents": found.taxes_amount_cents,
        "taxes_rate": found.taxes.rate,
        "sub_total_including_taxes_amount_cents": found.sub_total_including_taxes_amount_cents,
        "credit_notes_amount_cents": found.credit_notes_amount_cents,
        "prepaid_credit_amount_cents": 0,
        "total_amount_cents": found.total_amount_cents,
    }


def _subscription_row(target: Target, line: BilledLine) -> dict[str, Any]:
    window = line.window
    return {
        "id": new_id_text(),
        "invoice_id": target.invoice_id,
        "subscription_id": line.subscription.id,
        "invoicing_reason": line.reason,
        "recurring": line.recurring,
        "from_datetime": window.from_datetime,
        "to_datetime": window.to_datetime,
        "charges_from_datetime": window.charges_from_datetime,
        "charges_to_datetime": window.charges_to_datetime,
        "fixed_charges_from_datetime": window.fixed_charges_from_datetime,
        "fixed_charges_to_datetime": window.fixed_charges_to_datetime,
        "timestamp": line.at,
        "created_at": target.created_at,
    }


def invoice_tax_rows(
    invoice_id: UUID, found: Calculation, facts: Mapping[Hashable, TaxFacts], currency: str, created_at: datetime
) -> list[dict[str, Any]]:
    """The tax lines of an invoice. facts: by what the calculation tells taxes apart with."""
    return [
        {
            "id": new_id_text(),
            "invoice_id": invoice_id,
            **tax_columns(facts[line.tax.id]),
            "amount_cents": line.amount_cents,
            "amount_currency": currency,
            "fees_amount_cents": _whole(line.base_cents),
            "taxable_base_amount_cents": _whole(line.base_cents),
            "created_at": created_at,
        }
        for line in found.taxes.lines
    ]


def payable_fees(fees: Sequence[Any], found: Calculation) -> list[PayableFee]:
    """Of these fees, rated or stored ones; those that coupons have taken whole are left out."""
    return [
        PayableFee(
            fee.fee_type,
            fee.billable_metric_id,
            fee.grouped_by.get(TARGET_WALLET),
            fee.amount_cents - share + taxes.precise_amount_cents - paid,
        )
        for fee, share, taxes, paid in zip(fees, found.shares, found.fee_taxes, found.note_shares, strict=True)
        if fee.amount_cents != share
    ]


def _whole(cents: Decimal | int) -> int:
    return int(Decimal(cents).to_integral_value())
