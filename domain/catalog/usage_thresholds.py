"""The usage thresholds of plans and subscriptions; a list that is sent replaces them all (metering handbook, 18.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.events import UsageThresholdsChanged
from domain.catalog.models import Plan, UsageThreshold
from domain.kernel import clock
from domain.kernel.errors import ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, OUT_OF_RANGE, Params, Reader

__all__ = ["ThresholdTerms", "read_thresholds", "replace_own_thresholds", "replace_thresholds"]

MAX_THRESHOLDS = 100

_thresholds = table(UsageThreshold)


@dataclass(frozen=True, slots=True)
class ThresholdTerms:
    """amount_cents: of lifetime usage, or of usage since the last time when recurring."""

    amount_cents: int
    recurring: bool
    threshold_display_name: str | None


def read_thresholds(params: Params) -> list[ThresholdTerms] | None:
    """The field `usage_thresholds`; None when absent or null, which changes nothing. Raises ValidationFailed."""
    sent = params.get("usage_thresholds")
    if sent is None:
        return None
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise ValidationFailed({"usage_thresholds": [INVALID]})
    if len(sent) > MAX_THRESHOLDS:
        raise ValidationFailed({"usage_thresholds": ["too_many_values"]})
    if any(each.get("amount_cents") in (None, "") for each in sent):
        raise ValidationFailed({"usage_thresholds": ["missing_amount_cents"]})
    terms = [_terms(each) for each in sent]
    errors = []
    if len({(each.amount_cents, each.recurring) for each in terms}) < len(terms):
        errors.append("duplicated_values")
    if sum(each.recurring for each in terms) > 1:
        errors.append("multiple_recurring_thresholds")
    if errors:
        raise ValidationFailed({"usage_thresholds": errors})
    return terms


def _terms(sent: Params) -> ThresholdTerms:
    read = Reader(sent)
    amount = read.integer("amount_cents") or 0
    if amount <= 0:
        read.add("amount_cents", OUT_OF_RANGE)
    terms = ThresholdTerms(amount, bool(read.boolean("recurring", default=False)), read.text("threshold_display_name"))
    read.finish()
    return terms


async def replace_thresholds(work: UnitOfWork, plan: Plan, terms: Sequence[ThresholdTerms] | None) -> None:
    """Afterwards the stored plan has exactly these; None changes nothing."""
    if terms is None:
        return
    await _forget(work, _thresholds.c.plan_id == plan.id)
    work.session.add_all(
        UsageThreshold(organization_id=plan.organization_id, plan_id=plan.id, **asdict(each)) for each in terms
    )
    await work.session.flush()
    work.record(UsageThresholdsChanged((plan.id,)))


async def replace_own_thresholds(
    work: UnitOfWork, subscription_id: UUID, terms: Sequence[ThresholdTerms] | None, *, override_id: UUID | None = None
) -> None:
    """Afterwards the stored subscription has exactly these of its own; None changes nothing.

    override_id: of the plan that is the subscription's alone, whose thresholds go when the subscription gets its own.
    """
    if terms is None:
        return
    await _forget(work, _thresholds.c.subscription_id == subscription_id)
    if terms and override_id is not None:
        await _forget(work, _thresholds.c.plan_id == override_id)
    work.session.add_all(
        UsageThreshold(organization_id=work.organization_id, subscription_id=subscription_id, **asdict(each))
        for each in terms
    )
    await work.session.flush()


async def _forget(work: UnitOfWork, owned: sa.ColumnElement[bool]) -> None:
    now = clock.now()
    await work.session.execute(
        sa.update(_thresholds).where(owned, _thresholds.c.deleted_at.is_(None)).values(deleted_at=now, updated_at=now)
    )
