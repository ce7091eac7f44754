"""Creating, editing and deleting add-ons (pricing handbook, section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.applied_taxes import read_tax_codes, set_taxes
from domain.catalog.events import PlanComponentsChanged
from domain.catalog.models import AddOn, AddOnTax, FixedCharge
from domain.kernel import clock
from domain.kernel.currencies import CURRENCIES
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import OUT_OF_RANGE, TAKEN, Params, Reader

__all__ = ["create_add_on", "delete_add_on", "update_add_on"]

UNIQUE = {"uq_add_ons_code": "code"}

_add_ons, _fixed_charges = table(AddOn), table(FixedCharge)


@dataclass(frozen=True, slots=True)
class _Terms:
    """The columns that a client sets. amount_cents: minor units of the currency, for one piece."""

    name: str
    code: str
    invoice_display_name: str | None
    description: str | None
    amount_cents: int
    amount_currency: str


async def create_add_on(work: UnitOfWork, params: Params) -> AddOn:
    """Raises ValidationFailed; NotFound for an unknown tax code."""
    terms = _read(params, await _taken(work, params.get("code")))
    codes = read_tax_codes(params)
    add_on = AddOn(organization_id=work.organization_id, **asdict(terms))
    async with unique(work, UNIQUE):
        work.session.add(add_on)
    if codes:
        await set_taxes(work, AddOnTax, add_on.id, codes)
    return add_on


async def update_add_on(
    work: UnitOfWork, params: Params, *, add_on_id: UUID | None = None, code: str | None = None
) -> AddOn:
    """Changes what is given, of the add-on with that id or code; `tax_codes` given is the full list.
    Raises NotFound, ValidationFailed."""
    add_on = await _locked(work, add_on_id, code)
    before = {field.name: getattr(add_on, field.name) for field in fields(_Terms)}
    merged: Mapping[str, object] = {**before, **params}
    moved = merged.get("code") != add_on.code
    terms = _read(merged, moved and await _taken(work, merged.get("code"), add_on.id))
    codes = read_tax_codes(params)
    async with unique(work, UNIQUE):
        for name, value in asdict(terms).items():
            setattr(add_on, name, value)
    if codes is not None:
        await set_taxes(work, AddOnTax, add_on.id, codes)
    return add_on


async def delete_add_on(work: UnitOfWork, *, add_on_id: UUID | None = None, code: str | None = None) -> AddOn:
    """Soft-deletes the add-on and its fixed charges on every plan. Raises NotFound."""
    add_on = await _locked(work, add_on_id, code)
    add_on.deleted_at = clock.now()
    rows = await work.session.scalars(
        sa.update(_fixed_charges)
        .where(_fixed_charges.c.add_on_id == add_on.id, _fixed_charges.c.deleted_at.is_(None))
        .values(deleted_at=add_on.deleted_at, updated_at=add_on.deleted_at)
        .returning(_fixed_charges.c.plan_id)
    )
    plan_ids = tuple(sorted(set(rows)))
    await work.session.flush()
    if plan_ids:
        work.record(PlanComponentsChanged(plan_ids))
    return add_on


def _read(params: Params, taken: bool) -> _Terms:
    """Judges all fields. `taken`: the code is another add-on's. Raises ValidationFailed."""
    read = Reader(params)
    name, code = read.text("name", mandatory=True), read.text("code", mandatory=True)
    if taken:
        read.add("code", TAKEN)
    display_name = read.text("invoice_display_name")
    description = read.text("description", longest=10_000)
    amount_cents = read.integer("amount_cents", mandatory=True)
    if amount_cents is not None and amount_cents <= 0:
        read.add("amount_cents", OUT_OF_RANGE)
    currency = read.choice("amount_currency", CURRENCIES, mandatory=True)
    read.finish()
    assert name is not None
    assert code is not None
    assert amount_cents is not None
    assert currency is not None
    return _Terms(name, code, display_name, description, amount_cents, currency)


async def _locked(work: UnitOfWork, add_on_id: UUID | None, code: str | None) -> AddOn:
    """The kept add-on, locked against fixed charges being made of it meanwhile."""
    wanted = _add_ons.c.code == code if code is not None else _add_ons.c.id == add_on_id
    add_on = await work.session.scalar(
        sa.select(AddOn).where(wanted, _add_ons.c.deleted_at.is_(None)).with_for_update()
    )
    if add_on is None:
        raise NotFound("add_on")
    return add_on


async def _taken(work: UnitOfWork, code: object, but: UUID | None = None) -> bool:
    if not isinstance(code, str):
        return False
    used = sa.exists().where(
        _add_ons.c.code == code.strip(), _add_ons.c.deleted_at.is_(None), _add_ons.c.id != but if but else sa.true()
    )
    return bool(await work.session.scalar(sa.select(used)))
