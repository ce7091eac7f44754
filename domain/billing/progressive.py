"""Billing usage before its period ends, because thresholds were passed.

Source: handbook, subscriptions 8 and metering 18.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from domain.billing.bill import bill_subscriptions
from domain.billing.lifetime_usage import Lifetime
from domain.billing.requests import BillRequest
from domain.invoicing.applied_thresholds import Crossing, apply_thresholds, claim_crossings
from domain.invoicing.billed_usage import ProgressiveWindow, progressive_windows
from domain.invoicing.events import UsageThresholdsReached
from domain.invoicing.passed_thresholds import Threshold, passed
from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.thresholds import applicable_thresholds

__all__ = ["bill_passed_thresholds", "crossing_of"]


async def bill_passed_thresholds(work: UnitOfWork, lifetimes: Mapping[UUID, Lifetime]) -> list[UUID]:
    """One invoice for each of these locked subscriptions that has passed thresholds; the ids of the invoices.

    lifetimes: of active subscriptions, with current usage. A crossing that was billed before is passed over. A fixed
    number of statements.
    """
    thresholds = await applicable_thresholds(work.session, lifetimes)
    if not thresholds:
        return []
    windows = await progressive_windows(work.session, thresholds)
    found = [
        crossing_of(
            lifetimes[key],
            [Threshold(row.id, row.amount_cents, row.recurring) for row in rows],
            windows.get(key, ()),
        )
        for key, rows in thresholds.items()
    ]
    crossings = [each for each in found if each is not None]
    if crossings:
        crossings = await claim_crossings(work, crossings)
    if not crossings:
        return []
    now = clock.now()
    invoices = {new_id(): each for each in crossings}
    made = await bill_subscriptions(
        work,
        [
            BillRequest((each.subscription_id,), now, "progressive_billing", invoice_id=invoice_id)
            for invoice_id, each in invoices.items()
        ],
    )
    applied = await apply_thresholds(work, [(invoice_id, invoices[invoice_id]) for invoice_id in made])
    work.record(UsageThresholdsReached(tuple(applied)))
    return made


def crossing_of(
    lifetime: Lifetime, thresholds: Collection[Threshold], windows: Collection[ProgressiveWindow]
) -> Crossing | None:
    """What a subscription has passed beyond what was billed, or None: pure.

    A progressive invoice counts as billed usage until the invoice of its period takes its place.
    """
    if lifetime.current is None:
        return None
    start = lifetime.current.from_datetime
    running = sum(each.fees_amount_cents for each in windows if each.start <= start < each.end)
    waiting = sum(each.fees_amount_cents for each in windows if not each.settled and not each.start <= start < each.end)
    invoiced = lifetime.historical_cents + lifetime.invoiced_cents + waiting + running
    found = passed(list(thresholds), invoiced_cents=invoiced, current_cents=lifetime.current_cents - running)
    if not found:
        return None
    return Crossing(
        subscription_id=lifetime.subscription_id,
        external_subscription_id=lifetime.external_subscription_id,
        thresholds=tuple(UUID(str(each.id)) for each in found),
        last_amount_cents=found[-1].amount_cents,
        invoiced_cents=invoiced,
        lifetime_cents=invoiced + lifetime.current_cents - running,
    )
