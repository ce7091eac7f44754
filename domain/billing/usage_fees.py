"""Fees for usage: pure. Source: handbook, subscriptions 4.4 and pricing 7."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from domain.billing.adjustments import LineAdjustments
from domain.billing.facts import Facts
from domain.billing.lines import BilledLine
from domain.billing.plan_facts import ChargeFacts
from domain.billing.rated_fee import RatedFee, instant_text
from domain.kernel.money import HUNDRED, ONE, ZERO, decimal_text, from_cents
from domain.metering.carried import KeptLevel
from domain.metering.charge_questions import ChargeQuestion, UsageWindow, charge_questions, presentation_keys
from domain.metering.usage import Usage
from domain.pricing.fee_amounts import FeeAmounts, fee_amounts, stored
from domain.pricing.priceable import Price, Priceable
from domain.subscriptions.base_fee import billed_days
from domain.subscriptions.instants import local_date
from domain.subscriptions.terms import Successor
from domain.subscriptions.windows import windows

__all__ = ["AskedCharge", "Measured", "asked_charges", "kept_levels", "usage_fees"]

Measured = Mapping[Hashable, Sequence[Usage]]
_windows = lru_cache(maxsize=16_384)(windows)


@dataclass(frozen=True, slots=True)
class AskedCharge:
    """A charge that a line bills, with the questions that measure it. standalone: its fees get no invoice.

    shown_by: keys that the invoice breaks the units down by; breakdowns: one more question for each of `questions`.
    """

    charge: ChargeFacts
    questions: Sequence[ChargeQuestion]
    standalone: bool = False
    shown_by: tuple[str, ...] = ()
    breakdowns: Sequence[ChargeQuestion] = ()

    @property
    def all_questions(self) -> Iterator[ChargeQuestion]:
        yield from self.questions
        yield from self.breakdowns


def asked_charges(line: BilledLine, facts: Facts, *, rebuilt: bool) -> list[AskedCharge]:
    """What metering is to be asked for a line; nothing where its window is empty.

    rebuilt: a draft is computed anew; the standalone fees of its period are there already.
    """
    start, end = line.window.charges_from_datetime, line.window.charges_to_datetime
    if not line.bills_periods or start is None or end is None or start >= end:
        return []
    assert line.window.charges_duration is not None, "a window has a length"
    subscription = line.subscription
    window = UsageWindow(
        external_subscription_id=subscription.external_id,
        from_=start,
        to=end,
        zone=subscription.terms.zone,
        charges_duration=line.window.charges_duration,
        upgraded=line.ended_by_upgrade,
        has_predecessor=subscription.predecessor_id is not None,
    )
    asked = []
    for charge in facts.charges_of(subscription):
        if not _is_billed(line, charge, facts) or (rebuilt and not charge.invoiceable):
            continue
        questions = charge_questions(charge, window, prefix=(line.number,))
        shown_by = presentation_keys(charge, on_invoices=True)
        breakdowns = [_breakdown(question, shown_by) for question in questions] if shown_by else ()
        asked.append(AskedCharge(charge, questions, not charge.invoiceable, shown_by, breakdowns))
    return asked


def _breakdown(asked: ChargeQuestion, shown_by: tuple[str, ...]) -> ChargeQuestion:
    """The same bucket by the keys that the invoice shows as well; its units are not prorated."""
    question = replace(
        asked.question,
        key=(asked.key, "presentation"),
        group_by=tuple(dict.fromkeys((*asked.question.group_by, *shown_by))),
        proration=None,
        with_values=False,
        precise_amounts=False,
    )
    return replace(asked, question=question)


def _is_billed(line: BilledLine, charge: ChargeFacts, facts: Facts) -> bool:
    """Which charge is billed on which invoice. Source: handbook, pricing 7.1."""
    if line.progressive:
        return charge.invoiceable and not charge.pay_in_advance
    subscription, terms = line.subscription, line.subscription.terms
    ended = terms.is_terminated_at(line.at)
    if charge.pay_in_advance:
        if not charge.recurring or (ended and terms.successor is not Successor.DOWNGRADE):
            return False
        if charge.invoiceable or subscription.predecessor_id is None:
            return True
        return local_date(terms.started_at, terms.zone) != local_date(line.at, terms.zone)
    if line.ended_by_upgrade and charge.recurring and not charge.prorated and subscription.next_plan_id is not None:
        # The plan upgraded to bills what is carried.
        following = facts.plans.charges.get(subscription.next_plan_id, ())
        return all(other.metric_id != charge.metric_id for other in following)
    return True


def usage_fees(
    line: BilledLine, asked: Sequence[AskedCharge], usage: Measured, adjustments: LineAdjustments
) -> Iterator[RatedFee]:
    """One fee for each filter and group that was used, costs something or was set by hand, and what is missing to a
    charge's minimum."""
    for each in asked:
        fees = [
            adjustments.apply(_usage_fee(line, each, question, group, usage))
            for question in each.questions
            for group in usage[question.key]
        ]
        fees += adjustments.missing(each.charge.id)
        to_minimum = each.charge.min_amount_cents and not line.progressive
        raised = _true_up(line, each.charge, fees) if to_minimum else None
        for fee in fees:
            if (
                fee.units or fee.amount_cents or fee.events_count or fee.standalone or fee.adjusted_fee_id
                or (raised is not None and raised.true_up_of is fee)
            ):  # fmt: skip
                yield fee
        if raised is not None:
            yield raised


def _usage_fee(line: BilledLine, of: AskedCharge, asked: ChargeQuestion, usage: Usage, measured: Measured) -> RatedFee:
    """The fee for one group of one bucket."""
    charge = of.charge
    currency = line.subscription.currency
    priceable = asked.priceable(usage, currency)
    rate = charge.pricing_unit.conversion_rate if charge.pricing_unit else None
    amounts = fee_amounts(asked.model.price(priceable), priceable, currency, conversion_rate=rate)
    weighted = charge.aggregation_type == "weighted_sum_agg"
    return _fee(
        line,
        charge,
        amounts,
        charge_filter_id=asked.filter_id,
        grouped_by=usage.grouped_by,
        total_aggregated_units=usage.total_aggregated_units if weighted else amounts.units,
        events_count=usage.events_count,
        standalone=of.standalone,
        presentation_breakdowns=_breakdowns(of, asked, usage, measured) if of.shown_by else None,
        properties=_renewed_window(line) if charge.pay_in_advance else {},
        reckoning=_proration(asked, priceable),
    )


def _proration(asked: ChargeQuestion, priceable: Priceable) -> dict[str, object]:
    """The prorated units that were priced, where the fee shows whole ones."""
    if asked.question.proration is None or priceable.full_units is None:
        return {}
    return {
        "full_units": decimal_text(priceable.full_units),
        "prorated_units": decimal_text(priceable.units),
        "of_days": asked.question.proration.charges_duration,
    }


def _renewed_window(line: BilledLine) -> dict[str, object]:
    """What is carried and paid in advance is measured up to now and shown for the period that begins."""
    window = _windows(line.subscription.terms, line.at, current_usage=True)
    return {
        "renewed_from_datetime": instant_text(window.charges_from_datetime),
        "renewed_to_datetime": instant_text(window.charges_to_datetime),
    }


def _breakdowns(of: AskedCharge, asked: ChargeQuestion, usage: Usage, measured: Measured) -> list[dict[str, object]]:
    return [
        {"presentation_by": {key: one.grouped_by[key] for key in of.shown_by}, "units": decimal_text(one.units)}
        for one in measured[asked.key, "presentation"]
        if (one.units or one.events_count)
        and all(one.grouped_by[key] == value for key, value in usage.grouped_by.items())
    ]


def _true_up(line: BilledLine, charge: ChargeFacts, fees: Sequence[RatedFee]) -> RatedFee | None:
    """What the fees of a charge lack to its minimum, which is in cents of the pricing unit if there is one."""
    start, end = line.window.charges_from_datetime, line.window.charges_to_datetime
    if not fees or start is None or end is None or not line.window.charges_duration:
        return None
    days = billed_days(start, end, line.subscription.terms, upgraded=line.ended_by_upgrade)
    due = Decimal(charge.min_amount_cents * days) / line.window.charges_duration
    in_unit = charge.pricing_unit is not None
    used = sum((fee.pricing_unit or fee).amount_cents for fee in fees)
    if used >= due:
        return None
    precisely = [(fee.pricing_unit or fee).precise_amount_cents for fee in fees]
    currency = line.subscription.currency
    rate = charge.pricing_unit.conversion_rate if charge.pricing_unit else None

    def amounts(cents: Decimal) -> FeeAmounts:
        amount = cents / HUNDRED if in_unit else from_cents(cents, currency)
        return fee_amounts(Price(amount, amount, {}), Priceable(units=ONE), currency, conversion_rate=rate)

    rounded, precise = amounts(due - used), amounts(due - sum(precisely, ZERO))
    precise_amount_cents = precise.precise_amount_cents
    if rounded.pricing_unit is not None:
        # Money is converted from whole cents of the unit; only the unit knows parts of them.
        precise_amount_cents = rounded.precise_amount_cents
        missing = stored(max(due - sum(precisely, ZERO), ZERO))
        rounded = replace(rounded, pricing_unit=replace(rounded.pricing_unit, precise_amount_cents=missing))
    parent = next((fee for fee in fees if fee.charge_filter_id is None), fees[0])
    return _fee(
        line,
        charge,
        rounded,
        precise_amount_cents=precise_amount_cents,
        unit_amount_cents=rounded.amount_cents,
        precise_unit_amount=from_cents(rounded.amount_cents, currency),
        grouped_by=parent.grouped_by,
        total_aggregated_units=ONE,
        events_count=0,
        true_up_of=parent,
        reckoning={
            "min_amount_cents": charge.min_amount_cents,
            "days": days,
            "of_days": line.window.charges_duration,
            "used_cents": used,
        },
    )


def _fee(line: BilledLine, charge: ChargeFacts, amounts: FeeAmounts, **more: object) -> RatedFee:
    unit = charge.pricing_unit
    values: dict[str, object] = {
        "precise_amount_cents": amounts.precise_amount_cents,
        "unit_amount_cents": amounts.unit_amount_cents,
        "precise_unit_amount": amounts.precise_unit_amount,
        **more,
    }
    return RatedFee(
        fee_type="charge",
        amount_cents=amounts.amount_cents,
        units=amounts.units,
        starts=line.window.charges_from_datetime,
        owner=charge.id,
        charge_id=charge.id,
        billable_metric_id=charge.metric_id,
        amount_details=amounts.amount_details,
        pricing_unit=amounts.pricing_unit,
        pricing_unit_id=unit.id if unit else None,
        pricing_unit_short_name=unit.short_name if unit else None,
        **values,  # type: ignore[arg-type]
    )


def kept_levels(line: BilledLine, asked: Sequence[AskedCharge], usage: Measured) -> Iterator[KeptLevel]:
    """What recurring weighted sums carry into the next period."""
    start = line.window.charges_from_datetime
    for each in asked:
        if each.charge.aggregation_type != "weighted_sum_agg" or not each.charge.recurring or start is None:
            continue
        for question in each.questions:
            for group in usage[question.key]:
                yield KeptLevel(
                    line.subscription.external_id,
                    each.charge.id,
                    question.filter_id,
                    group.grouped_by,
                    group.last_event_at or start,
                    group.total_aggregated_units,
                )
