"""How values are written in REST answers and webhooks (platform handbook, section 4.3; metering, section 0.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from domain.kernel.money import decimal_text

__all__ = ["decimal_or_none", "decimal_text", "instant", "instant_ms", "instant_or_none", "rate"]


def instant(value: datetime) -> str:
    """Seconds, UTC, fractions cut off: "2024-03-01T12:00:00Z"."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant_or_none(value: datetime | None) -> str | None:
    """As `instant`; None stays null."""
    return None if value is None else instant(value)


def instant_ms(value: datetime) -> str:
    """Milliseconds, UTC, finer fractions cut off: "2024-03-01T12:00:00.250Z"."""
    utc = value.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def decimal_or_none(value: Decimal | None) -> str | None:
    """Plain notation with at least one decimal, "4.0"; None stays null."""
    return None if value is None else decimal_text(value)


def rate(value: Decimal) -> float:
    """A percentage that the interface shows as a JSON number: 20.0. Never computed with."""
    return float(value)
