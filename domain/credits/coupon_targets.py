"""What a limited coupon lowers: plans or billable metrics (handbook, credits 1.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import BillableMetric, Plan
from domain.credits.models import CouponTarget
from domain.kernel.errors import NotAllowed, NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, Params, Reader

__all__ = ["Targets", "find_targets", "replace_targets"]

_targets, _plans, _metrics = table(CouponTarget), table(Plan), table(BillableMetric)


@dataclass(frozen=True, slots=True)
class Targets:
    """Of one kind at most; none means that the coupon is not limited."""

    plan_ids: tuple[UUID, ...] = ()
    metric_ids: tuple[UUID, ...] = ()


async def find_targets(work: UnitOfWork, params: Params) -> Targets | None:
    """The targets that `applies_to` names, by code or by id, each once; None where it is absent or null.

    Raises ValidationFailed for another shape, NotFound for a plan or metric that is not there (a plan's overrides are
    not named: they follow their plan), NotAllowed where both kinds are named.
    """
    named = params.get("applies_to")
    if named is None:
        return None
    if not isinstance(named, Mapping):
        raise ValidationFailed({"applies_to": [INVALID]})
    read = Reader(named)
    codes, metric_codes = read.texts("plan_codes"), read.texts("billable_metric_codes")
    ids, metric_ids = read.texts("plan_ids"), read.texts("billable_metric_ids")
    read.finish()
    plans = await _found(work, _plans, codes or (), ids or (), "plans", _plans.c.parent_id.is_(None))
    metrics = await _found(work, _metrics, metric_codes or (), metric_ids or (), "billable_metrics", sa.true())
    if plans and metrics:
        raise NotAllowed("only_one_limitation_type_per_coupon_allowed")
    return Targets(plans, metrics)


async def replace_targets(work: UnitOfWork, coupon_id: UUID, targets: Targets) -> None:
    """Makes these the targets of the coupon."""
    await work.session.execute(sa.delete(_targets).where(_targets.c.coupon_id == coupon_id))
    work.session.add_all(
        [
            *(
                CouponTarget(organization_id=work.organization_id, coupon_id=coupon_id, plan_id=each)
                for each in targets.plan_ids
            ),
            *(
                CouponTarget(organization_id=work.organization_id, coupon_id=coupon_id, billable_metric_id=each)
                for each in targets.metric_ids
            ),
        ]
    )
    await work.session.flush()


async def _found(
    work: UnitOfWork,
    of: sa.Table,
    codes: Sequence[str],
    ids: Sequence[str],
    resource: str,
    condition: sa.ColumnElement[bool],
) -> tuple[UUID, ...]:
    wanted_codes, wanted_ids = set(codes), {parse_id(each) for each in ids}
    if not wanted_codes and not wanted_ids:
        return ()
    known = [each for each in wanted_ids if each is not None]
    rows: Sequence[Any] = (
        await work.session.execute(
            sa.select(of.c.id, of.c.code)
            .where(sa.or_(of.c.code.in_(wanted_codes), of.c.id.in_(known)), of.c.deleted_at.is_(None), condition)
            .order_by(of.c.created_at, of.c.id)
        )
    ).all()
    if not wanted_codes <= {row.code for row in rows} or not wanted_ids <= {row.id for row in rows}:
        raise NotFound(resource)
    return tuple(row.id for row in rows)
