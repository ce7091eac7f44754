"""The ranges of the tiered models, read once from a charge's properties."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from domain.kernel.money import ZERO
from domain.pricing.priceable import Properties


@dataclass(frozen=True, slots=True)
class Tier:
    """One range: `start` and `end` (None: open), price per unit (or rate in percent ÷ 100), flat amount.

    from_value, to_value: the bounds as they were sent, for amount_details.
    """

    start: Decimal
    end: Decimal | None
    price: Decimal
    flat: Decimal
    from_value: Any
    to_value: Any


def number(value: Any) -> Decimal:
    """A JSON number or a decimal text as Decimal; null as 0. A float is read by its shortest text (0.1 is 0.1)."""
    if value is None:
        return ZERO
    return Decimal(str(value))


def read_tiers(ranges: Iterable[Properties], price_key: str, *, divisor: int = 1) -> tuple[Tier, ...]:
    """The ranges in the order given. `divisor` turns a rate in percent into a factor."""
    return tuple(
        Tier(
            start=number(r["from_value"]),
            end=None if r.get("to_value") is None else number(r["to_value"]),
            price=number(r.get(price_key)) / divisor,
            flat=number(r.get("flat_amount")),
            from_value=r["from_value"],
            to_value=r.get("to_value"),
        )
        for r in ranges
    )


def are_adjacent(tiers: tuple[Tier, ...]) -> bool:
    """Ranges that meet: each starts where the one before ends (0-10, 10-20), instead of one unit later (11-20)."""
    return len(tiers) > 1 and all(after.start == before.end for before, after in pairwise(tiers))
