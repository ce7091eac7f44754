"""Handing changes of a plan's prices on to its overrides (pricing handbook, section 1.7).

What an override has of its own stays: a price is replaced only where it was the same as the plan's before. Taxes,
thresholds, commitments, metadata and names of charges are never handed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.cascade import Prices, alike, prices_of
from domain.catalog.charge_filter_terms import FilterTerms, same_values
from domain.catalog.charge_filters import KeptFilter, drop_filters, kept_filters, new_filter
from domain.catalog.copies import copy_charges, copy_fixed_charges
from domain.catalog.events import FixedChargeUnitsChanged, PlanAmountChanged, PlanUpdated
from domain.catalog.models import AppliedPricingUnit, Charge, FixedCharge, Plan
from domain.catalog.sold_metrics import sold_metrics
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["cascade_to_overrides"]

GROUPINGS = ("pricing_group_keys", "grouped_by", "presentation_group_keys")

_plans, _charges, _fixed, _applied = table(Plan), table(Charge), table(FixedCharge), table(AppliedPricingUnit)
_subscriptions = sa.table("subscriptions", sa.column("plan_id", sa.Uuid), sa.column("status", sa.Text))


async def cascade_to_overrides(work: UnitOfWork, plan_id: UUID, before: Prices, *, at_once: bool = False) -> None:
    """Edits all overrides of the plan by what differs between its prices before and now.

    at_once: new units of fixed charges count from now on. Charges reach only overrides whose subscription is active
    or pending; the amount reaches all. A fixed number of statements, however many overrides there are.
    """
    plan = await work.session.scalar(sa.select(Plan).where(_plans.c.id == plan_id, _plans.c.deleted_at.is_(None)))
    if plan is None:
        return
    children = (
        await work.session.scalars(
            sa.select(Plan)
            .where(_plans.c.parent_id == plan_id, _plans.c.deleted_at.is_(None))
            .order_by(_plans.c.id)
            .with_for_update()
        )
    ).all()
    after = await prices_of(work, plan)
    if after["amount_cents"] != before["amount_cents"]:
        for child in children:
            if child.amount_cents == before["amount_cents"]:
                child.amount_cents = after["amount_cents"]
                work.record(PlanAmountChanged((child.id,)))
    used = set(
        await work.session.scalars(
            sa.select(_subscriptions.c.plan_id).where(
                _subscriptions.c.plan_id.in_([child.id for child in children]),
                _subscriptions.c.status.in_(("active", "pending")),
            )
        )
    )
    living = [child for child in children if child.id in used]
    if living:
        await _charges_of(work, living, before["charges"], after["charges"])
        await _fixed_charges_of(work, living, before["fixed_charges"], after["fixed_charges"], at_once)
        await work.session.flush()
        work.record(PlanUpdated(tuple(child.id for child in living)))


async def _charges_of(
    work: UnitOfWork, children: Sequence[Plan], before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    touched = {UUID(key) for key in {*before, *after} if before.get(key) != after.get(key)}
    if not touched:
        return
    plan_ids = [child.id for child in children]
    copies = (
        await work.session.scalars(
            sa.select(Charge)
            .where(_charges.c.plan_id.in_(plan_ids), _charges.c.parent_id.in_(touched), _charges.c.deleted_at.is_(None))
            .order_by(_charges.c.id)
        )
    ).all()
    new = [UUID(key) for key in after if key not in before]
    if new:
        sources = (await work.session.scalars(sa.select(Charge).where(_charges.c.id.in_(new)))).all()
        there = {(copy.plan_id, copy.parent_id) for copy in copies}
        for source in sources:
            missing = [child for child in children if (child.id, source.id) not in there]
            await copy_charges(work, [source], missing)
    kept: list[tuple[Charge, Any, Any]] = []
    gone: list[Charge] = []
    for copy in copies:
        key = str(copy.parent_id)
        if key not in after:
            gone.append(copy)
        elif key in before and copy.charge_model == after[key]["model"]:
            kept.append((copy, before[key], after[key]))
    for copy in gone:
        copy.deleted_at = clock.now()
    filters = await kept_filters(work, [copy.id for copy in copies])
    await drop_filters(work, [each.row.id for copy in gone for each in filters[copy.id]])
    for copy, old, now in kept:
        _edit(copy, old, now, customized=copy.charge_model != old["model"])
    await _rates(work, kept)
    await _filters(work, kept, filters)


def _edit(row: Charge | FixedCharge, old: Mapping[str, Any], now: Mapping[str, Any], *, customized: bool) -> None:
    """The code and group keys always, the other properties only where they were the plan's."""
    row.code = now["code"]
    if not customized and alike(row.properties, old["properties"]):
        row.properties = now["properties"]
    else:
        row.properties = _with_groupings(row.properties, now["properties"])


def _with_groupings(own: Mapping[str, Any], parent: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in own.items() if key not in GROUPINGS}
    return kept | {key: parent[key] for key in GROUPINGS if key in parent}


async def _rates(work: UnitOfWork, kept: Sequence[tuple[Charge, Any, Any]]) -> None:
    changed = {copy.id: (old, now) for copy, old, now in kept if old["rate"] != now["rate"] and old["rate"]}
    if not changed:
        return
    rows = await work.session.scalars(sa.select(AppliedPricingUnit).where(_applied.c.charge_id.in_(changed)))
    for row in rows:
        old, now = changed[row.charge_id]
        if now["rate"] and row.conversion_rate == Decimal(old["rate"]):
            row.conversion_rate = Decimal(now["rate"])


async def _filters(
    work: UnitOfWork, kept: Sequence[tuple[Charge, Any, Any]], filters: Mapping[UUID, Sequence[KeptFilter]]
) -> None:
    """Filters are known by their values."""
    kept = [(copy, old, now) for copy, old, now in kept if old["filters"] != now["filters"]]
    if not kept:
        return
    metrics = await sold_metrics(work, {copy.billable_metric_id for copy, _, _ in kept})
    made, values, gone = [], [], []
    for copy, old, now in kept:
        was = {same_values(each["values"]): each for each in old["filters"]}
        become = {same_values(each["values"]): each for each in now["filters"]}
        own = {same_values(each.values): each.row for each in filters.get(copy.id, ())}
        codes = {row.code for row in own.values()}
        metric = metrics.get(copy.billable_metric_id)
        for position, (identity, each) in enumerate(become.items()):
            row = own.get(identity)
            if row is None and identity not in was and metric is not None:
                terms = FilterTerms(each["values"], each["properties"], each["invoice_display_name"])
                new, its_values = new_filter(copy, metric, terms, codes, position)
                codes.add(new.code)
                made.append(new)
                values += its_values
            elif row is not None and was.get(identity) != each:
                old_properties = was[identity]["properties"] if identity in was else None
                if old_properties is not None and alike(row.properties, old_properties):
                    row.properties, row.invoice_display_name = each["properties"], each["invoice_display_name"]
                else:
                    row.properties = _with_groupings(row.properties, each["properties"])
        gone += [own[identity].id for identity in was if identity not in become and identity in own]
    work.session.add_all(made)
    await work.session.flush()
    work.session.add_all(values)
    await drop_filters(work, gone)


async def _fixed_charges_of(
    work: UnitOfWork, children: Sequence[Plan], before: Mapping[str, Any], after: Mapping[str, Any], at_once: bool
) -> None:
    touched = {UUID(key) for key in {*before, *after} if before.get(key) != after.get(key)}
    if not touched:
        return
    plan_ids = [child.id for child in children]
    copies = (
        await work.session.scalars(
            sa.select(FixedCharge)
            .where(_fixed.c.plan_id.in_(plan_ids), _fixed.c.parent_id.in_(touched), _fixed.c.deleted_at.is_(None))
            .order_by(_fixed.c.id)
        )
    ).all()
    changed: list[UUID] = []
    new = [UUID(key) for key in after if key not in before]
    if new:
        sources = (await work.session.scalars(sa.select(FixedCharge).where(_fixed.c.id.in_(new)))).all()
        there = {(copy.plan_id, copy.parent_id) for copy in copies}
        for source in sources:
            missing = [child for child in children if (child.id, source.id) not in there]
            made = await copy_fixed_charges(work, [source], missing)
            changed += [copy.id for copy in made.values()]
    for copy in copies:
        key = str(copy.parent_id)
        if key not in after:
            copy.deleted_at = clock.now()
        elif key in before and copy.charge_model == after[key]["model"]:
            old, now = before[key], after[key]
            customized = copy.charge_model != old["model"] or copy.units != Decimal(old["units"])
            same = not customized and alike(copy.properties, old["properties"])
            _edit(copy, old, now, customized=customized)
            if same and copy.units != Decimal(now["units"]):
                copy.units = Decimal(now["units"])
                changed.append(copy.id)
    if changed:
        work.record(FixedChargeUnitsChanged(tuple(changed), at_once=at_once))
