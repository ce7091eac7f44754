"""The life of a subscription row: open, activate, end, cancel. Each step is one change of status.

Which step comes when, and what is billed, is decided in `domain/billing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from domain.customers.payment_reference import CUSTOMERS_WAY, PaymentReference
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.events import (
    SubscriptionCanceled,
    SubscriptionGivenUp,
    SubscriptionIncomplete,
    SubscriptionStarted,
    SubscriptionTerminated,
    SubscriptionUpdated,
)
from domain.subscriptions.models import Subscription

__all__ = [
    "Opening", "activate", "activate_paid", "cancel", "cancel_unpaid", "open_subscription", "refuse_taken_external_id",
    "terminate_row", "wait_for_payment",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new row is made of; None of the options means their default."""

    customer_id: UUID
    plan_id: UUID
    external_id: str
    subscription_at: datetime
    billing_time: str = "calendar"
    name: str | None = None
    ending_at: datetime | None = None
    consolidate_invoice: bool = True
    purchase_order_number: str | None = None
    progressive_billing_disabled: bool = False
    billing_entity_id: UUID | None = None
    payment: PaymentReference = CUSTOMERS_WAY
    previous_subscription_id: UUID | None = None


async def open_subscription(work: UnitOfWork, opening: Opening) -> Subscription:
    """A pending row; nothing is billed yet."""
    row = Subscription(
        organization_id=work.organization_id,
        customer_id=opening.customer_id,
        plan_id=opening.plan_id,
        external_id=opening.external_id,
        subscription_at=opening.subscription_at,
        billing_time=opening.billing_time,
        name=opening.name,
        ending_at=opening.ending_at,
        consolidate_invoice=opening.consolidate_invoice,
        purchase_order_number=opening.purchase_order_number,
        progressive_billing_disabled=opening.progressive_billing_disabled,
        billing_entity_id=opening.billing_entity_id,
        **opening.payment.columns(),
        previous_subscription_id=opening.previous_subscription_id,
        status="pending",
    )
    work.session.add(row)
    await work.session.flush()
    return row


async def activate(work: UnitOfWork, row: Subscription, started_at: datetime, activated_at: datetime) -> None:
    """Pending → active. Raises ValidationFailed when another active row of the organization has the external id."""
    assert row.status == "pending", row.status
    row.status, row.started_at, row.activated_at = "active", started_at, row.activated_at or activated_at
    await _take_external_id(work)
    work.record(SubscriptionStarted((row.id,)))


async def wait_for_payment(work: UnitOfWork, row: Subscription, started_at: datetime) -> None:
    """Pending → incomplete: it has started, but is not active before its first invoice is paid. Raises ValidationFailed
    when another such row of the organization has the external id."""
    assert row.status == "pending", row.status
    row.status, row.started_at = "incomplete", started_at
    await _take_external_id(work)
    work.record(SubscriptionIncomplete((row.id,)))


async def activate_paid(work: UnitOfWork, row: Subscription, at: datetime) -> None:
    """Incomplete → active. Raises ValidationFailed when another active row has the external id by now."""
    assert row.status == "incomplete", row.status
    row.status, row.activated_at = "active", row.activated_at or at
    await _take_external_id(work)
    work.record(SubscriptionStarted((row.id,)))


async def cancel_unpaid(work: UnitOfWork, row: Subscription, at: datetime, reason: str | None) -> None:
    """Incomplete → canceled. reason: payment_failed, timeout, or None where something else ended it."""
    assert row.status == "incomplete", row.status
    row.status, row.canceled_at, row.cancellation_reason = "canceled", row.canceled_at or at, reason
    await work.session.flush()
    work.record(SubscriptionGivenUp((row.id,)))


async def _take_external_id(work: UnitOfWork) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError:
        refuse_taken_external_id()


async def terminate_row(work: UnitOfWork, row: Subscription, at: datetime) -> None:
    """Active → terminated."""
    assert row.status == "active", row.status
    row.status, row.terminated_at = "terminated", row.terminated_at or at
    await work.session.flush()
    work.record(SubscriptionTerminated((row.id,)))


async def cancel(work: UnitOfWork, row: Subscription, at: datetime) -> None:
    """Pending → canceled; for a planned downgrade the row it would have followed is told."""
    assert row.status == "pending", row.status
    row.status, row.canceled_at = "canceled", row.canceled_at or at
    await work.session.flush()
    if row.previous_subscription_id is not None:
        work.record(SubscriptionUpdated((row.previous_subscription_id,)))
    else:
        work.record(SubscriptionCanceled((row.id,)))


def refuse_taken_external_id() -> None:
    """Another active subscription of the organization is known by this external id."""
    raise ValidationFailed({"external_id": ["value_already_exist"]})
