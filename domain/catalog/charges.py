"""The charges of a plan: the full list that comes with a plan, and single ones (pricing handbook, sections 1.4, 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.charge_terms import ChargeTerms, generated_code, read_charge_terms
from domain.catalog.models import BillableMetric, Charge, Plan
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Params

__all__ = [
    "FoundCharge", "SentCharge", "edit_charge", "find_charges", "judge_charges", "kept_charges", "new_charge",
    "place_charges",
]  # fmt: skip

MAX_CHARGES = 1_000

_metrics, _charges = table(BillableMetric), table(Charge)


@dataclass(frozen=True, slots=True)
class FoundCharge:
    """One entry of a list of charges whose rows are known. entry: as sent, with what can't be changed put back.

    charge: the kept row it edits, None for a new one. metric_id and code are None when no metric was named.
    """

    entry: Params
    charge: Charge | None
    metric_id: UUID | None
    metric_code: str | None


@dataclass(frozen=True, slots=True)
class SentCharge:
    """One entry of a list of charges, judged."""

    charge: Charge | None
    metric_id: UUID
    metric_code: str
    terms: ChargeTerms


async def kept_charges(work: UnitOfWork, plan_id: UUID) -> list[Charge]:
    """The charges of a plan that are not deleted, in their order."""
    rows = await work.session.scalars(
        sa.select(Charge)
        .where(_charges.c.plan_id == plan_id, _charges.c.deleted_at.is_(None))
        .order_by(_charges.c.position, _charges.c.id)
    )
    return list(rows)


async def find_charges(
    work: UnitOfWork, sent: Sequence[Params], kept: Sequence[Charge] = (), *, locked: bool = False
) -> list[FoundCharge]:
    """The rows that a list of charges speaks of, in one statement.

    locked: the plan has subscriptions, so that model, metric and code of kept charges stay as they are, whatever is
    sent. Raises NotFound("billable_metrics") for an unknown metric id.
    """
    if len(sent) > MAX_CHARGES:
        raise ValidationFailed({"charges": ["too_many_values"]})
    by_id: dict[UUID | None, Charge] = {charge.id: charge for charge in kept}
    targets = [(entry, by_id.pop(parse_id(entry.get("id")), None)) for entry in sent]
    metric_ids = [_metric_id(entry, charge, locked) for entry, charge in targets]
    codes = await _metric_codes(work, {metric_id for metric_id in metric_ids if metric_id is not None})
    if any(metric_id is not None and metric_id not in codes for metric_id in metric_ids):
        raise NotFound("billable_metrics")
    return [
        FoundCharge(
            {**entry, "code": charge.code, "charge_model": charge.charge_model} if charge and locked else entry,
            charge,
            metric_id,
            codes[metric_id] if metric_id is not None else None,
        )
        for (entry, charge), metric_id in zip(targets, metric_ids, strict=True)
    ]


def judge_charges(found: Sequence[FoundCharge], *, code_mandatory: bool = False) -> list[SentCharge]:
    """Raises NotFound("billable_metric") or ValidationFailed for the first wrong charge."""
    judged = []
    for one in found:
        if one.metric_id is None or one.metric_code is None:
            raise NotFound("billable_metric")
        judged.append(
            SentCharge(
                one.charge, one.metric_id, one.metric_code, read_charge_terms(one.entry, code_mandatory=code_mandatory)
            )
        )
    return judged


def _metric_id(entry: Params, charge: Charge | None, locked: bool) -> UUID | None:
    """The metric an entry is about; a text that can't be an id is one that is not known."""
    named = entry.get("billable_metric_id")
    if charge is not None and (locked or named is None):
        return charge.billable_metric_id
    if named is None or named == "":
        return None
    metric_id = parse_id(named)
    if metric_id is None:
        raise NotFound("billable_metrics")
    return metric_id


async def _metric_codes(work: UnitOfWork, metric_ids: set[UUID]) -> dict[UUID, str]:
    """Codes of the kept metrics among these; locked, so that none is deleted before the charges are written."""
    if not metric_ids:
        return {}
    rows = await work.session.execute(
        sa.select(_metrics.c.id, _metrics.c.code)
        .where(_metrics.c.id.in_(metric_ids), _metrics.c.deleted_at.is_(None))
        .order_by(_metrics.c.id)
        .with_for_update(read=True)
    )
    return {row.id: row.code for row in rows}


def place_charges(plan: Plan, sent: Sequence[SentCharge], kept: Iterable[Charge] = ()) -> list[Charge]:
    """Edits, adds and removes rows so that the plan has exactly the charges sent, in their order.

    Returns the new rows, to be added to the session; removed ones are soft-deleted.
    Raises ValidationFailed when two of the list would have the same code.
    """
    codes: set[str] = set()
    for item in sent:
        code = item.terms.code or (item.charge.code if item.charge is not None else None)
        if code is not None:
            if code in codes:
                raise ValidationFailed({"code": [TAKEN]})
            codes.add(code)
    made = []
    listed = set()
    for position, item in enumerate(sent):
        charge = item.charge
        code = item.terms.code or (charge.code if charge is not None else None)
        if code is None:
            code = generated_code(item.metric_code, codes)
            codes.add(code)
        if charge is None:
            made.append(new_charge(plan, item, code, position))
        else:
            listed.add(charge.id)
            edit_charge(charge, item, code, position)
    for charge in kept:
        if charge.id not in listed:
            charge.deleted_at = clock.now()
    return made


def new_charge(plan: Plan, item: SentCharge, code: str, position: int) -> Charge:
    """A row not yet added to the session."""
    return Charge(organization_id=plan.organization_id, plan_id=plan.id, **_values(item, code, position))


def edit_charge(charge: Charge, item: SentCharge, code: str, position: int) -> None:
    """Gives a row what was sent, touching only what differs."""
    for name, value in _values(item, code, position).items():
        if getattr(charge, name) != value:
            setattr(charge, name, value)


def _values(item: SentCharge, code: str, position: int) -> dict[str, Any]:
    return {
        "billable_metric_id": item.metric_id,
        "code": code,
        "invoice_display_name": item.terms.invoice_display_name,
        "charge_model": item.terms.charge_model,
        "properties": item.terms.properties,
        "position": position,
    }
