"""Which plans are legal (pricing handbook, section 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.catalog.unsupported import refuse_unsupported
from domain.kernel.currencies import CURRENCIES
from domain.kernel.validation import INVALID, TAKEN, Params, Reader

__all__ = ["INTERVALS", "SPLIT_INTERVALS", "PlanTerms", "read_plan_terms"]

INTERVALS = ("weekly", "monthly", "quarterly", "semiannual", "yearly")
SPLIT_INTERVALS = frozenset({"semiannual", "yearly"})
"""Intervals whose charges may be billed monthly."""

MAX_TRIAL_DAYS = Decimal(100_000)
MICROSECONDS = Decimal(1).scaleb(-10)
"""In days: finer than an instant is stored."""

UNSUPPORTED_FIELDS: Mapping[str, object] = {
    "pricing_type": "legacy",
}


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """The columns of a plan that a client sets. amount_cents: minor units per interval. trial_period: days."""

    name: str
    code: str
    invoice_display_name: str | None
    description: str | None
    interval: str
    amount_cents: int
    amount_currency: str
    pay_in_advance: bool
    trial_period: Decimal | None
    bill_charges_monthly: bool | None
    bill_fixed_charges_monthly: bool | None


def read_plan_terms(params: Params, taken: bool = False) -> PlanTerms:
    """Judges the columns of a plan. `taken`: the code is another plan's. Raises ValidationFailed."""
    read = Reader(params)
    name, code = read.text("name", mandatory=True), read.text("code", mandatory=True)
    if taken:
        read.add("code", TAKEN)
    interval = read.choice("interval", INTERVALS, mandatory=True)
    amount_cents = read.integer("amount_cents", mandatory=True)
    currency = read.choice("amount_currency", CURRENCIES, mandatory=True)
    pay_in_advance = read.boolean("pay_in_advance", mandatory=True)
    trial_period = read.decimal("trial_period", least=Decimal(0), most=MAX_TRIAL_DAYS)
    split = {flag: read.boolean(flag) for flag in ("bill_charges_monthly", "bill_fixed_charges_monthly")}
    values: dict[str, Any] = {
        "invoice_display_name": read.text("invoice_display_name"),
        "description": read.text("description", longest=10_000),
        "trial_period": None if trial_period is None else trial_period.quantize(MICROSECONDS),
        **{flag: bool(value) if interval in SPLIT_INTERVALS else None for flag, value in split.items()},
    }
    for listed in ("charges", "fixed_charges"):
        sent = params.get(listed)
        if sent is not None and not (isinstance(sent, list) and all(isinstance(one, Mapping) for one in sent)):
            read.add(listed, INVALID)
    refuse_unsupported(read, UNSUPPORTED_FIELDS)
    read.finish()
    assert name is not None
    assert code is not None
    assert interval is not None
    assert amount_cents is not None
    assert currency is not None
    assert pay_in_advance is not None
    return PlanTerms(
        name=name,
        code=code,
        interval=interval,
        amount_cents=amount_cents,
        amount_currency=currency,
        pay_in_advance=pay_in_advance,
        **values,
    )
