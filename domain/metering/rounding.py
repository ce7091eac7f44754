"""Rounding of aggregated units, as a billable metric asks for it. Source: handbook, metering 8.3."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Final

__all__ = ["rounded"]

_MODES: Final = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}
# Sums are exact and may have more digits than prices are computed with; rounding must not cut them.
_WIDE: Final = Context(prec=10_000, Emax=999_999, Emin=-999_999)


def rounded(units: Decimal, function: str | None, precision: int | None) -> Decimal:
    """Units rounded by `round` (ties away from zero), `ceil` or `floor` to so many decimals (0 when null, negative for
    tens, hundreds …); unchanged without a function."""
    if function is None:
        return units
    return units.quantize(Decimal(1).scaleb(-(precision or 0), _WIDE), _MODES[function], _WIDE)
