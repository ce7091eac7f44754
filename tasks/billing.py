"""Jobs of billing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.billing.bill import LostRace, bill_subscriptions
from domain.billing.chunk import bill_chunk
from domain.billing.delete_customer import end_subscriptions_of_customers
from domain.billing.delete_plan import end_subscriptions_of_plans
from domain.billing.finalize import finalize
from domain.billing.requests import BillRequest
from domain.billing.terminate import switch_to_next
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from tasks.halving import do_or_halve
from tasks.jobs import job
from tasks.retries import DEFAULT, lock

__all__ = ["BILL", "bill", "bill_groups", "end_of_customers", "end_of_plans", "finalize_drafts", "switch"]

BILL = "billing.bill_subscriptions"
FINALIZE = "billing.finalize_chunk"
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


@job("billing.end_subscriptions_of_plans", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def end_of_plans(work: UnitOfWork, plan_ids: list[str]) -> None:
    """What the deletion of plans drags along."""
    await end_subscriptions_of_plans(work, _ids(plan_ids))


@job("billing.end_subscriptions_of_customers", dedicated="billing", retries=RETRIES, time_limit=TIME_LIMIT)
async def end_of_customers(work: UnitOfWork, customer_ids: list[str]) -> None:
    """What the deletion of customers drags along."""
    await end_subscriptions_of_customers(work, _ids(customer_ids))
