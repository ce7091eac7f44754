"""What a client says of a coupon and of its application, judged (handbook, credits 1.1, 1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.credits.models import COUPON_TYPES, EXPIRATIONS, FREQUENCIES
from domain.kernel import clock
from domain.kernel.currencies import CURRENCIES
from domain.kernel.money import round_half_up
from domain.kernel.validation import OUT_OF_RANGE, TAKEN, Params, Reader

__all__ = ["AppliedCouponTerms", "CouponTerms", "read_applied_terms", "read_coupon_terms"]

LONGEST_DURATION = 2**31 - 1
RATE_DECIMALS = 5
HIGHEST_RATE = Decimal(10) ** 5 - Decimal(1).scaleb(-RATE_DECIMALS)
"""What a row can keep."""


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """The columns of a coupon that a client sets. amount_cents: minor units; percentage_rate: percent."""

    name: str
    code: str
    description: str | None
    coupon_type: str
    amount_cents: int | None
    amount_currency: str | None
    percentage_rate: Decimal | None
    frequency: str
    frequency_duration: int | None
    expiration: str
    expiration_at: datetime | None
    reusable: bool


@dataclass(frozen=True, slots=True)
class AppliedCouponTerms:
    """The columns of an applied coupon that a client may set differently from the coupon."""

    amount_cents: int | None
    amount_currency: str | None
    percentage_rate: Decimal | None
    frequency: str
    frequency_duration: int | None


def read_coupon_terms(params: Params, taken: bool, *, expires_anew: bool = True) -> CouponTerms:
    """Judges all fields. taken: the code is another coupon's. expires_anew: expiration_at is set by this request and
    must lie in the future. Raises ValidationFailed."""
    read = Reader(params)
    name, code = read.text("name", mandatory=True), read.text("code", mandatory=True)
    if taken:
        read.add("code", TAKEN)
    description = read.text("description", longest=10_000)
    coupon_type = read.choice("coupon_type", COUPON_TYPES, mandatory=True)
    fixed = coupon_type == "fixed_amount"
    amount = read.integer("amount_cents", mandatory=fixed, least=1 if fixed else 0)
    currency = read.choice("amount_currency", CURRENCIES, mandatory=fixed)
    rate = _rate(read, mandatory=coupon_type == "percentage")
    frequency, duration = _frequency(read)
    expiration = read.choice("expiration", EXPIRATIONS, mandatory=True)
    expiration_at = read.instant("expiration_at")
    if expiration_at is not None and expires_anew and expiration_at <= clock.now():
        read.add("expiration_at", "invalid_date")
    reusable = read.boolean("reusable", default=True)
    read.finish()
    assert name is not None
    assert code is not None
    assert coupon_type is not None
    assert frequency is not None
    assert expiration is not None
    return CouponTerms(
        name=name,
        code=code,
        description=description,
        coupon_type=coupon_type,
        amount_cents=amount,
        amount_currency=currency,
        percentage_rate=rate,
        frequency=frequency,
        frequency_duration=duration,
        expiration=expiration,
        expiration_at=expiration_at,
        reusable=reusable is not False,
    )


def read_applied_terms(params: Params, *, fixed: bool) -> AppliedCouponTerms:
    """Judges the terms of an application, params being the coupon's with what the client sets differently.
    fixed: whether the coupon takes off an amount. Raises ValidationFailed."""
    read = Reader(params)
    amount = read.integer("amount_cents", mandatory=fixed, least=0)
    currency = read.choice("amount_currency", CURRENCIES, mandatory=fixed)
    rate = _rate(read, mandatory=not fixed)
    frequency, duration = _frequency(read)
    read.finish()
    assert frequency is not None
    return AppliedCouponTerms(amount, currency, rate, frequency, duration)


def _rate(read: Reader, *, mandatory: bool) -> Decimal | None:
    """Percent, kept with five decimals; bounded only by what a row can keep, for a discount ends at its base."""
    rate = read.decimal("percentage_rate", mandatory=mandatory, least=Decimal(0), most=HIGHEST_RATE)
    return None if rate is None else round_half_up(rate, RATE_DECIMALS)


def _frequency(read: Reader) -> tuple[str | None, int | None]:
    frequency = read.choice("frequency", FREQUENCIES, mandatory=True)
    recurring = frequency == "recurring"
    duration = read.integer("frequency_duration", mandatory=recurring, most=LONGEST_DURATION)
    if duration is not None and duration < (1 if recurring else 0):
        read.add("frequency_duration", OUT_OF_RANGE)
    return frequency, duration
