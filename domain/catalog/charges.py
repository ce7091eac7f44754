"""The charges of a plan: the full list that comes with a plan, and single ones (pricing handbook, sections 1.4, 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.applied_pricing_units import PricingTerms, change_rates, pricing_unit_ids, read_pricing_terms
from domain.catalog.applied_taxes import read_tax_codes, set_taxes_of
from domain.catalog.charge_filter_terms import MOST_FILTERS, FilterTerms, check_amount, read_filter_terms
from domain.catalog.charge_filters import place_filters
from domain.catalog.charge_terms import ChargeTerms, SoldMetric, generated_code, read_charge_terms
from domain.catalog.models import AppliedPricingUnit, Charge, ChargeTax, Plan
from domain.catalog.sold_metrics import sold_metrics
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, TAKEN, Params

__all__ = [
    "FoundCharge", "SentCharge", "edit_charge", "find_charges", "judge_charges", "kept_charges", "new_charge",
    "place_charges", "write_parts",
]  # fmt: skip

MAX_CHARGES = 1_000
MOST_FILTERS_AT_ONCE = 5_000
FIXED_BY_SUBSCRIPTIONS = (
    "charge_model", "code", "pay_in_advance", "prorated", "invoiceable", "regroup_paid_fees", "min_amount_cents",
    "accepts_target_wallet",
)  # fmt: skip
KEPT_UNLESS_SENT = (
    "pay_in_advance", "prorated", "invoiceable", "regroup_paid_fees", "min_amount_cents", "accepts_target_wallet",
)  # fmt: skip

_charges = table(Charge)


@dataclass(frozen=True, slots=True)
class FoundCharge:
    """One entry of a list of charges whose rows are known. entry: as sent, with what can't be changed put back.

    charge: the kept row it edits, None for a new one. metric: None when none was named.
    """

    entry: Params
    charge: Charge | None
    metric: SoldMetric | None


@dataclass(frozen=True, slots=True)
class SentCharge:
    """One entry of a list of charges, judged. filters, tax_codes, pricing_unit: None leaves them as they are."""

    charge: Charge | None
    metric: SoldMetric
    terms: ChargeTerms
    filters: tuple[FilterTerms, ...] | None
    tax_codes: list[str] | None
    pricing_unit: PricingTerms | None


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
    """The rows that a list of charges speaks of, in two statements.

    locked: the plan has subscriptions, so that all but price, filters, taxes and name of kept charges stay as they
    are, whatever is sent. Raises NotFound("billable_metrics") for an unknown metric id.
    """
    if len(sent) > MAX_CHARGES:
        raise ValidationFailed({"charges": ["too_many_values"]})
    by_id: dict[UUID | None, Charge] = {charge.id: charge for charge in kept}
    targets = [(entry, by_id.pop(parse_id(entry.get("id")), None)) for entry in sent]
    metric_ids = [_metric_id(entry, charge, locked) for entry, charge in targets]
    wanted = {metric_id for metric_id in metric_ids if metric_id is not None}
    metrics = await sold_metrics(work, wanted, with_dimensions=any(entry.get("filters") for entry in sent))
    if any(metric_id is not None and metric_id not in metrics for metric_id in metric_ids):
        raise NotFound("billable_metrics")
    return [
        FoundCharge(
            _merged(entry, charge, locked) if charge else entry,
            charge,
            metrics[metric_id] if metric_id is not None else None,
        )
        for (entry, charge), metric_id in zip(targets, metric_ids, strict=True)
    ]


def _merged(entry: Params, charge: Charge, locked: bool) -> Params:
    """What was sent for a kept charge, with what can't be changed or was left out put back."""
    if locked:
        return {**entry, **{name: getattr(charge, name) for name in FIXED_BY_SUBSCRIPTIONS}}
    kept = {name: getattr(charge, name) for name in KEPT_UNLESS_SENT if entry.get(name) is None}
    return {**entry, **kept}


def judge_charges(found: Sequence[FoundCharge], *, code_mandatory: bool = False) -> list[SentCharge]:
    """Raises NotFound("billable_metric") or ValidationFailed for the first wrong charge."""
    judged = []
    for one in found:
        if one.metric is None:
            raise NotFound("billable_metric")
        terms = read_charge_terms(one.entry, one.metric, code_mandatory=code_mandatory)
        filters = _sent_filters(one, terms.charge_model)
        pricing = one.entry.get("applied_pricing_unit")
        if pricing is not None and not isinstance(pricing, Mapping):
            raise ValidationFailed({"applied_pricing_unit": [INVALID]})
        judged.append(
            SentCharge(
                one.charge,
                one.metric,
                terms,
                filters,
                read_tax_codes(one.entry),
                read_pricing_terms(pricing) if pricing else None,
            )
        )
    if sum(len(each.filters or ()) for each in judged) > MOST_FILTERS_AT_ONCE:
        raise ValidationFailed({"filters": ["too_many_values"]})
    return judged


def _sent_filters(one: FoundCharge, model: str) -> tuple[FilterTerms, ...] | None:
    """The filters of an entry, judged. A charge that gets another metric loses the filters it had."""
    assert one.metric is not None
    sent = one.entry.get("filters")
    if sent is None:
        moved = one.charge is not None and one.charge.billable_metric_id != one.metric.id
        return () if moved else None
    if not isinstance(sent, list) or not all(isinstance(each, Mapping) for each in sent):
        raise ValidationFailed({"filters": [INVALID]})
    if len(sent) > MOST_FILTERS:
        raise ValidationFailed({"filters": ["too_many_values"]})
    filters = tuple(read_filter_terms(each, model, one.metric) for each in sent)
    check_amount([each.values for each in filters], one.metric)
    return filters


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


async def place_charges(
    work: UnitOfWork, plan: Plan, sent: Sequence[SentCharge], kept: Iterable[Charge] = ()
) -> list[Charge]:
    """Edits, adds and removes charges so that the plan, which is stored, has exactly those sent, in their order.

    Returns the new ones; removed ones are soft-deleted. Raises ValidationFailed when two of the list would have the
    same code, NotFound for an unknown tax code.
    """
    codes = _distinct_codes(sent)
    pairs: list[tuple[Charge, SentCharge]] = []
    made: list[Charge] = []
    for position, item in enumerate(sent):
        charge = item.charge
        code = item.terms.code or (charge.code if charge is not None else None)
        if code is None:
            code = generated_code(item.metric.code, codes)
            codes.add(code)
        if charge is None:
            charge = new_charge(plan, item, code, position)
            made.append(charge)
        else:
            edit_charge(charge, item, code, position)
        pairs.append((charge, item))
    listed = {charge.id for charge, _ in pairs}
    for charge in kept:
        if charge.id not in listed:
            charge.deleted_at = clock.now()
    await work.session.flush()
    work.session.add_all(made)
    await write_parts(work, pairs)
    return made


def _distinct_codes(sent: Sequence[SentCharge]) -> set[str]:
    codes: set[str] = set()
    for item in sent:
        code = item.terms.code or (item.charge.code if item.charge is not None else None)
        if code is not None:
            if code in codes:
                raise ValidationFailed({"code": [TAKEN]})
            codes.add(code)
    return codes


async def write_parts(work: UnitOfWork, pairs: Sequence[tuple[Charge, SentCharge]]) -> None:
    """Stores what hangs on charges: pricing unit, filters, taxes. A fixed number of statements."""
    await work.session.flush()
    new = [(charge, item) for charge, item in pairs if item.charge is None and item.pricing_unit]
    units = await pricing_unit_ids(work, {item.pricing_unit.code for _, item in new if item.pricing_unit})
    for charge, item in new:
        assert item.pricing_unit is not None
        work.session.add(
            AppliedPricingUnit(
                organization_id=charge.organization_id,
                charge_id=charge.id,
                pricing_unit_id=units[item.pricing_unit.code],
                conversion_rate=item.pricing_unit.conversion_rate,
            )
        )
    await change_rates(
        work,
        {
            charge.id: item.pricing_unit.conversion_rate
            for charge, item in pairs
            if item.charge is not None and item.pricing_unit
        },
    )
    await place_filters(
        work, [(charge, item.metric, item.filters) for charge, item in pairs if item.filters is not None]
    )
    await set_taxes_of(
        work, ChargeTax, {charge.id: item.tax_codes for charge, item in pairs if item.tax_codes is not None}
    )


def new_charge(plan: Plan, item: SentCharge, code: str, position: int) -> Charge:
    """A row not yet added to the session."""
    return Charge(organization_id=plan.organization_id, plan_id=plan.id, **_values(item, code, position))


def edit_charge(charge: Charge, item: SentCharge, code: str, position: int) -> None:
    """Gives a row what was sent, touching only what differs."""
    for name, value in _values(item, code, position).items():
        if getattr(charge, name) != value:
            setattr(charge, name, value)


def _values(item: SentCharge, code: str, position: int) -> dict[str, Any]:
    return {**asdict(item.terms), "billable_metric_id": item.metric.id, "code": code, "position": position}
