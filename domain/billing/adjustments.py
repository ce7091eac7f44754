"""What somebody set by hand for lines of a draft: pure. Source: subscriptions handbook, section 6, adjusted fees."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from domain.billing.facts import Facts, SubscriptionFacts
from domain.billing.plan_facts import ChargeFacts, FixedChargeFacts
from domain.billing.rated_fee import RatedFee
from domain.kernel.money import ONE, ZERO, from_cents
from domain.pricing.fee_amounts import FeeAmounts, fee_amounts, stored
from domain.pricing.models import charge_model
from domain.pricing.priceable import Price, Priceable

__all__ = ["Adjustment", "FeeKey", "LineAdjustments", "UnitPrice", "adjust", "empty_fee", "key_of", "priced_by_units"]

FeeKey = Hashable
# The price of units alone is not defined: these look at single events, or at days.
_NOT_BY_UNITS: Final = ("percentage", "dynamic", "custom")


@dataclass(frozen=True, slots=True)
class Adjustment:
    """units with unit_amount (in units of the currency, or of the charge's pricing unit): the amount is their product.
    units alone: the price of so many. Neither: only the name."""

    fee_type: str
    units: Decimal | None = None
    unit_amount: Decimal | None = None
    invoice_display_name: str | None = None
    charge_id: UUID | None = None
    charge_filter_id: UUID | None = None
    fixed_charge_id: UUID | None = None
    grouped_by: Mapping[str, Any] = field(default_factory=dict)
    id: UUID | None = None

    @property
    def key(self) -> FeeKey:
        return key_of(self)


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """How units are priced: the model of a charge, and what a pricing unit is worth."""

    model: str
    properties: Mapping[str, Any]
    conversion_rate: Decimal | None = None

    @classmethod
    def of(cls, charge: ChargeFacts | FixedChargeFacts, charge_filter_id: UUID | None = None) -> UnitPrice:
        """Of a charge, or of one of its filters."""
        if isinstance(charge, FixedChargeFacts):
            return cls(charge.charge_model, charge.properties)
        rate = charge.pricing_unit.conversion_rate if charge.pricing_unit else None
        filtered = next((each for each in charge.filters if each.rule.id == charge_filter_id), None)
        return cls(charge.charge_model, filtered.properties if filtered else charge.properties, rate)


def key_of(fee: Any) -> FeeKey:
    """What an adjustment and the fee it is for have in common on one line of an invoice."""
    groups = tuple(sorted((name, str(value)) for name, value in fee.grouped_by.items()))
    return fee.fee_type, fee.charge_id, fee.charge_filter_id, fee.fixed_charge_id, groups


def priced_by_units(model: str, *, prorated: bool) -> bool:
    """Whether so many units have a price of their own."""
    return model not in _NOT_BY_UNITS and not (prorated and model == "graduated")


def adjust(fee: RatedFee, adjustment: Adjustment, currency: str, price: UnitPrice | None) -> RatedFee:
    """The fee as it was set. price: of a charge, None for a base fee, whose units are multiples of its amount."""
    named = replace(
        fee,
        invoice_display_name=adjustment.invoice_display_name or fee.invoice_display_name,
        adjusted_fee_id=adjustment.id,
    )
    units = adjustment.units
    if units is None:
        return named
    if adjustment.unit_amount is None and price is None:
        cents = units * fee.amount_cents
        return replace(
            named,
            units=units,
            amount_cents=int(fee_amounts(_price(from_cents(cents, currency)), Priceable(ONE), currency).amount_cents),
            precise_amount_cents=stored(units * fee.precise_amount_cents),
            unit_amount_cents=fee.amount_cents,
            precise_unit_amount=stored(from_cents(fee.amount_cents, currency)),
            reckoning={},
        )
    amounts = _amounts(units, adjustment.unit_amount, currency, price)
    details = amounts.amount_details if fee.fee_type != "subscription" else fee.amount_details
    return replace(
        named,
        units=amounts.units,
        total_aggregated_units=None if fee.total_aggregated_units is None else amounts.units,
        amount_cents=amounts.amount_cents,
        precise_amount_cents=amounts.precise_amount_cents,
        unit_amount_cents=amounts.unit_amount_cents,
        precise_unit_amount=amounts.precise_unit_amount,
        amount_details=details,
        pricing_unit=amounts.pricing_unit,
        reckoning={},
    )


def _amounts(units: Decimal, unit_amount: Decimal | None, currency: str, price: UnitPrice | None) -> FeeAmounts:
    usage = Priceable(units=units)
    rate = price.conversion_rate if price else None
    if unit_amount is not None:
        return fee_amounts(Price(units * unit_amount, unit_amount, {}), usage, currency, conversion_rate=rate)
    assert price is not None, "units alone need a price"
    return fee_amounts(charge_model(price.model, price.properties).price(usage), usage, currency, conversion_rate=rate)


def _price(amount: Decimal) -> Price:
    return Price(amount, amount, {})


def empty_fee(charge: ChargeFacts | FixedChargeFacts, adjustment: Adjustment) -> RatedFee:
    """A line for a charge that has none, for the adjustment to fill."""
    common = {
        "amount_cents": 0,
        "precise_amount_cents": ZERO,
        "units": ZERO,
        "unit_amount_cents": 0,
        "precise_unit_amount": ZERO,
        "owner": charge.id,
        "grouped_by": adjustment.grouped_by,
        "pay_in_advance": charge.pay_in_advance,
    }
    if isinstance(charge, FixedChargeFacts):
        return RatedFee(
            fee_type="fixed_charge",
            fixed_charge_id=charge.id,
            add_on_id=charge.add_on_id,
            **common,  # type: ignore[arg-type]
        )
    unit = charge.pricing_unit
    return RatedFee(
        fee_type="charge",
        charge_id=charge.id,
        charge_filter_id=adjustment.charge_filter_id,
        billable_metric_id=charge.metric_id,
        total_aggregated_units=ZERO,
        events_count=0,
        pricing_unit_id=unit.id if unit else None,
        pricing_unit_short_name=unit.short_name if unit else None,
        **common,  # type: ignore[arg-type]
    )


class LineAdjustments:
    """The adjustments of one line while it is rated; each is used once."""

    def __init__(self, found: Sequence[Adjustment], subscription: SubscriptionFacts, facts: Facts) -> None:
        self._left = {each.key: each for each in found}
        self._currency = subscription.currency
        self._charges = {each.id: each for each in facts.charges_of(subscription)} if found else {}
        self._fixed = {each.id: each for each in facts.fixed_charges_of(subscription)} if found else {}

    def apply(self, fee: RatedFee) -> RatedFee:
        """The fee as it was set, or as it is. What lifts a charge to its minimum follows the others by itself."""
        if not self._left or fee.true_up_of is not None:
            return fee
        adjustment = self._left.pop(key_of(fee), None)
        return fee if adjustment is None else self._adjusted(fee, adjustment)

    def missing(self, charge_id: UUID | None = None) -> Iterator[RatedFee]:
        """A fee for every adjustment of this charge (None: of any) that no line was there for."""
        for key, adjustment in list(self._left.items()):
            charge = self._charge(adjustment)
            if charge is not None and charge_id in (None, charge.id):
                del self._left[key]
                yield self._adjusted(empty_fee(charge, adjustment), adjustment)

    def _adjusted(self, fee: RatedFee, adjustment: Adjustment) -> RatedFee:
        charge = self._charge(adjustment)
        price = UnitPrice.of(charge, adjustment.charge_filter_id) if charge is not None else None
        return adjust(fee, adjustment, self._currency, price)

    def _charge(self, adjustment: Adjustment) -> ChargeFacts | FixedChargeFacts | None:
        if adjustment.charge_id is not None:
            return self._charges.get(adjustment.charge_id)
        return self._fixed.get(adjustment.fixed_charge_id) if adjustment.fixed_charge_id is not None else None
