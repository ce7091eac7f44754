"""From rated lines to the rows of invoices: pure. What is written is settled here, numbers excepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.facts import Facts, TaxFacts
from domain.billing.lines import BilledLine
from domain.billing.rating import RatedFee, instant_text, rate_line
from domain.billing.requests import Target
from domain.invoicing.calculation.calculate import DRAFT, FINALIZED, calculate
from domain.invoicing.calculation.state import Calculation, FeeLine, Taxes
from domain.invoicing.dates import InvoiceDates, invoice_dates
from domain.invoicing.rows import InvoiceRows
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import new_id_text
from domain.metering.usage import Usage
from domain.pricing.fee_amounts import stored

__all__ = ["Built", "assemble"]


@dataclass(frozen=True, slots=True)
class Built:
    """An invoice ready to be written. status: draft, finalized or closed; a finalized one still needs its number."""

    target: Target
    rows: InvoiceRows

    @property
    def status(self) -> str:
        return str(self.rows.invoice["status"])


def assemble(
    target: Target,
    lines: Sequence[BilledLine],
    facts: Facts,
    usage: Mapping[Any, Usage],
    *,
    draft: bool | None = None,
    dates: InvoiceDates | None = None,
) -> Built:
    """The rows of one invoice. draft: whether it is one, None for as the grace period says; dates: instead of the
    computed ones.

    Raises ValidationFailed for subscriptions that cannot share an invoice.
    """
    first = lines[0].subscription
    customer = first.customer
    if any(line.subscription.purchase_order_number != first.purchase_order_number for line in lines):
        raise ValidationFailed({"purchase_order_number": ["mixed_purchase_order_numbers"]})
    if any(line.subscription.customer.id != customer.id for line in lines):
        raise ValidationFailed({"customer": ["mixed_customers"]})
    if any(line.subscription.currency != first.currency for line in lines):
        raise ValidationFailed({"currency": ["mixed_currencies"]})

    dates = dates or invoice_dates(customer.dates, target.at, periodic=target.periodic)
    draft = customer.dates.grace_period > 0 if draft is None else draft
    taxes = facts.taxes.get(customer.billing_entity_id, ())
    rated = [
        (line, fee)
        for line in lines
        for fee in rate_line(
            line,
            facts,
            usage,
            issuing_date=dates.issuing_date,
            created_at=target.created_at,
            skip_charges=target.skip_charges,
        )
    ]
    calculation = calculate(
        Calculation(
            fees=tuple(_fee_line(line, fee, taxes) for line, fee in rated),
            currency=first.currency,
        ),
        DRAFT if draft else FINALIZED,
    )
    final = "finalized" if calculation.fees_amount_cents or customer.finalizes_zero else "closed"
    fee_rows, fee_taxes = _fee_rows(target, rated, calculation, taxes)
    rows = InvoiceRows(
        invoice={
            "id": target.invoice_id,
            "customer_id": customer.id,
            "billing_entity_id": customer.billing_entity_id,
            "status": "draft" if draft else final,
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
            **_amounts(calculation),
            "created_at": target.created_at,
        },
        subscriptions=[_subscription_row(target, line) for line in lines],
        fees=fee_rows,
        fee_taxes=fee_taxes,
        taxes=_invoice_taxes(target.invoice_id, calculation, taxes, first.currency, target.created_at),
    )
    assert calculation.fees_amount_cents == sum(row["amount_cents"] for row in fee_rows), "fees sum to the invoice"
    return Built(target, rows)


def _fee_line(line: BilledLine, fee: RatedFee, taxes: Sequence[TaxFacts]) -> FeeLine:
    return FeeLine(
        amount_cents=fee.amount_cents,
        precise_amount_cents=fee.precise_amount_cents,
        taxes=tuple(each.tax for each in taxes),
        billable_metric_id=fee.billable_metric_id,
        plan_ids=line.subscription.plan_ids,
        charge_id=fee.charge_id,
    )


def _amounts(found: Calculation) -> dict[str, Any]:
    return {
        "fees_amount_cents": found.fees_amount_cents,
        "progressive_billing_credit_amount_cents": found.progressive_billing_credit_amount_cents,
        "coupons_amount_cents": found.coupons_amount_cents,
        "sub_total_excluding_taxes_amount_cents": found.sub_total_excluding_taxes_amount_cents,
        "taxes_amount_cents": found.taxes_amount_cents,
        "taxes_rate": found.taxes.rate,
        "sub_total_including_taxes_amount_cents": found.sub_total_including_taxes_amount_cents,
        "credit_notes_amount_cents": found.credit_notes_amount_cents,
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
        "timestamp": line.at,
        "created_at": target.created_at,
    }


def _properties(line: BilledLine) -> dict[str, Any]:
    window = line.window
    return {
        "from_datetime": instant_text(window.from_datetime),
        "to_datetime": instant_text(window.to_datetime),
        "charges_from_datetime": instant_text(window.charges_from_datetime),
        "charges_to_datetime": instant_text(window.charges_to_datetime),
        "charges_duration": window.charges_duration,
        "timestamp": instant_text(line.at),
    }


def _fee_rows(
    target: Target, rated: Sequence[tuple[BilledLine, RatedFee]], found: Calculation, taxes: Sequence[TaxFacts]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    applied: list[dict[str, Any]] = []
    properties: dict[int, dict[str, Any]] = {}
    for position, ((line, fee), share, fee_taxes) in enumerate(zip(rated, found.shares, found.fee_taxes, strict=True)):
        subscription = line.subscription
        if id(line) not in properties:
            properties[id(line)] = _properties(line)
        fee_id = new_id_text()
        rows.append(
            {
                "id": fee_id,
                "invoice_id": target.invoice_id,
                "customer_id": subscription.customer.id,
                "billing_entity_id": subscription.customer.billing_entity_id,
                "subscription_id": subscription.id,
                "charge_id": fee.charge_id,
                "fee_type": fee.fee_type,
                "position": position,
                "amount_cents": fee.amount_cents,
                "amount_currency": subscription.currency,
                "precise_amount_cents": fee.precise_amount_cents,
                "units": fee.units,
                "total_aggregated_units": fee.total_aggregated_units,
                "events_count": fee.events_count,
                "unit_amount_cents": fee.unit_amount_cents,
                "precise_unit_amount": fee.precise_unit_amount,
                "taxes_amount_cents": fee_taxes.amount_cents,
                "taxes_precise_amount_cents": stored(fee_taxes.precise_amount_cents),
                "taxes_rate": fee_taxes.rate,
                "precise_coupons_amount_cents": share,
                "properties": properties[id(line)],
                "amount_details": fee.amount_details,
                "created_at": target.created_at,
            }
        )
        applied += _fee_taxes(fee_id, fee_taxes, taxes, subscription.currency, target.created_at)
    return rows, applied


def _fee_taxes(
    fee_id: str, found: Taxes, taxes: Sequence[TaxFacts], currency: str, created_at: datetime
) -> list[dict[str, Any]]:
    facts = {each.tax.id: each for each in taxes}
    return [
        {
            "id": new_id_text(),
            "fee_id": fee_id,
            **_tax(facts[line.tax.id]),
            "amount_cents": line.amount_cents,
            "amount_currency": currency,
            "precise_amount_cents": stored(line.precise_amount_cents),
            "created_at": created_at,
        }
        for line in found.lines
    ]


def _invoice_taxes(
    invoice_id: UUID, found: Calculation, taxes: Sequence[TaxFacts], currency: str, created_at: datetime
) -> list[dict[str, Any]]:
    facts = {each.tax.id: each for each in taxes}
    return [
        {
            "id": new_id_text(),
            "invoice_id": invoice_id,
            **_tax(facts[line.tax.id]),
            "amount_cents": line.amount_cents,
            "amount_currency": currency,
            "fees_amount_cents": _whole(line.base_cents),
            "taxable_base_amount_cents": _whole(line.base_cents),
            "created_at": created_at,
        }
        for line in found.taxes.lines
    ]


def _tax(facts: TaxFacts) -> dict[str, Any]:
    return {
        "tax_id": facts.id,
        "tax_code": facts.code,
        "tax_name": facts.name,
        "tax_description": facts.description,
        "tax_rate": facts.tax.rate,
    }


def _whole(cents: Decimal | int) -> int:
    return int(Decimal(cents).to_integral_value())
