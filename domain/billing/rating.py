"""From windows and usage to fees: pure. What a subscription owes on an invoice, in the order it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.billing.adjustments import Adjustment, LineAdjustments
from domain.billing.base_fee_due import is_base_fee_due, trial_end
from domain.billing.commitments import commitment_fee
from domain.billing.facts import Facts
from domain.billing.fixed_charges import changed_units_fees, fixed_charge_fees
from domain.billing.history import History
from domain.billing.lines import BilledLine
from domain.billing.rated_fee import RatedFee
from domain.billing.usage_fees import AskedCharge, Measured, usage_fees
from domain.invoicing.calculation.state import ProgressiveInvoice
from domain.kernel.money import ONE, from_cents
from domain.pricing.fee_amounts import stored
from domain.subscriptions.base_fee import History as BaseFeeHistory
from domain.subscriptions.base_fee import base_fee

__all__ = ["Known", "rate_line"]


@dataclass(frozen=True, slots=True)
class Known:
    """All that rating reads: facts, the past, the charges to bill by line number, and what they used by question.

    adjustments: what was set by hand, by line number. progressive: by line number the invoice that billed part of the
    line's usage before its period ended.
    """

    facts: Facts
    history: History
    asked: dict[int, Sequence[AskedCharge]]
    usage: Measured
    adjustments: Mapping[int, Sequence[Adjustment]] = field(default_factory=dict)
    progressive: Mapping[int, ProgressiveInvoice] = field(default_factory=dict)


def rate_line(line: BilledLine, known: Known, *, issuing_date: date, created_at: datetime) -> list[RatedFee]:
    """The fees of one subscription on one invoice, the base fee first; those without an invoice are among them."""
    if line.reason == "in_advance_charge":
        return list(changed_units_fees(line, known.facts, known.history))
    adjustments = LineAdjustments(known.adjustments.get(line.number, ()), line.subscription, known.facts)
    if line.progressive:
        return list(usage_fees(line, known.asked.get(line.number, ()), known.usage, adjustments))
    fees = []
    if line.bills_periods and is_base_fee_due(
        line.subscription, line.past, line.at, issuing_date=issuing_date, invoice_created_at=created_at
    ):
        fees.append(adjustments.apply(_base_fee(line)))
    fees += usage_fees(line, known.asked.get(line.number, ()), known.usage, adjustments)
    fees += fixed_charge_fees(line, known.facts, known.history, adjustments)
    fees += adjustments.missing()
    commitment = known.facts.commitment_of(line.subscription)
    if commitment is not None and line.bills_periods:
        missing = commitment_fee(line, commitment, fees, known.history.spent.get(line.number, 0))
        if missing is not None:
            fees.append(missing)
    return fees


def _base_fee(line: BilledLine) -> RatedFee:
    subscription = line.subscription
    past = line.past
    history = BaseFeeHistory(
        created_at=subscription.created_at,
        has_predecessor=subscription.predecessor_id is not None,
        predecessor_upgraded=subscription.predecessor_upgraded,
        invoices_count=past.invoices + 1,
        has_earlier_base_fee=past.last_base_fee_at is not None,
        trial_end=trial_end(subscription),
    )
    fee = base_fee(subscription.terms, line.window, line.at, subscription.plan_amount_cents, history)
    return RatedFee(
        fee_type="subscription",
        amount_cents=fee.amount_cents,
        precise_amount_cents=stored(fee.amount),
        units=ONE,
        unit_amount_cents=fee.amount_cents,
        precise_unit_amount=from_cents(fee.amount_cents, subscription.currency),
        starts=line.window.from_datetime,
        amount_details={"plan_amount_cents": subscription.plan_amount_cents},
        reckoning={
            "plan_amount_cents": subscription.plan_amount_cents,
            "days": fee.days,
            "of_days": fee.length,
            "reason": fee.reason.value,
        },
    )
