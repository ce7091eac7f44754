"""Usage thresholds of a subscription's own. Source: handbook, metering 18.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from domain.catalog.models import Plan
from domain.catalog.usage_thresholds import ThresholdTerms, read_thresholds, replace_own_thresholds
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.metering.activities import note_activity
from domain.subscriptions.models import Subscription
from domain.subscriptions.thresholds import own_thresholds

__all__ = ["give_thresholds", "read_own_thresholds", "thresholds_of_planned"]


def read_own_thresholds(read: Reader) -> list[ThresholdTerms] | None:
    """The field `usage_thresholds`, which can't be given beside those of plan overrides; None where it is not given."""
    overrides = read.params.get("plan_overrides")
    in_overrides = isinstance(overrides, dict) and overrides.get("usage_thresholds") is not None
    if read.params.get("usage_thresholds") is not None and in_overrides:
        read.add("usage_thresholds", "incompatible_params")
        read.add("plan_overrides.usage_thresholds", "incompatible_params")
        return None
    try:
        return read_thresholds(read.params)
    except ValidationFailed as refusal:
        if isinstance(refusal.details, str):
            raise
        for name, codes in refusal.details.items():
            for code in cast("Sequence[str]", codes):
                read.add(name, code)
        return None


async def give_thresholds(
    work: UnitOfWork, row: Subscription, plan: Plan, terms: Sequence[ThresholdTerms] | None
) -> None:
    """Writes the own thresholds of a stored subscription on this plan, if any are given, and asks for a look: the
    subscription may have passed its thresholds before they were set, or before it was made."""
    override_id = plan.id if plan.parent_id is not None else None
    await replace_own_thresholds(work, row.id, terms, override_id=override_id)
    await note_activity(work, [row.id])


async def thresholds_of_planned(work: UnitOfWork, planned: Subscription) -> list[ThresholdTerms] | None:
    """What a planned change of plan was to have; None for nothing of its own."""
    rows = (await own_thresholds(work.session, [planned.id])).get(planned.id, ())
    return [ThresholdTerms(row.amount_cents, row.recurring, row.threshold_display_name) for row in rows] or None
