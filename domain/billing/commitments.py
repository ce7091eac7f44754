"""What is missing to the least a period brings in: pure. Source: handbook, subscriptions 4.6 and pricing 14."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from domain.billing.base_fee_due import opens_period
from domain.billing.lines import BilledLine
from domain.billing.plan_facts import CommitmentFacts
from domain.billing.rated_fee import RatedFee, instant_text
from domain.kernel.money import ONE, from_cents, round_cents
from domain.subscriptions.instants import days_between
from domain.subscriptions.windows import Windows, windows

__all__ = ["commitment_fee", "reconciled_window"]

_windows = lru_cache(maxsize=16_384)(windows)


def reconciled_window(line: BilledLine) -> Windows:
    """The windows of the period that is settled: its base window is that of a plan in arrears.

    A plan paid in advance settles the period before the one it bills, or the one that a termination cuts short.
    """
    terms = line.subscription.terms
    if not terms.pay_in_advance:
        return line.window
    terms = replace(terms, pay_in_advance=False)
    if line.finished:
        terms = replace(terms, terminated_at=None)
    return _windows(terms, line.at)


def commitment_fee(
    line: BilledLine, commitment: CommitmentFacts, fees: Iterable[RatedFee], spent_before: int
) -> RatedFee | None:
    """The fee that lifts the period to its minimum; None where it is reached or not to be settled yet.

    fees: of this invoice. spent_before: cents that other invoices billed for the period.
    """
    terms = line.subscription.terms
    if terms.pay_in_advance and (line.reason == "subscription_starting" or not line.past.invoices):
        return None
    if not terms.is_terminated_at(line.at) and not opens_period(line.subscription, line.past, line.at):
        return None
    window = reconciled_window(line)
    start, end = window.from_datetime, window.to_datetime
    active = days_between(start, end, terms.zone)
    minimum = round_cents(commitment.amount_cents * Decimal(active) / window.base_period.days)
    spent = spent_before + sum(
        fee.amount_cents for fee in fees if fee.starts is not None and start <= fee.starts <= end
    )
    amount = minimum - spent
    if amount <= 0:
        return None
    return RatedFee(
        fee_type="commitment",
        amount_cents=amount,
        precise_amount_cents=Decimal(amount),
        units=ONE,
        unit_amount_cents=amount,
        precise_unit_amount=from_cents(amount, line.subscription.currency),
        starts=start,
        owner=commitment.id,
        commitment_id=commitment.id,
        invoice_display_name=commitment.invoice_display_name,
        properties={"from_datetime": instant_text(start), "to_datetime": instant_text(end)},
        reckoning={
            "commitment_amount_cents": commitment.amount_cents,
            "days": active,
            "of_days": window.base_period.days,
            "minimum_cents": minimum,
            "spent_cents": spent,
        },
    )
