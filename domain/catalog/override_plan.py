"""The override of a plan: its copy for one subscription, with other prices (pricing handbook, section 1.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.catalog.attached import attach, objects, read_attached
from domain.catalog.charges import FoundCharge, edit_charge, judge_charges, kept_charges, write_parts
from domain.catalog.copies import copy_charges, copy_fixed_charges
from domain.catalog.fixed_charges import (
    FoundFixedCharge,
    judge_fixed_charges,
    kept_fixed_charges,
    write_fixed_charges,
)
from domain.catalog.models import Charge, FixedCharge, Plan
from domain.catalog.plan_terms import PlanTerms, read_plan_terms
from domain.catalog.sold_metrics import sold_metrics
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, Params, Reader

__all__ = [
    "OVERRIDABLE", "edit_copied_charge", "edit_copied_charges", "edit_copied_fixed_charge", "override_plan",
    "read_overrides",
]  # fmt: skip

OVERRIDABLE = ("amount_cents", "amount_currency", "description", "name", "invoice_display_name", "trial_period")
CHARGE_FIELDS = (
    "properties", "filters", "min_amount_cents", "invoice_display_name", "tax_codes", "applied_pricing_unit",
)  # fmt: skip
FIXED_CHARGE_FIELDS = ("units", "apply_units_immediately", "properties", "invoice_display_name", "tax_codes")


def read_overrides(read: Reader) -> Params | None:
    """The field `plan_overrides`: what it asks for; None when absent, null or {}. Errors are noted on `read`."""
    sent = read.params.get("plan_overrides")
    if sent is None or sent == {} or sent == "":
        return None
    if not isinstance(sent, Mapping):
        read.add("plan_overrides", INVALID)
        return None
    for name in ("charges", "fixed_charges"):
        entries = sent.get(name)
        if entries is not None and not (isinstance(entries, list) and all(isinstance(one, Mapping) for one in entries)):
            read.add(name, INVALID)
    return sent


async def override_plan(
    work: UnitOfWork, parent: Plan, sent: Params, *, units: Mapping[UUID, Decimal] | None = None, running: bool = False
) -> Plan:
    """A new override of a plan that has none above it, with copies of its charges and fixed charges.

    sent: as `plan_overrides` has it; charges and fixed charges name those of the parent by their id. units: what the
    subscription has instead of the parent's, by fixed charge. running: for a subscription that is on the parent, so
    that other units of fixed charges are to be recorded as a change.
    Raises ValidationFailed; NotFound for a charge, fixed charge or tax that is not there.
    """
    values = {field.name: getattr(parent, field.name) for field in fields(PlanTerms)}
    wanted = {name: sent[name] for name in OVERRIDABLE if sent.get(name) is not None}
    terms = read_plan_terms(values | wanted)
    attached = read_attached({name: value for name, value in sent.items() if name != "metadata"})
    values |= {name: getattr(terms, name) for name in OVERRIDABLE}
    child = Plan(organization_id=parent.organization_id, parent_id=parent.id, **values)
    work.session.add(child)
    await work.session.flush()
    await _charges(work, parent, child, objects(sent.get("charges")))
    await _fixed_charges(work, parent, child, objects(sent.get("fixed_charges")), units or {}, running)
    await attach(work, child, attached)
    return child


async def _charges(work: UnitOfWork, parent: Plan, child: Plan, entries: Sequence[Params]) -> None:
    sources = await kept_charges(work, parent.id)
    copies = await copy_charges(work, sources, [child])
    by_source = {source_id: copy for (_, source_id), copy in copies.items()}
    if any(parse_id(entry.get("id")) not in by_source for entry in entries):
        raise NotFound("charge")
    wanted = [(by_source[_id(entry)], entry) for entry in entries]
    await edit_copied_charges(work, wanted)


async def edit_copied_charge(work: UnitOfWork, charge: Charge, params: Params) -> None:
    """Gives the charge of an override what was sent of properties, filters, minimum, name, taxes and rate; what was
    not sent stays. Raises ValidationFailed, NotFound."""
    await edit_copied_charges(work, [(charge, params)])


async def edit_copied_charges(work: UnitOfWork, wanted: Sequence[tuple[Charge, Params]]) -> None:
    metrics = await sold_metrics(work, {charge.billable_metric_id for charge, _ in wanted})
    found = []
    for charge, entry in wanted:
        kept: dict[str, Any] = {
            name: getattr(charge, name)
            for name in ("code", "charge_model", "properties", "invoice_display_name", "pay_in_advance", "prorated",
                         "invoiceable", "regroup_paid_fees", "min_amount_cents", "accepts_target_wallet")
        }  # fmt: skip
        given = {name: entry[name] for name in CHARGE_FIELDS if name in entry and entry[name] is not None}
        if "invoice_display_name" in entry:
            given["invoice_display_name"] = entry["invoice_display_name"]
        found.append(FoundCharge(kept | given, charge, metrics.get(charge.billable_metric_id)))
    judged = judge_charges(found)
    for item in judged:
        assert item.charge is not None
        edit_charge(item.charge, item, item.charge.code, item.charge.position)
    await write_parts(work, [(item.charge, item) for item in judged if item.charge is not None])


async def _fixed_charges(
    work: UnitOfWork, parent: Plan, child: Plan, entries: Sequence[Params], units: Mapping[UUID, Decimal], running: bool
) -> None:
    sources = await kept_fixed_charges(work, parent.id)
    copies = await copy_fixed_charges(work, sources, [child])
    by_source = {source_id: copy for (_, source_id), copy in copies.items()}
    for source_id, copy in by_source.items():
        if source_id in units:
            copy.units = units[source_id]
    if any(parse_id(entry.get("id")) not in by_source for entry in entries):
        raise NotFound("fixed_charge")
    for entry in entries:
        await edit_copied_fixed_charge(work, child, by_source[_id(entry)], entry, tell=running)
    await work.session.flush()


async def edit_copied_fixed_charge(
    work: UnitOfWork, plan: Plan, row: FixedCharge, params: Params, *, tell: bool = True
) -> None:
    """Gives the fixed charge of an override what was sent of units, properties, name and taxes; what was not sent
    stays. tell: other units are recorded as a change. Raises ValidationFailed, NotFound."""
    kept: dict[str, Any] = {
        name: getattr(row, name)
        for name in ("code", "charge_model", "properties", "invoice_display_name", "units", "pay_in_advance",
                     "prorated")
    }  # fmt: skip
    given = {name: params[name] for name in FIXED_CHARGE_FIELDS if name in params and params[name] is not None}
    if "invoice_display_name" in params:
        given["invoice_display_name"] = params["invoice_display_name"]
    [item] = judge_fixed_charges([FoundFixedCharge(kept | given, row, row.add_on_id, row.code)])
    await write_fixed_charges(work, plan, [item], set(), row.position, tell=tell)


def _id(entry: Params) -> UUID:
    found = parse_id(entry.get("id"))
    assert found is not None
    return found
