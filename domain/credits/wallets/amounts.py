"""Credits to money and back: pure. Source: handbook, credits 5.1."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.kernel.money import from_cents, round_half_up, to_cents, truncate

__all__ = ["CREDIT_DECIMALS", "Amounts", "credits_of", "of_cents", "of_credits", "of_voided_credits"]

CREDIT_DECIMALS: Final = 5


@dataclass(frozen=True, slots=True)
class Amounts:
    """One movement in both measures: whole minor units, and credits with five decimals."""

    cents: int
    credits: Decimal


def of_credits(credits: Decimal, rate: Decimal, currency: str) -> Amounts:
    """What so many credits are: the money is rounded to the currency, and the credits follow the rounded money.

    "10.123456" at 1.5 EUR: 15.19 EUR, 10.12667 credits.
    """
    return of_cents(to_cents(truncate(credits, CREDIT_DECIMALS) * rate, currency), rate, currency)


def of_voided_credits(credits: Decimal, rate: Decimal, currency: str) -> Amounts:
    """As `of_credits`, but the credits stay as they were given."""
    kept = truncate(credits, CREDIT_DECIMALS)
    return Amounts(to_cents(kept * rate, currency), kept)


def of_cents(cents: int, rate: Decimal, currency: str) -> Amounts:
    """Money that is known, with the credits it is worth."""
    return Amounts(cents, credits_of(cents, rate, currency))


def credits_of(cents: int, rate: Decimal, currency: str) -> Decimal:
    """The credits that so much money is worth; negative money has negative credits."""
    return round_half_up(from_cents(cents, currency) / rate, CREDIT_DECIMALS)
