"""Jobs of billing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.billing.bill import LostRace, bill_paid_fees, bill_subscriptions
from domain.billing.chunk import bill_chunk
from domain.billing.delete_customer import end_subscriptions_of_customers
from domain.billing.delete_plan import end_subscriptions_of_plans
from domain.billing.drafts import move_draft_dates, refresh_drafts
from domain.billing.finalize import finalize, refresh
from domain.billing.finish_waiting import finish_of_customer
from domain.billing.instant_order import EVENTS_PER_TURN, next_turn
from domain.billing.pay_in_advance import bill_events
from domain.billing.plan_amounts import follow_amounts
from domain.billing.requests import FINISH_WAITING, BillRequest
from domain.billing.resolve import EXPIRE, expire, resolve_payments
from domain.billing.terminate import switch_to_next
from domain.billing.units import change_units
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from tasks.halving import do_or_halve
from tasks.jobs import job
from tasks.retries import DEFAULT, lock

__all__ = [
    "BILL", "bill", "bill_groups", "change_fixed_units", "end_of_customers", "end_of_plans", "expire_incomplete",
    "finalize_drafts", "finish_those_that_waited", "follow_plan_amounts", "move_dates", "pay_in_advance", "refresh_all",
    "refresh_some", "regroup", "resolve", "switch",
]  # fmt: skip

BILL = "billing.bill_subscriptions"
FINALIZE = "billing.finalize_chunk"
PAY_IN_ADVANCE = "billing.pay_in_advance"
REFRESH = "billing.refresh_chunk"
RETRIES = (lock(25, LostRace), DEFAULT)
# A chunk of 500 customers takes seconds; the limit is for a database that is very busy.
TIME_LIMIT = 1800


def _ids(texts: Sequence[str]) -> list[UUID]:
    return [UUID(text) for text in texts]


@job(BILL, dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def bill(work: UnitOfWork, requests: list[dict[str, Any]]) -> None:
    """Bills starts, ends and plan changes: {"subscription_ids", "at", "reason", "skip_charges"} is one invoice each."""

    async def together(some: Sequence[dict[str, Any]]) -> None:
        wanted = [
            BillRequest(
                tuple(_ids(each["subscription_ids"])),
                datetime.fromisoformat(each["at"]),
                each["reason"],
                skip_charges=each["skip_charges"],
            )
            for each in some
        ]
        await bill_subscriptions(work, wanted)

    await do_or_halve(work, requests, together, lambda some: JobRequest(BILL, {"requests": list(some)}))


@job("billing.bill_chunk", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def bill_groups(work: UnitOfWork, groups: list[list[str]], at: str) -> None:
    """Bills groups of subscriptions periodically, one invoice a group."""
    await bill_chunk(work, [_ids(group) for group in groups], datetime.fromisoformat(at))


@job("billing.switch_to_next", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def switch(work: UnitOfWork, subscription_ids: list[str], at: str) -> None:
    """Planned downgrades take effect."""
    await switch_to_next(work, _ids(subscription_ids), datetime.fromisoformat(at))


@job(FINALIZE, queue="invoices", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def finalize_drafts(work: UnitOfWork, invoice_ids: list[str]) -> None:
    """Computes drafts anew and numbers them."""
    await do_or_halve(
        work,
        invoice_ids,
        lambda some: finalize(work, _ids(some)),
        lambda some: JobRequest(FINALIZE, {"invoice_ids": list(some)}),
    )


@job(FINISH_WAITING, queue="invoices", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def finish_those_that_waited(work: UnitOfWork, customer_id: str) -> None:
    """Invoices go on whose customer's taxes are known now."""
    await finish_of_customer(work, UUID(customer_id))


@job("billing.end_subscriptions_of_plans", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def end_of_plans(work: UnitOfWork, plan_ids: list[str]) -> None:
    """What the deletion of plans drags along."""
    await end_subscriptions_of_plans(work, _ids(plan_ids))


@job("billing.end_subscriptions_of_customers", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def end_of_customers(work: UnitOfWork, customer_ids: list[str]) -> None:
    """What the deletion of customers drags along."""
    await end_subscriptions_of_customers(work, _ids(customer_ids))


@job("billing.change_units", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def change_fixed_units(work: UnitOfWork, fixed_charge_ids: list[str], at_once: bool) -> None:
    """Subscriptions follow the units of their plans' fixed charges."""
    await change_units(work, _ids(fixed_charge_ids), at_once=at_once)


@job(PAY_IN_ADVANCE, dedicated="events", retries=RETRIES, time_limit=TIME_LIMIT)
async def pay_in_advance(
    work: UnitOfWork, event_ids: list[str], subscriptions: Sequence[str] = (), alone: bool = False
) -> None:
    """Bills events of charges that are paid in advance, after those of the same subscriptions that came before.

    subscriptions: external ids of the events', for other jobs to find this one by. alone: what is left of a turn that
    failed; billed without looking at what else waits.
    """
    turn = event_ids if alone else [str(each) for each in await next_turn(work, _ids(event_ids))]
    await do_or_halve(
        work,
        turn,
        lambda some: bill_events(work, _ids(some)),
        lambda some: JobRequest(PAY_IN_ADVANCE, {"event_ids": list(some), "alone": True}),
    )
    if len(turn) >= EVENTS_PER_TURN and (rest := sorted(set(event_ids) - set(turn))):
        work.enqueue(JobRequest(PAY_IN_ADVANCE, {"event_ids": rest, "subscriptions": list(subscriptions)}))


@job("billing.regroup_paid_fees", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def regroup(work: UnitOfWork, subscription_id: str, at: str) -> None:
    """What was paid in advance on a subscription that ended without a bill is put on an invoice."""
    await bill_paid_fees(work, UUID(subscription_id), datetime.fromisoformat(at))


@job("billing.resolve_payments", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def resolve(work: UnitOfWork, invoice_ids: list[str]) -> None:
    """Subscriptions that waited for the payment of these invoices start, or are given up."""
    await resolve_payments(work, _ids(invoice_ids))


@job(EXPIRE, dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def expire_incomplete(work: UnitOfWork, subscription_ids: list[str]) -> None:
    """Subscriptions that were not paid in time are given up."""
    await expire(work, _ids(subscription_ids))


@job("billing.refresh_drafts", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def refresh_all(
    work: UnitOfWork, plan_ids: list[str] | None = None, customer_ids: Sequence[str] | None = None
) -> None:
    """Finds the drafts that a change of plans or of customers' taxes (neither: of taxes) concerns."""
    plans = _ids(plan_ids or []) if plan_ids is not None or customer_ids is not None else None
    await refresh_drafts(work, plans, _ids(customer_ids or []))


@job(REFRESH, queue="invoices", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def refresh_some(work: UnitOfWork, invoice_ids: list[str]) -> None:
    """Computes drafts anew."""
    await do_or_halve(
        work,
        invoice_ids,
        lambda some: refresh(work, _ids(some)),
        lambda some: JobRequest(REFRESH, {"invoice_ids": list(some)}),
    )


@job("billing.move_draft_dates", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def move_dates(
    work: UnitOfWork, customer_ids: Sequence[str] = (), billing_entity_ids: Sequence[str] = ()
) -> None:
    """Drafts follow the terms of their customers."""
    await move_draft_dates(work, customer_ids=_ids(customer_ids), billing_entity_ids=_ids(billing_entity_ids))


@job("billing.follow_amounts", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def follow_plan_amounts(work: UnitOfWork, plan_ids: list[str]) -> None:
    """Planned changes of plan follow new prices."""
    await follow_amounts(work, _ids(plan_ids))
