"""The start of a subscription: at once, or when its first invoice is paid.

Source: handbook, subscriptions-and-invoices 1.5 and 1.8.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.billing.events import BillingDue
from domain.billing.units import FIRST_UNITS_AFTER, pays_units_in_advance, record_first_units
from domain.catalog.models import Plan
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions import queries
from domain.subscriptions.activation_rules import evaluate_rules, waiting_for_payment
from domain.subscriptions.life import activate, wait_for_payment
from domain.subscriptions.models import Subscription
from domain.subscriptions.trial import in_trial

__all__ = ["is_free", "start", "start_if_unpaid"]


async def start(work: UnitOfWork, row: Subscription, plan: Plan, started_at: datetime, now: datetime) -> None:
    """Starts a pending row without predecessor, notes its units and asks for its first invoice, if it pays anything in
    advance: the base fee, unless its trial is still free, else fixed charges alone.

    It becomes active, or incomplete where a rule has it wait for the payment of that invoice. Raises ValidationFailed
    when its external id is taken.
    """
    pays_units = await _set_off(work, row, started_at)
    pays_base = plan.pay_in_advance and not await is_free(work, row.id, plan, row.trial_ended_at, now)
    if await evaluate_rules(work, row.id, now, applicable=pays_base or pays_units):
        await wait_for_payment(work, row, started_at)
    else:
        await activate(work, row, started_at, now)
    if pays_base:
        work.record(BillingDue((row.id,), now, "subscription_starting", skip_charges=True))
    elif pays_units:
        work.record(BillingDue((row.id,), started_at + FIRST_UNITS_AFTER, "in_advance_charge"))


async def start_if_unpaid(
    work: UnitOfWork, row: Subscription, plan: Plan, at: datetime, *, billed_at: datetime
) -> bool:
    """Lets what follows on a change of plan wait for its payment, if a rule says so; whether it waits.

    Its first invoice is asked for, for the instant billed_at; the row before stays as it is until that is paid. False
    leaves everything to the caller: nothing has to be paid first.
    """
    if not await waiting_for_payment(work, [row.id]):
        return False
    applicable = await pays_units_in_advance(work, row.plan_id)
    if not applicable and plan.pay_in_advance:
        applicable = not await is_free(work, row.id, plan, None, at)
    if not await evaluate_rules(work, row.id, at, applicable=applicable):
        return False
    await _set_off(work, row, at)
    await wait_for_payment(work, row, at)
    work.record(BillingDue((row.id,), billed_at, "upgrading"))
    return True


async def is_free(work: UnitOfWork, subscription_id: UUID, plan: Plan, ended_at: datetime | None, at: datetime) -> bool:
    """Whether the trial makes the base fee free at that instant."""
    if not plan.trial_period:
        return False
    first = (await queries.first_starts(work.session, [subscription_id]))[subscription_id]
    return in_trial(first, plan.trial_period, ended_at, at)


async def _set_off(work: UnitOfWork, row: Subscription, started_at: datetime) -> bool:
    """The instant it starts and the units it has from then on; whether some are paid in advance."""
    row.started_at = started_at
    return bool(await record_first_units(work, [row.id]))
