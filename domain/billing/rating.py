"""From windows and usage to fees: pure. One fee for the base price, one for each charge that was used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.base_fee_due import is_base_fee_due, trial_end
from domain.billing.facts import ChargeFacts, Facts
from domain.billing.lines import BilledLine
from domain.kernel.money import ONE, from_cents
from domain.metering.usage import Usage, UsageQuestion
from domain.pricing.fee_amounts import fee_amounts, stored
from domain.pricing.models import charge_model
from domain.pricing.priceable import Priceable
from domain.subscriptions.base_fee import History, base_fee
from domain.subscriptions.terms import Successor

__all__ = ["RatedFee", "rate_line", "usage_questions"]


@dataclass(frozen=True, slots=True)
class RatedFee:
    """A fee before coupons and taxes; amounts as the columns of `fees` hold them."""

    fee_type: str
    amount_cents: int
    precise_amount_cents: Decimal
    units: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    charge_id: UUID | None = None
    billable_metric_id: UUID | None = None
    total_aggregated_units: Decimal | None = None
    events_count: int | None = None
    amount_details: Mapping[str, Any] = field(default_factory=dict)


def usage_questions(line: BilledLine, facts: Facts) -> Iterator[UsageQuestion]:
    """What metering is to be asked for a line; nothing where its window is empty."""
    start, end = line.window.charges_from_datetime, line.window.charges_to_datetime
    if start is None or end is None or start >= end:
        return
    subscription = line.subscription
    for charge in _charges(line, facts):
        yield UsageQuestion(
            key=(line.number, charge.id),
            external_subscription_id=subscription.external_id,
            code=charge.metric_code,
            aggregation_type=charge.aggregation_type,
            field_name=charge.field_name,
            from_=start,
            to=end,
            recurring=charge.recurring,
            rounding_function=charge.rounding_function,
            rounding_precision=charge.rounding_precision,
            values_ready=charge.values_ready,
        )


def rate_line(
    line: BilledLine,
    facts: Facts,
    usage: Mapping[Any, Usage],
    *,
    issuing_date: date,
    created_at: datetime,
    skip_charges: bool,
) -> list[RatedFee]:
    """The fees of one subscription on one invoice, the base fee first."""
    fees = []
    if is_base_fee_due(line.subscription, line.past, line.at, issuing_date=issuing_date, invoice_created_at=created_at):
        fees.append(_base_fee(line))
    if not skip_charges and line.has_usage:
        fees += _charge_fees(line, facts, usage)
    return fees


def _base_fee(line: BilledLine) -> RatedFee:
    subscription = line.subscription
    past = line.past
    history = History(
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
        amount_details={"plan_amount_cents": subscription.plan_amount_cents},
    )


def _charge_fees(line: BilledLine, facts: Facts, usage: Mapping[Any, Usage]) -> Iterator[RatedFee]:
    subscription = line.subscription
    for charge in _charges(line, facts):
        measured = usage[line.number, charge.id]
        priceable = Priceable(units=measured.units, events_count=measured.events_count)
        price = charge_model(charge.charge_model, charge.properties).price(priceable)
        amounts = fee_amounts(price, priceable, subscription.currency)
        if amounts.units or amounts.amount_cents or measured.events_count:
            yield RatedFee(
                fee_type="charge",
                amount_cents=amounts.amount_cents,
                precise_amount_cents=amounts.precise_amount_cents,
                units=amounts.units,
                unit_amount_cents=amounts.unit_amount_cents,
                precise_unit_amount=amounts.precise_unit_amount,
                charge_id=charge.id,
                billable_metric_id=charge.metric_id,
                total_aggregated_units=amounts.units,
                events_count=measured.events_count,
                amount_details=amounts.amount_details,
            )


def _charges(line: BilledLine, facts: Facts) -> Sequence[ChargeFacts]:
    """The plan's charges, but those on a carried metric that the plan upgraded to bills from here on."""
    subscription = line.subscription
    charges = facts.charges.get(subscription.plan_id, ())
    terms = subscription.terms
    upgraded = terms.successor is Successor.UPGRADE and terms.is_terminated_at(line.at)
    if not upgraded or subscription.next_plan_id is None:
        return charges
    carried = {charge.metric_id for charge in facts.charges.get(subscription.next_plan_id, ())}
    return [charge for charge in charges if not (charge.recurring and charge.metric_id in carried)]


def instant_text(instant: datetime | None) -> str | None:
    """As the properties of a fee show instants: UTC with three decimals, cut off."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
