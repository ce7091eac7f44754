"""Creating, editing and deleting taxes (pricing handbook, section 13)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from domain.catalog.applied_taxes import OWNERS
from domain.catalog.events import TaxChanged
from domain.catalog.models import BillingEntityTax, Tax
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import OUT_OF_RANGE, TAKEN, Params, Reader

__all__ = ["create_tax", "delete_tax", "update_tax"]

UNIQUE = {"uq_taxes_code": "code"}
MAX_RATE = Decimal(10) ** 9
RATE_DECIMALS = 8

_taxes, _links = table(Tax), table(BillingEntityTax)


async def create_tax(work: UnitOfWork, params: Params) -> Tax:
    """`applied_to_organization` puts the tax on the default billing entity. Raises ValidationFailed."""
    read = Reader(params)
    name, code = read.text("name", mandatory=True), read.text("code", mandatory=True)
    rate = _rate(read)
    description = read.text("description", longest=10_000)
    applied = read.boolean("applied_to_organization", default=False)
    if code is not None and await _taken(work, code):
        read.add("code", TAKEN)
    read.finish()
    assert name is not None
    assert code is not None
    assert rate is not None
    tax = Tax(organization_id=work.organization_id, name=name, code=code, rate=rate, description=description)
    async with unique(work, UNIQUE):
        work.session.add(tax)
    if applied:
        await _apply(work, tax.id)
        work.record(TaxChanged((tax.id,)))
    return tax


async def update_tax(work: UnitOfWork, params: Params, *, tax_id: UUID | None = None, code: str | None = None) -> Tax:
    """Changes what is given. Raises NotFound, ValidationFailed."""
    tax = await _locked(work, tax_id, code)
    read = Reader(params)
    name = read.text("name", mandatory=True) if "name" in read else tax.name
    new_code = read.text("code", mandatory=True) if "code" in read else tax.code
    rate = _rate(read) if "rate" in read else tax.rate
    description = read.text("description", longest=10_000) if "description" in read else tax.description
    applied = read.boolean("applied_to_organization")
    if new_code is not None and new_code != tax.code and await _taken(work, new_code):
        read.add("code", TAKEN)
    read.finish()
    async with unique(work, UNIQUE):
        for field, value in (("name", name), ("code", new_code), ("rate", rate), ("description", description)):
            setattr(tax, field, value)
    if applied:
        await _apply(work, tax.id)
    elif applied is not None:
        await work.session.execute(
            sa.delete(_links).where(_links.c.tax_id == tax.id, _links.c.billing_entity_id == work.organization_id)
        )
    work.record(TaxChanged((tax.id,)))
    return tax


async def delete_tax(work: UnitOfWork, *, tax_id: UUID | None = None, code: str | None = None) -> Tax:
    """Soft-deletes the tax and takes it off wherever it was put. Raises NotFound."""
    tax = await _locked(work, tax_id, code)
    tax.deleted_at = clock.now()
    for link in OWNERS:
        links = table(link)
        await work.session.execute(sa.delete(links).where(links.c.tax_id == tax.id))
    await work.session.flush()
    work.record(TaxChanged((tax.id,)))
    return tax


def _rate(read: Reader) -> Decimal | None:
    """Percent; any sign, at most 8 decimals, which is what a row keeps."""
    rate = read.decimal("rate", mandatory=True, most=MAX_RATE)
    if rate is not None and rate != round(rate, RATE_DECIMALS):
        read.add("rate", OUT_OF_RANGE)
    return rate


async def _apply(work: UnitOfWork, tax_id: UUID) -> None:
    now = clock.now()
    await work.session.execute(
        insert(_links)
        .values(
            id=new_id(),
            organization_id=work.organization_id,
            billing_entity_id=work.organization_id,
            tax_id=tax_id,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=["billing_entity_id", "tax_id"])
    )


async def _locked(work: UnitOfWork, tax_id: UUID | None, code: str | None) -> Tax:
    wanted = _taxes.c.code == code if code is not None else _taxes.c.id == tax_id
    tax = await work.session.scalar(sa.select(Tax).where(wanted, _taxes.c.deleted_at.is_(None)).with_for_update())
    if tax is None:
        raise NotFound("tax")
    return tax


async def _taken(work: UnitOfWork, code: str) -> bool:
    used = sa.exists().where(_taxes.c.code == code, _taxes.c.deleted_at.is_(None))
    return bool(await work.session.scalar(sa.select(used)))
