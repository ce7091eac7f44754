"""How the amount of a fee came about, by its charge model."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import strawberry

from graphql_api.scalars import BigInt

__all__ = ["FeeAmountDetails", "amount_details"]

COUNTS: Final = ("free_events", "paid_events", "per_package_size")
BOUNDS: Final = ("from_value", "to_value")


@strawberry.type
class FeeAmountDetailsGraduatedRange:
    units: str | None
    from_value: float | None
    to_value: float | None
    flat_unit_amount: str | None
    per_unit_amount: str | None
    per_unit_total_amount: str | None
    total_with_flat_amount: str | None


@strawberry.type
class FeeAmountDetailsGraduatedPercentageRange:
    units: str | None
    from_value: BigInt | None
    to_value: BigInt | None
    flat_unit_amount: str | None
    per_unit_total_amount: str | None
    rate: str | None
    total_with_flat_amount: str | None


@strawberry.type
class FeeAmountDetails:
    """How the amount came about; which fields are set depends on the charge model."""

    graduated_ranges: list[FeeAmountDetailsGraduatedRange] | None
    graduated_percentage_ranges: list[FeeAmountDetailsGraduatedPercentageRange] | None
    free_units: str | None
    paid_units: str | None
    per_package_size: int | None
    per_package_unit_amount: str | None
    fixed_fee_total_amount: str | None
    fixed_fee_unit_amount: str | None
    flat_unit_amount: str | None
    free_events: int | None
    min_max_adjustment_total_amount: str | None
    paid_events: int | None
    per_unit_amount: str | None
    per_unit_total_amount: str | None
    rate: str | None
    units: str | None


def amount_details(details: Mapping[str, Any], model: str | None) -> FeeAmountDetails | None:
    """From the column of a fee; None for one that no charge model priced."""
    if model is None:
        return None
    plain: dict[str, Any] = {
        name: details.get(name)
        for name in FeeAmountDetails.__annotations__
        if name not in {"graduated_ranges", "graduated_percentage_ranges"}
    }
    # The fee of an event paid in advance tells its counts as decimal text (handbook, pricing 9).
    plain |= {name: None if plain[name] is None else int(Decimal(plain[name])) for name in COUNTS}
    return FeeAmountDetails(
        graduated_ranges=_ranges(FeeAmountDetailsGraduatedRange, details.get("graduated_ranges")),
        graduated_percentage_ranges=_ranges(
            FeeAmountDetailsGraduatedPercentageRange, details.get("graduated_percentage_ranges")
        ),
        **plain,
    )


def _ranges(kind: Any, ranges: Any) -> Any:
    if ranges is None:
        return None
    return [kind(**{name: _whole(name, each.get(name)) for name in kind.__annotations__}) for each in ranges]


def _whole(name: str, value: Any) -> Any:
    """A whole bound as an integer: one that came in as a GraphQL Float is stored as 10.0."""
    return int(value) if name in BOUNDS and value is not None and value == int(value) else value
