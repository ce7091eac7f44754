"""What is attached to a plan beside its charges: taxes, commitment, usage thresholds, metadata, entitlements."""

from __future__ import annotations

from dataclasses import dataclass

from domain.catalog.applied_taxes import read_tax_codes, set_taxes
from domain.catalog.commitments import CommitmentTerms, read_commitment, set_commitment
from domain.catalog.entitlements.plan_entitlements import place_entitlements
from domain.catalog.entitlements.sent import Sent, read_sent
from domain.catalog.models import Plan, PlanTax
from domain.catalog.plan_metadata import read_metadata
from domain.catalog.usage_thresholds import ThresholdTerms, read_thresholds, replace_thresholds
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = ["Attached", "attach", "objects", "read_attached"]


@dataclass(frozen=True, slots=True)
class Attached:
    """What was sent, judged; None leaves as it is what is there."""

    tax_codes: list[str] | None
    commitment: CommitmentTerms | None
    thresholds: list[ThresholdTerms] | None
    metadata: dict[str, str | None] | None
    entitlements: Sent | None


def read_attached(params: Params) -> Attached:
    """Raises ValidationFailed for the first wrong part."""
    return Attached(
        read_tax_codes(params),
        read_commitment(params),
        read_thresholds(params),
        read_metadata(params),
        read_sent(params.get("entitlements")),
    )


async def attach(work: UnitOfWork, plan: Plan, attached: Attached) -> None:
    """Stores the parts of a stored plan. Raises NotFound for a tax, feature or privilege, ValidationFailed for the
    value of a privilege."""
    if attached.tax_codes is not None:
        await set_taxes(work, PlanTax, plan.id, attached.tax_codes)
    await set_commitment(work, plan, attached.commitment)
    await replace_thresholds(work, plan, attached.thresholds)
    if attached.metadata is not None:
        plan.plan_metadata = dict(attached.metadata) or None
        await work.session.flush()
    if attached.entitlements is not None:
        await place_entitlements(work, plan, attached.entitlements, full=True)


def objects(entries: object) -> list[Params]:
    """The entries of a list of objects; another shape is left to the plan's own validation."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return []
    return entries
