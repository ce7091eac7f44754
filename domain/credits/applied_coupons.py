"""Giving customers coupons and taking them away (handbook, credits 1.3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.coupon_events import AppliedCouponsEnded, CouponsApplied
from domain.credits.coupon_terms import read_applied_terms
from domain.credits.models import AppliedCoupon, Coupon
from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.errors import NotAllowed, NotFound, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = [
    "apply_coupon", "end_applications_of_coupon", "end_coupons_of_customers", "terminate_applied_coupon",
]  # fmt: skip

_customers, _coupons, _applied = table(Customer), table(Coupon), table(AppliedCoupon)
TERMS: Final = ("amount_cents", "amount_currency", "percentage_rate", "frequency", "frequency_duration")

_OVERLAPS: Final = sa.text(
    """
    SELECT EXISTS (
        SELECT FROM coupon_targets new
        JOIN coupon_targets old ON true
        JOIN applied_coupons a ON a.coupon_id = old.coupon_id AND a.customer_id = :customer_id AND a.status = 'active'
        WHERE new.coupon_id = :coupon_id
          AND (old.plan_id = new.plan_id OR old.billable_metric_id = new.billable_metric_id OR EXISTS (
               SELECT FROM charges c WHERE c.deleted_at IS NULL
                 AND (c.plan_id = old.plan_id AND c.billable_metric_id = new.billable_metric_id
                      OR c.plan_id = new.plan_id AND c.billable_metric_id = old.billable_metric_id)))
    )
    """
)


async def apply_coupon(
    work: UnitOfWork,
    params: Params,
    *,
    customer_id: UUID | None = None,
    external_customer_id: object = None,
    coupon_id: UUID | None = None,
    coupon_code: object = None,
) -> AppliedCoupon:
    """Gives the customer the coupon, with the terms that params set differently. A fixed amount gives the customer
    its currency when it has none.

    The customer is named by id or external id, the coupon by id or code. Raises NotFound for either, NotAllowed
    ("plan_overlapping") where the customer has a limited coupon for the same plans or metrics, ValidationFailed.
    """
    customer = await _customer(work, customer_id, external_customer_id)
    coupon = await _coupon(work, coupon_id, coupon_code)
    if await work.session.scalar(_OVERLAPS, {"customer_id": customer.id, "coupon_id": coupon.id}):
        raise NotAllowed("plan_overlapping")
    if not coupon.reusable:
        had = sa.exists().where(_applied.c.customer_id == customer.id, _applied.c.coupon_id == coupon.id)
        if await work.session.scalar(sa.select(had)):
            raise ValidationFailed({"coupon": ["coupon_is_not_reusable"]})
    of_coupon = {name: getattr(coupon, name) for name in TERMS}
    sent = {name: params[name] for name in TERMS if params.get(name) is not None}
    fixed = coupon.coupon_type == "fixed_amount"
    terms = read_applied_terms({**of_coupon, **sent}, fixed=fixed)
    applied = AppliedCoupon(
        organization_id=work.organization_id,
        coupon_id=coupon.id,
        customer_id=customer.id,
        frequency_duration_remaining=terms.frequency_duration,
        **asdict(terms),
    )
    if fixed and not customer.currency:
        customer.currency = terms.amount_currency
    work.session.add(applied)
    await work.session.flush()
    work.record(CouponsApplied((applied.id,)))
    return applied


async def terminate_applied_coupon(
    work: UnitOfWork, applied_coupon_id: UUID | None, *, customer_id: UUID | None = None
) -> AppliedCoupon:
    """Takes a coupon away from the customer that has it, from that customer only where one is named. Taken away
    again, nothing changes. Raises NotFound."""
    select = sa.select(AppliedCoupon).where(_applied.c.id == applied_coupon_id).with_for_update()
    if customer_id is not None:
        select = select.where(_applied.c.customer_id == customer_id)
    applied = await work.session.scalar(select)
    if applied is None:
        raise NotFound("applied_coupon")
    if applied.status != "terminated":
        applied.status, applied.terminated_at = "terminated", clock.now()
        await work.session.flush()
        work.record(AppliedCouponsEnded((applied.id,)))
    return applied


async def end_applications_of_coupon(work: UnitOfWork, coupon_id: UUID) -> None:
    """Ends what customers have of a coupon."""
    await _end(work, _applied.c.coupon_id == coupon_id)


async def end_coupons_of_customers(work: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Ends what these customers have of any coupon."""
    await _end(work, _applied.c.customer_id.in_(customer_ids))


async def _end(work: UnitOfWork, wanted: sa.ColumnElement[bool]) -> None:
    now = clock.now()
    locked = sa.select(_applied.c.id).where(wanted, _applied.c.status == "active")
    ended = await work.session.scalars(
        sa.update(_applied)
        .where(_applied.c.id.in_(locked.order_by(_applied.c.created_at, _applied.c.id).with_for_update()))
        .values(status="terminated", terminated_at=now, updated_at=now)
        .returning(_applied.c.id)
    )
    if ids := tuple(ended.all()):
        work.record(AppliedCouponsEnded(ids))


async def _customer(work: UnitOfWork, customer_id: UUID | None, external_id: object) -> Customer:
    """Locked, so that two requests at once see each other's coupon."""
    wanted: Any = _customers.c.id == customer_id
    if customer_id is None:
        wanted = _customers.c.external_id == external_id if isinstance(external_id, str) else sa.false()
    customer = await work.session.scalar(
        sa.select(Customer).where(wanted, _customers.c.deleted_at.is_(None)).with_for_update(key_share=True)
    )
    if customer is None:
        raise NotFound("customer")
    return customer


async def _coupon(work: UnitOfWork, coupon_id: UUID | None, code: object) -> Coupon:
    """An active coupon, locked against being ended or deleted meanwhile."""
    wanted: Any = _coupons.c.id == coupon_id
    if coupon_id is None:
        wanted = _coupons.c.code == code if isinstance(code, str) else sa.false()
    coupon = await work.session.scalar(
        sa.select(Coupon)
        .where(wanted, _coupons.c.status == "active", _coupons.c.deleted_at.is_(None))
        .with_for_update(read=True)
    )
    if coupon is None:
        raise NotFound("coupon")
    return coupon
