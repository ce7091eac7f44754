"""Creating, editing, ending and deleting coupons (handbook, credits 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.credits.applied_coupons import end_applications_of_coupon
from domain.credits.coupon_events import CouponsCreated, CouponsDeleted, CouponsUpdated
from domain.credits.coupon_targets import Targets, find_targets, replace_targets
from domain.credits.coupon_terms import CouponTerms, read_coupon_terms
from domain.credits.models import AppliedCoupon, Coupon
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = ["create_coupon", "delete_coupon", "terminate_coupon", "terminate_expired_coupons", "update_coupon"]

UNIQUE: Final = {"uq_coupons_code": "code"}
ALWAYS_CHANGED: Final = frozenset({"name", "description", "expiration", "expiration_at"})
"""What can be changed after a customer was given the coupon."""

_coupons, _applied = table(Coupon), table(AppliedCoupon)


async def create_coupon(work: UnitOfWork, params: Params) -> Coupon:
    """Raises ValidationFailed; NotFound for an unknown plan or metric of `applies_to`, NotAllowed where it names
    both kinds."""
    terms = read_coupon_terms(params, await _taken(work, params.get("code")))
    targets = await find_targets(work, params) or Targets()
    coupon = Coupon(organization_id=work.organization_id, **{**asdict(terms), **_limits(targets)})
    async with unique(work, UNIQUE):
        work.session.add(coupon)
    await replace_targets(work, coupon.id, targets)
    work.record(CouponsCreated((coupon.id,)))
    return coupon


async def update_coupon(
    work: UnitOfWork, params: Params, *, coupon_id: UUID | None = None, code: str | None = None
) -> Coupon:
    """Changes what is given, of the coupon with that id or code; `applies_to` given is the full list.

    Once a customer was given the coupon, only its name, description and expiration change; the rest is silently left
    as it is. Raises NotFound, ValidationFailed, NotAllowed.
    """
    coupon = await _locked(work, coupon_id, code)
    used = await work.session.scalar(sa.select(sa.exists().where(_applied.c.coupon_id == coupon.id)))
    changes = {name: value for name, value in params.items() if not used or name in ALWAYS_CHANGED}
    before = {field.name: getattr(coupon, field.name) for field in fields(CouponTerms)}
    merged: Mapping[str, object] = {**before, **changes}
    moved = merged.get("code") != coupon.code
    terms = read_coupon_terms(
        merged,
        moved and await _taken(work, merged.get("code"), coupon.id),
        expires_anew=changes.get("expiration_at") is not None,
    )
    targets = await find_targets(work, changes)
    async with unique(work, UNIQUE):
        for name, value in {**asdict(terms), **(_limits(targets) if targets is not None else {})}.items():
            setattr(coupon, name, value)
    if targets is not None:
        await replace_targets(work, coupon.id, targets)
    work.record(CouponsUpdated((coupon.id,)))
    return coupon


async def terminate_coupon(work: UnitOfWork, coupon_id: UUID | None) -> Coupon:
    """No customer can be given the coupon any more; what customers have goes on. Again: nothing changes. Raises
    NotFound."""
    coupon = await _locked(work, coupon_id, None)
    if coupon.status != "terminated":
        coupon.status, coupon.terminated_at = "terminated", clock.now()
        await work.session.flush()
        work.record(CouponsUpdated((coupon.id,)))
    return coupon


async def delete_coupon(work: UnitOfWork, *, coupon_id: UUID | None = None, code: str | None = None) -> Coupon:
    """Soft-deletes the coupon, forgets its targets and ends what customers have of it. Raises NotFound."""
    coupon = await _locked(work, coupon_id, code)
    coupon.deleted_at = clock.now()
    await work.session.flush()
    await replace_targets(work, coupon.id, Targets())
    await end_applications_of_coupon(work, coupon.id)
    work.record(CouponsDeleted((coupon.id,)))
    return coupon


async def terminate_expired_coupons(work: UnitOfWork) -> int:
    """Ends the coupons whose time is over; how many. What customers have of them goes on."""
    now = clock.now()
    ended = await work.session.scalars(
        sa.update(_coupons)
        .where(
            _coupons.c.status == "active",
            _coupons.c.expiration == "time_limit",
            _coupons.c.expiration_at < now,
            _coupons.c.deleted_at.is_(None),
        )
        .values(status="terminated", terminated_at=now, updated_at=now)
        .returning(_coupons.c.id)
    )
    return len(ended.all())


def _limits(targets: Targets) -> dict[str, Any]:
    return {"limited_plans": bool(targets.plan_ids), "limited_billable_metrics": bool(targets.metric_ids)}


async def _locked(work: UnitOfWork, coupon_id: UUID | None, code: str | None) -> Coupon:
    """The kept coupon, locked against being given to a customer meanwhile."""
    wanted = _coupons.c.code == code if code is not None else _coupons.c.id == coupon_id
    coupon = await work.session.scalar(
        sa.select(Coupon).where(wanted, _coupons.c.deleted_at.is_(None)).with_for_update()
    )
    if coupon is None:
        raise NotFound("coupon")
    return coupon


async def _taken(work: UnitOfWork, code: object, but: UUID | None = None) -> bool:
    if not isinstance(code, str):
        return False
    used = sa.exists().where(
        _coupons.c.code == code.strip(), _coupons.c.deleted_at.is_(None), _coupons.c.id != but if but else sa.true()
    )
    return bool(await work.session.scalar(sa.select(used)))
