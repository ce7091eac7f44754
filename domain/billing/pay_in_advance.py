"""Charges paid in advance: what every event costs is a fee at once. Source: handbook, subscriptions 7.2, metering 11.

A fee of an invoiceable charge gets an invoice of its own, another one stands alone until it is paid and regrouped.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.assemble import Built, Rated, invoice_of, standalone_fees
from domain.billing.bill import number_and_announce
from domain.billing.deductions import load_purses, store_deductions
from domain.billing.facts import Facts, Past, load_facts
from domain.billing.fee_rows import FeeRows
from domain.billing.lines import BilledLine
from domain.billing.plan_facts import ChargeFacts
from domain.billing.prepaid import deduct_prepaid
from domain.billing.rated_fee import RatedFee
from domain.billing.requests import Line, Target
from domain.invoicing.dates import advance_dates
from domain.invoicing.events import FeesCreated
from domain.invoicing.write import insert_fees, insert_invoices
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import UsageWindow
from domain.metering.instant import InstantAnswer, InstantEvent, InstantRequest, instant_usages, is_eligible
from domain.metering.usage import EventPosition
from domain.pricing.pay_in_advance import pay_in_advance_fee
from domain.subscriptions.windows import windows

__all__ = ["bill_events"]

# The subscription of an event: one that is not over first, of several the one that started last.
_EVENTS: Final = sa.text(
    """
    SELECT e.id, e.transaction_id, e.code, e.timestamp, e.created_at, e.sequence, e.properties,
           e.precise_total_amount_cents, s.id AS subscription_id
    FROM events e
    CROSS JOIN LATERAL (
        SELECT s.id FROM subscriptions s
        WHERE s.organization_id = e.organization_id AND s.external_id = e.external_subscription_id
          AND s.status IN ('active', 'terminated')
          AND date_trunc('milliseconds', s.started_at) <= e.timestamp
          AND (s.terminated_at IS NULL OR date_trunc('milliseconds', s.terminated_at) >= e.timestamp)
        ORDER BY s.terminated_at IS NULL DESC, s.started_at DESC, s.id DESC LIMIT 1
    ) s
    WHERE e.id = ANY(:ids) AND e.deleted_at IS NULL
    ORDER BY e.timestamp, e.created_at, e.sequence
    """
)
_BILLED: Final = sa.text(
    """
    SELECT subscription_id, pay_in_advance_event_transaction_id, charge_id FROM fees
    WHERE subscription_id = ANY(:subscriptions) AND pay_in_advance_event_transaction_id = ANY(:transactions)
    """
)


@dataclass(frozen=True, slots=True)
class _Sale:
    """An event on a charge, on the invoice it would get."""

    event: Any
    line: BilledLine
    charge: ChargeFacts
    target: Target

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.event.id, self.charge.id


async def bill_events(work: UnitOfWork, event_ids: Sequence[UUID]) -> list[UUID]:
    """A fee for every event and charge that is paid in advance; the ids of the fees.

    An event outside any subscription, one that the charge's metric can't read and one that has its fee make none. A
    fixed number of statements for any number of events.
    """
    events = (await work.session.execute(_EVENTS, {"ids": list(event_ids)})).all()
    if not events:
        return []
    now = clock.now()
    wanted = [(event, Target(new_id(), now, (_line(event),))) for event in events]
    facts = await load_facts(work.session, [target for _, target in wanted])
    sales = await _unbilled(work, [sale for event, target in wanted for sale in _sales(event, target, facts)])
    answers: dict[Hashable, InstantAnswer] = {}
    for currency in sorted({sale.line.subscription.currency for sale in sales}):
        requests = [_request(sale) for sale in sales if sale.line.subscription.currency == currency]
        answers |= await instant_usages(work, requests, currency=currency)
    purses = await load_purses(work, {sale.line.subscription.customer.id for sale in sales if sale.charge.invoiceable})
    alone, built, made = FeeRows(), [], []
    for sale in sales:
        fee = _fee(sale, answers[sale.key])
        customer = sale.line.subscription.customer
        waits = customer.taxes_open and not fee.standalone
        taxes = facts.taxes_of(sale.line.subscription, sale.charge.id, certain=waits)
        rated: Rated = (sale.line, fee, taxes)
        if fee.standalone:
            alone += standalone_fees(sale.target, [rated])
            made.append(alone.fees[-1]["id"])
            continue
        dates, purse = advance_dates(customer.dates, sale.line.at), purses[customer.id]
        sections = facts.sections_of([sale.line.subscription])
        rows = invoice_of(
            sale.target,
            [sale.line],
            [rated],
            purse=purse,
            draft=False,
            dates=dates,
            sections=sections,
            waits=waits,
        )
        built.append(Built(sale.target, rows, purse=purse))
        made.append(rows.fees[-1]["id"])
    built = await deduct_prepaid(work, built)
    await insert_fees(work, alone.fees, alone.taxes, alone.pricing_units)
    if built:
        await insert_invoices(work, [each.rows for each in built])
        await store_deductions(work, built)
    ids = [UUID(each) for each in made]
    if ids:
        work.record(FeesCreated(tuple(ids)))
    await number_and_announce(work, built)
    return ids


def _line(event: Any) -> Line:
    return Line(event.subscription_id, event.timestamp, "in_advance_charge")


def _sales(event: Any, target: Target, facts: Facts) -> list[_Sale]:
    subscription = facts.subscriptions[event.subscription_id]
    window = windows(subscription.terms, event.timestamp, current_usage=True)
    line = BilledLine(0, subscription, Past(), window, event.timestamp, "in_advance_charge")
    return [
        _Sale(event, line, charge, Target(new_id(), target.created_at, target.lines))
        for charge in facts.charges_of(subscription)
        if charge.pay_in_advance and charge.metric_code == event.code and is_eligible(charge, event.properties)
    ]


async def _unbilled(work: UnitOfWork, sales: Sequence[_Sale]) -> list[_Sale]:
    if not sales:
        return []
    found = await work.session.execute(
        _BILLED,
        {
            "subscriptions": sorted({sale.line.subscription.id for sale in sales}),
            "transactions": sorted({sale.event.transaction_id for sale in sales}),
        },
    )
    billed = {tuple(row) for row in found}
    return [
        sale for sale in sales if (sale.line.subscription.id, sale.event.transaction_id, sale.charge.id) not in billed
    ]


def _request(sale: _Sale) -> InstantRequest:
    subscription, window, event = sale.line.subscription, sale.line.window, sale.event
    start, end = window.charges_from_datetime, window.charges_to_datetime
    assert start is not None, "the current period has a window"
    assert end is not None, "the current period has a window"
    return InstantRequest(
        sale.key,
        sale.charge,
        UsageWindow(
            external_subscription_id=subscription.external_id,
            from_=start,
            to=end,
            zone=subscription.terms.zone,
            charges_duration=window.charges_duration or window.duration,
            has_predecessor=subscription.predecessor_id is not None,
        ),
        InstantEvent(
            event.transaction_id,
            event.timestamp,
            event.properties,
            event.precise_total_amount_cents,
            EventPosition(event.timestamp, event.created_at, event.sequence),
        ),
    )


def _fee(sale: _Sale, answer: InstantAnswer) -> RatedFee:
    charge, unit = sale.charge, sale.charge.pricing_unit
    amounts = pay_in_advance_fee(
        answer.model,
        answer.usage,
        sale.line.subscription.currency,
        conversion_rate=unit.conversion_rate if unit else None,
    )
    return RatedFee(
        fee_type="charge",
        amount_cents=amounts.amount_cents,
        precise_amount_cents=amounts.precise_amount_cents,
        units=amounts.units,
        unit_amount_cents=amounts.unit_amount_cents,
        precise_unit_amount=amounts.precise_unit_amount,
        starts=sale.line.window.charges_from_datetime,
        owner=charge.id,
        charge_id=charge.id,
        charge_filter_id=answer.filter_id,
        billable_metric_id=charge.metric_id,
        total_aggregated_units=amounts.units,
        events_count=1,
        grouped_by=answer.grouped_by,
        amount_details=amounts.amount_details,
        pay_in_advance=True,
        pay_in_advance_event_id=sale.event.id,
        pay_in_advance_event_transaction_id=sale.event.transaction_id,
        standalone=not charge.invoiceable,
        pricing_unit=amounts.pricing_unit,
        pricing_unit_id=unit.id if unit else None,
        pricing_unit_short_name=unit.short_name if unit else None,
    )
