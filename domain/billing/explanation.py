"""How a fee came to be, in sentences and steps that a finance person can check: pure.

Everything is read off the fee as it was stored: units and prices, `amount_details`, and `reckoning`, which keeps the
days and limits that they came from. Nothing is computed anew; `verify.py` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.kernel.currencies import currency_of
from domain.kernel.money import ZERO, decimal_text, from_cents, round_half_up
from domain.pricing.steps import Step, price_steps

__all__ = ["Proration", "Rounding", "fee_steps", "period_reason", "proration_of", "roundings_of"]

_WHY_DAYS: Final = {
    "termination": "the subscription ended inside the period",
    "after_upgrade": "the plan began with an upgrade inside the period",
    "first_period": "the subscription began inside the period",
    "full_period": "the whole period is due",
}
_REASONS: Final = {
    "subscription_starting": "The subscription began, and its plan is paid in advance.",
    "subscription_periodic": "A billing period of the subscription had ended, or the next one began.",
    "subscription_terminating": "The subscription ended.",
    "in_advance_charge": "Paid in advance, at the moment of use or of a change of units.",
    "in_advance_charge_periodic": "Fees paid before, put together on one invoice.",
    "progressive_billing": "Usage passed a threshold at which it is billed.",
}


@dataclass(frozen=True, slots=True)
class Proration:
    """What part of a whole was due: factor = days / of_days, or prorated units / whole units."""

    numerator: str
    denominator: str
    factor: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Rounding:
    """One rounding on the way. exact, rounded: cents."""

    what: str
    exact: Decimal
    rounded: int
    rule: str


def period_reason(invoicing_reason: str | None, fee_type: str) -> str:
    """Why the fee's period was billed when it was."""
    if invoicing_reason is not None:
        return _REASONS[invoicing_reason]
    if fee_type == "add_on":
        return "Sold once, on an invoice of its own."
    if fee_type == "credit":
        return "Credits bought for a wallet."
    return "A fee that was not billed on an invoice when it arose."


def fee_steps(fee: Any) -> list[Step]:
    """The steps from what was counted to the amount before taxes; fee: a row of `fee_queries`."""
    reckoning, money = fee.reckoning or {}, _Money(fee.amount_currency)
    if fee.true_up_parent_fee_id is not None:
        return list(_minimum_steps(reckoning, money, fee.amount_cents, "min_amount_cents", "used_cents"))
    match fee.fee_type:
        case "charge" | "fixed_charge":
            return [*_charge_steps(fee, reckoning, money)]
        case "subscription" if reckoning:
            days, of_days = reckoning["days"], reckoning["of_days"]
            plan = money.text(reckoning["plan_amount_cents"])
            return [
                Step("plan", f"{plan} for a period of {of_days} days", plan),
                Step("days", f"{plan} x {days} / {of_days}", money.text(fee.precise_amount_cents)),
            ]
        case "commitment" if reckoning:
            return list(_minimum_steps(reckoning, money, fee.amount_cents, "commitment_amount_cents", "spent_cents"))
        case _:
            unit = decimal_text(fee.precise_unit_amount)
            return [Step("units", f"{decimal_text(fee.units)} x {unit}", money.text(fee.precise_amount_cents))]


def _charge_steps(fee: Any, reckoning: Mapping[str, Any], money: _Money) -> Iterator[Step]:
    if "new_units" in reckoning:
        yield Step("units", f"{reckoning['new_units']} now - {reckoning['billed_units']} billed before", "")
    if "prorated_units" in reckoning:
        yield Step("prorated units", "the units, weighed by the days they were held", reckoning["prorated_units"])
    in_unit = fee.pricing_unit_id is not None
    precise = fee.pricing_unit_precise_amount_cents / 100 if in_unit else money.units(fee.precise_amount_cents)
    unit_price = fee.pricing_unit_precise_unit_amount if in_unit else fee.precise_unit_amount
    yield from price_steps(fee.charge_model, fee.units, precise, decimal_text(unit_price), fee.amount_details)
    if in_unit:
        hundredths, rate = fee.pricing_unit_amount_cents, decimal_text(fee.conversion_rate)
        yield Step(
            "conversion",
            f"{decimal_text(Decimal(hundredths) / 100)} {fee.pricing_unit_short_name} x {rate}",
            money.text(fee.precise_amount_cents),
        )


def _minimum_steps(
    reckoning: Mapping[str, Any], money: _Money, amount_cents: int, whole: str, used: str
) -> Iterator[Step]:
    if not reckoning:
        yield Step("minimum", "what was missing to the minimum", money.text(amount_cents))
        return
    days, of_days = reckoning["days"], reckoning["of_days"]
    due = Decimal(reckoning[whole]) * days / of_days
    yield Step("minimum", f"{money.text(reckoning[whole])} x {days} / {of_days} days", money.text(due))
    yield Step("spent", "what the period brought in", money.text(reckoning[used]))
    yield Step("missing", "minimum - spent", money.text(amount_cents))


def proration_of(fee: Any) -> Proration | None:
    """What part of a period or of whole units was billed; None where the fee knows of none."""
    reckoning = fee.reckoning or {}
    if "days" in reckoning:
        days, of_days = int(reckoning["days"]), int(reckoning["of_days"])
        factor = Decimal(days) / of_days if of_days else Decimal(0)
        why = _WHY_DAYS.get(reckoning.get("reason", ""), "the days of the period in which the subscription ran")
        return Proration(f"{days} days", f"{of_days} days", round_half_up(factor, 10), why)
    if "full_units" in reckoning and Decimal(reckoning["full_units"]):
        part, whole = Decimal(reckoning["prorated_units"]), Decimal(reckoning["full_units"])
        why = f"units count for the days they were held, of {reckoning['of_days']}"
        return Proration(
            f"{decimal_text(part)} units", f"{decimal_text(whole)} units", round_half_up(part / whole, 10), why
        )
    return None


def roundings_of(fee: Any, taxes: Sequence[Any]) -> list[Rounding]:
    """Every rounding between the exact amount and what the invoice sums up."""
    found = []
    if fee.pricing_unit_id is not None:
        found.append(
            Rounding(
                f"amount in {fee.pricing_unit_short_name}",
                fee.pricing_unit_precise_amount_cents,
                fee.pricing_unit_amount_cents,
                "half away from zero, to hundredths of the pricing unit, before conversion",
            )
        )
    digits = currency_of(fee.amount_currency).exponent
    rule = f"half away from zero, to {digits} decimals of {fee.amount_currency}"
    found.append(Rounding("amount", fee.precise_amount_cents, fee.amount_cents, rule))
    # The amount that a client pays tax on is the rounded one, after what coupons took off.
    base = fee.amount_cents - fee.precise_coupons_amount_cents
    exact = [(base * tax.tax_rate).scaleb(-2) for tax in taxes]
    found += [
        Rounding(f"tax {tax.tax_code}", amount, tax.amount_cents, rule)
        for tax, amount in zip(taxes, exact, strict=True)
    ]
    if len(taxes) > 1:
        found.append(Rounding("taxes", sum(exact, ZERO), fee.taxes_amount_cents, f"{rule}, once on the sum"))
    return found


@dataclass(frozen=True, slots=True)
class _Money:
    """Cents as text in units of the currency."""

    currency: str

    def units(self, cents: Decimal | int) -> Decimal:
        return from_cents(cents, self.currency)

    def text(self, cents: Decimal | int) -> str:
        return decimal_text(round_half_up(self.units(cents), 15))
