"""The fixed charges of a plan: quantities of add-ons, as a full list and one by one (pricing handbook, 10.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.applied_taxes import read_tax_codes, set_taxes_of
from domain.catalog.charge_terms import generated_code, read_properties
from domain.catalog.events import FixedChargeUnitsChanged
from domain.catalog.models import AddOn, FixedCharge, FixedChargeTax, Plan
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, OUT_OF_RANGE, TAKEN, Params, Reader

__all__ = [
    "FIXED_CHARGE_MODELS", "FixedChargeTerms", "FoundFixedCharge", "SentFixedCharge", "find_fixed_charges",
    "judge_fixed_charges", "kept_fixed_charges", "place_fixed_charges", "read_units", "write_fixed_charges",
]  # fmt: skip

FIXED_CHARGE_MODELS = ("standard", "graduated", "volume")
MAX_FIXED_CHARGES = 1_000
MAX_UNITS = Decimal(10) ** 18
UNIT_DECIMALS = 10
FIXED_AFTER_CREATION = ("pay_in_advance", "prorated")
FIXED_BY_SUBSCRIPTIONS = ("charge_model", "code")

_fixed, _add_ons = table(FixedCharge), table(AddOn)


@dataclass(frozen=True, slots=True)
class FixedChargeTerms:
    """The columns of a fixed charge that a client sets, but for its add-on. code: None asks for a generated one."""

    code: str | None
    invoice_display_name: str | None
    charge_model: str
    properties: dict[str, Any]
    units: Decimal
    pay_in_advance: bool
    prorated: bool


@dataclass(frozen=True, slots=True)
class FoundFixedCharge:
    """One entry of a list whose rows are known. row: the kept one it edits, None for a new one."""

    entry: Params
    row: FixedCharge | None
    add_on_id: UUID
    add_on_code: str


@dataclass(frozen=True, slots=True)
class SentFixedCharge:
    """One entry of a list, judged. at_once: units count from now on, not from the next period on."""

    row: FixedCharge | None
    add_on_id: UUID
    add_on_code: str
    terms: FixedChargeTerms
    tax_codes: list[str] | None
    at_once: bool


async def kept_fixed_charges(work: UnitOfWork, plan_id: UUID) -> list[FixedCharge]:
    """The fixed charges of a plan that are not deleted, in their order."""
    rows = await work.session.scalars(
        sa.select(FixedCharge)
        .where(_fixed.c.plan_id == plan_id, _fixed.c.deleted_at.is_(None))
        .order_by(_fixed.c.position, _fixed.c.id)
    )
    return list(rows)


async def find_fixed_charges(
    work: UnitOfWork, sent: Sequence[Params], kept: Sequence[FixedCharge] = (), *, locked: bool = False
) -> list[FoundFixedCharge]:
    """The rows that a list speaks of, in one statement. locked: the plan has subscriptions, so that model and code of
    kept ones stay. Raises NotFound("add_ons") for an add-on that is not there."""
    if len(sent) > MAX_FIXED_CHARGES:
        raise ValidationFailed({"fixed_charges": ["too_many_values"]})
    if not sent:
        return []
    by_id: dict[UUID | None, FixedCharge] = {row.id: row for row in kept}
    targets = [(entry, by_id.pop(parse_id(entry.get("id")), None)) for entry in sent]
    ids = {parse_id(entry.get("add_on_id")) for entry in sent} | {row.add_on_id for _, row in targets if row}
    codes = {code for entry in sent if isinstance(code := entry.get("add_on_code"), str)}
    rows = await work.session.execute(
        sa.select(_add_ons.c.id, _add_ons.c.code)
        .where(
            sa.or_(_add_ons.c.id.in_([each for each in ids if each]), _add_ons.c.code.in_(codes)),
            _add_ons.c.deleted_at.is_(None),
        )
        .order_by(_add_ons.c.id)
        .with_for_update(read=True)
    )
    known = {row.id: row.code for row in rows}
    by_code = {code: add_on_id for add_on_id, code in known.items()}
    found = []
    for entry, row in targets:
        if row is not None:
            add_on_id: UUID | None = row.add_on_id
        elif entry.get("add_on_id") is not None:
            add_on_id = parse_id(entry.get("add_on_id"))
        else:
            add_on_id = by_code.get(str(entry.get("add_on_code")))
        if add_on_id is None or add_on_id not in known:
            raise NotFound("add_ons")
        found.append(FoundFixedCharge(_merged(entry, row, locked) if row else entry, row, add_on_id, known[add_on_id]))
    return found


def _merged(entry: Params, row: FixedCharge, locked: bool) -> Params:
    """What was sent for a kept fixed charge, with what can't be changed put back."""
    names = FIXED_AFTER_CREATION + (FIXED_BY_SUBSCRIPTIONS if locked else ())
    return {**entry, **{name: getattr(row, name) for name in names}}


def judge_fixed_charges(found: Sequence[FoundFixedCharge], *, code_mandatory: bool = False) -> list[SentFixedCharge]:
    """Raises ValidationFailed for the first wrong one."""
    judged = []
    for one in found:
        read = Reader(one.entry)
        terms = _terms(read, kept=one.row is not None, code_mandatory=code_mandatory)
        at_once = bool(read.boolean("apply_units_immediately", default=False))
        read.finish()
        judged.append(
            SentFixedCharge(one.row, one.add_on_id, one.add_on_code, terms, read_tax_codes(one.entry), at_once)
        )
    return judged


def _terms(read: Reader, *, kept: bool, code_mandatory: bool) -> FixedChargeTerms:
    """Errors are noted on `read`. The units of a kept fixed charge must be sent; of a new one they are 0 without."""
    code = read.text("code", mandatory=code_mandatory)
    name = read.text("invoice_display_name")
    model = read.choice("charge_model", FIXED_CHARGE_MODELS, mandatory=True) or ""
    properties = read_properties(read, model) if model else {}
    units = read_units(read, mandatory=kept)
    in_advance = bool(read.boolean("pay_in_advance", default=False))
    prorated = bool(read.boolean("prorated", default=False))
    if in_advance and model == "volume":
        read.add("pay_in_advance", "invalid_charge_model")
    if prorated and in_advance and model == "graduated":
        read.add("prorated", "invalid_charge_model")
    return FixedChargeTerms(code, name, model, properties, units, in_advance, prorated)


def read_units(read: Reader, *, mandatory: bool = False) -> Decimal:
    """The field `units`: not negative, at most 10 decimals, which is what a row keeps. Errors are noted on `read`."""
    if mandatory and read.params.get("units") in (None, ""):
        read.add("units", INVALID)
        return Decimal(0)
    units = read.decimal("units", least=Decimal(0), most=MAX_UNITS, default=Decimal(0))
    assert units is not None
    if units != round(units, UNIT_DECIMALS):
        read.add("units", OUT_OF_RANGE)
    return units


async def place_fixed_charges(
    work: UnitOfWork, plan: Plan, sent: Sequence[SentFixedCharge], kept: Iterable[FixedCharge] = ()
) -> list[FixedCharge]:
    """Edits, adds and removes so that the plan, which is stored, has exactly the fixed charges sent, in their order.
    Returns the new ones. Raises ValidationFailed for a code that is there twice, NotFound for an unknown tax code."""
    codes: set[str] = set()
    for item in sent:
        code = item.terms.code or (item.row.code if item.row else None)
        if code is not None:
            if code in codes:
                raise ValidationFailed({"code": [TAKEN]})
            codes.add(code)
    listed = {item.row.id for item in sent if item.row}
    for row in kept:
        if row.id not in listed:
            row.deleted_at = clock.now()
    await work.session.flush()
    return await write_fixed_charges(work, plan, sent, codes)


async def write_fixed_charges(
    work: UnitOfWork, plan: Plan, sent: Sequence[SentFixedCharge], codes: set[str], first_position: int = 0, *,
    tell: bool = True,
) -> list[FixedCharge]:  # fmt: skip
    """Stores judged fixed charges with their taxes, and records whose units changed unless `tell` is false, which is
    for plans whose subscriptions are still to start. Returns the new rows."""
    made: list[FixedCharge] = []
    taxes: dict[UUID, list[str]] = {}
    for position, item in enumerate(sent, first_position):
        row = item.row
        code = item.terms.code or (row.code if row else None)
        if code is None:
            code = generated_code(item.add_on_code, codes)
            codes.add(code)
        values = asdict(item.terms) | {"code": code}
        if row is None:
            row = FixedCharge(
                organization_id=plan.organization_id, plan_id=plan.id, add_on_id=item.add_on_id, position=position,
                **values,
            )  # fmt: skip
            made.append(row)
            changed = True
        else:
            changed = row.units != item.terms.units
            if row.position != position:
                row.position = position
            for name, value in values.items():
                if getattr(row, name) != value:
                    setattr(row, name, value)
        if changed and tell:
            work.record(FixedChargeUnitsChanged((row.id,), at_once=item.at_once))
        if item.tax_codes is not None:
            taxes[row.id] = item.tax_codes
    work.session.add_all(made)
    await work.session.flush()
    await set_taxes_of(work, FixedChargeTax, taxes)
    return made
