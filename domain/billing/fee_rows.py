"""From rated fees to the rows of `fees` and of what hangs on them: pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.billing.lines import BilledLine
from domain.billing.rated_fee import RatedFee, instant_text
from domain.billing.requests import Target
from domain.billing.tax_facts import TaxFacts
from domain.invoicing.calculation.state import Taxes
from domain.kernel.ids import new_id_text
from domain.kernel.money import ZERO
from domain.pricing.fee_amounts import stored

__all__ = ["FeeRows", "fee_rows", "fee_tax_rows", "tax_columns"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FeeRows:
    fees: list[Row] = field(default_factory=list)
    taxes: list[Row] = field(default_factory=list)
    pricing_units: list[Row] = field(default_factory=list)

    def __iadd__(self, other: FeeRows) -> FeeRows:
        self.fees.extend(other.fees)
        self.taxes.extend(other.taxes)
        self.pricing_units.extend(other.pricing_units)
        return self


def fee_rows(
    target: Target,
    rated: Sequence[tuple[BilledLine, RatedFee, Sequence[TaxFacts]]],
    shares: Sequence[Decimal] | None,
    taxed: Sequence[Taxes],
) -> FeeRows:
    """The rows of these fees, in order. shares: what was taken off each, None for fees without an invoice."""
    found = FeeRows()
    properties: dict[int, Row] = {}
    ids: dict[int, str] = {}
    for position, ((line, fee, taxes), fee_taxes) in enumerate(zip(rated, taxed, strict=True)):
        subscription = line.subscription
        of_line = properties.get(id(line))
        if of_line is None:
            of_line = properties[id(line)] = _properties(line)
        fee_id = ids[id(fee)] = new_id_text()
        parent = ids.get(id(fee.true_up_of)) if fee.true_up_of is not None else None
        found.fees.append(
            {
                "id": fee_id,
                "invoice_id": None if fee.standalone else target.invoice_id,
                "customer_id": subscription.customer.id,
                "billing_entity_id": subscription.billing_entity_id,
                "subscription_id": subscription.id,
                "charge_id": fee.charge_id,
                "charge_filter_id": fee.charge_filter_id,
                "fixed_charge_id": fee.fixed_charge_id,
                "add_on_id": fee.add_on_id,
                "commitment_id": fee.commitment_id,
                "true_up_parent_fee_id": parent,
                "original_fee_id": fee.original_fee_id,
                "adjusted_fee_id": fee.adjusted_fee_id,
                "pay_in_advance_event_id": fee.pay_in_advance_event_id,
                "pay_in_advance_event_transaction_id": fee.pay_in_advance_event_transaction_id,
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
                "precise_coupons_amount_cents": ZERO if shares is None else shares[position],
                "pay_in_advance": fee.pay_in_advance,
                "invoice_display_name": fee.invoice_display_name,
                "grouped_by": fee.grouped_by,
                "properties": {**of_line, **fee.properties} if fee.properties else of_line,
                "amount_details": fee.amount_details,
                "presentation_breakdowns": fee.presentation_breakdowns,
                "reckoning": fee.reckoning or None,
                "created_at": target.created_at,
            }
        )
        facts = {each.tax.id: each for each in taxes}
        found.taxes.extend(fee_tax_rows(fee_id, fee_taxes, facts, subscription.currency, target.created_at))
        if fee.pricing_unit is not None:
            found.pricing_units.append(_pricing_unit(fee_id, fee, target.created_at))
    return found


def _properties(line: BilledLine) -> Row:
    window = line.window
    return {
        "from_datetime": instant_text(window.from_datetime),
        "to_datetime": instant_text(window.to_datetime),
        "charges_from_datetime": instant_text(window.charges_from_datetime),
        "charges_to_datetime": instant_text(window.charges_to_datetime),
        "charges_duration": window.charges_duration,
        "timestamp": instant_text(line.at),
    }


def fee_tax_rows(
    fee_id: str, found: Taxes, facts: Mapping[Hashable, TaxFacts], currency: str, created_at: datetime
) -> list[Row]:
    """The tax lines of a fee. facts: by what the calculation tells taxes apart with."""
    return [
        {
            "id": new_id_text(),
            "fee_id": fee_id,
            **tax_columns(facts[line.tax.id]),
            "amount_cents": line.amount_cents,
            "amount_currency": currency,
            "precise_amount_cents": stored(line.precise_amount_cents),
            "created_at": created_at,
        }
        for line in found.lines
    ]


def tax_columns(facts: TaxFacts) -> Row:
    """A tax as it is kept with what it applied to."""
    return {
        "tax_id": facts.id,
        "tax_code": facts.code,
        "tax_name": facts.name,
        "tax_description": facts.description,
        "tax_rate": facts.tax.rate,
    }


def _pricing_unit(fee_id: str, fee: RatedFee, created_at: datetime) -> Row:
    amounts = fee.pricing_unit
    assert amounts is not None, "the charge is priced in a unit of its own"
    return {
        "id": new_id_text(),
        "fee_id": fee_id,
        "pricing_unit_id": fee.pricing_unit_id,
        "short_name": fee.pricing_unit_short_name,
        "conversion_rate": amounts.conversion_rate,
        "amount_cents": amounts.amount_cents,
        "precise_amount_cents": amounts.precise_amount_cents,
        "unit_amount_cents": amounts.unit_amount_cents,
        "precise_unit_amount": amounts.precise_unit_amount,
        "created_at": created_at,
    }
