"""Parts of a whole. Pure."""

from __future__ import annotations

from decimal import Decimal

from domain.kernel.money import round_half_up

__all__ = ["SHARE_DIGITS", "share_of"]

SHARE_DIGITS = 6


def share_of(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    """The part as a fraction of the whole with six decimals; None of a whole that is nothing."""
    return round_half_up(Decimal(part) / Decimal(whole), SHARE_DIGITS) if whole else None
