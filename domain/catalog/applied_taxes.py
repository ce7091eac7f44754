"""Which taxes stand on what: plans, charges, fixed charges, add-ons, commitments, customers, billing entities.

Every kind of owner has a table of links of its own; the rules are the same for all. Source: handbook, pricing 13.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.models import (
    AddOnTax,
    BillingEntityTax,
    ChargeTax,
    CommitmentTax,
    CustomerTax,
    FixedChargeTax,
    PlanTax,
    Tax,
)
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import new_id
from domain.kernel.rows import TenantRow, table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["OWNERS", "read_tax_codes", "set_taxes", "set_taxes_of", "tax_ids_of", "taxes_of"]

OWNERS: Mapping[type[TenantRow], str] = {
    AddOnTax: "add_on_id",
    BillingEntityTax: "billing_entity_id",
    ChargeTax: "charge_id",
    CommitmentTax: "commitment_id",
    CustomerTax: "customer_id",
    FixedChargeTax: "fixed_charge_id",
    PlanTax: "plan_id",
}
"""The tables of links, and the column of each that names the owner."""

MOST_TAXES = 100

_taxes, _entities = table(Tax), table(BillingEntityTax)


def read_tax_codes(params: Params) -> list[str] | None:
    """The field `tax_codes`: each code once, in order; None when it is absent or null, which leaves the taxes alone.
    Raises ValidationFailed."""
    read = Reader(params)
    codes = read.texts("tax_codes", most=MOST_TAXES)
    read.finish()
    return None if codes is None else list(dict.fromkeys(codes))


async def set_taxes(work: UnitOfWork, link: type[TenantRow], owner_id: UUID, codes: Sequence[str]) -> bool:
    """Afterwards the owner has exactly the taxes with these codes; whether it had others before. Raises
    NotFound("tax") for an unknown code."""
    return await set_taxes_of(work, link, {owner_id: codes})


async def set_taxes_of(work: UnitOfWork, link: type[TenantRow], codes: Mapping[UUID, Sequence[str]]) -> bool:
    """The same for many owners of one kind: three statements, whatever their number.

    `codes`: by the owner's id; an owner that is not a key is left alone. Raises NotFound("tax").
    """
    if not codes:
        return False
    links, column = table(link), OWNERS[link]
    owner = links.c[column]
    ids = await _tax_ids(work, {code for some in codes.values() for code in some})
    wanted = list(dict.fromkeys((owner_id, ids[code]) for owner_id, some in codes.items() for code in some))
    gone = sa.delete(links).where(owner.in_(list(codes)))
    if wanted:
        gone = gone.where(sa.tuple_(owner, links.c.tax_id).not_in(wanted))
    removed = (await work.session.execute(gone.returning(links.c.id))).all()
    if not wanted:
        return bool(removed)
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "organization_id": work.organization_id,
            column: owner_id,
            "tax_id": tax_id,
            "created_at": now,
            "updated_at": now,
        }
        for owner_id, tax_id in wanted
    ]
    put = insert(links).values(rows).on_conflict_do_nothing(index_elements=[column, "tax_id"])
    added = (await work.session.execute(put.returning(links.c.id))).all()
    return bool(removed or added)


async def _tax_ids(work: UnitOfWork, codes: Collection[str]) -> dict[str, UUID]:
    """Ids of kept taxes by code, locked so that none is deleted before the links are written. Raises NotFound."""
    if not codes:
        return {}
    rows = await work.session.execute(
        sa.select(_taxes.c.code, _taxes.c.id)
        .where(_taxes.c.code.in_(codes), _taxes.c.deleted_at.is_(None))
        .order_by(_taxes.c.id)
        .with_for_update(read=True)
    )
    found = {row.code: row.id for row in rows}
    if len(found) < len(codes):
        raise NotFound("tax")
    return found


async def taxes_of(
    session: AsyncSession, link: type[TenantRow], owner_ids: Collection[UUID]
) -> dict[UUID, list[sa.Row[Any]]]:
    """The kept taxes of each owner, in the order in which they were put there: one statement.

    Rows carry all columns of a tax, `applied_to_organization` and `owner_id`, as `tax_payload` takes them. Owners
    without a tax are left out.
    """
    if not owner_ids:
        return {}
    # An alias, because the links of billing entities are asked twice.
    links = table(link).alias()
    owner = links.c[OWNERS[link]]
    default = sa.exists().where(
        _entities.c.tax_id == _taxes.c.id, _entities.c.billing_entity_id == _taxes.c.organization_id
    )
    select: sa.Select[Any] = (
        sa.select(*_taxes.c, default.label("applied_to_organization"), owner.label("owner_id"))
        .join_from(links, _taxes, _taxes.c.id == links.c.tax_id)
        .where(owner.in_(owner_ids), _taxes.c.deleted_at.is_(None))
        .order_by(links.c.id)
    )
    found: dict[UUID, list[sa.Row[Any]]] = defaultdict(list)
    for row in await session.execute(select):
        found[row.owner_id].append(row)
    return dict(found)


async def tax_ids_of(
    session: AsyncSession, link: type[TenantRow], owner_ids: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """As `taxes_of`, the ids only."""
    return {owner: [row.id for row in rows] for owner, rows in (await taxes_of(session, link, owner_ids)).items()}
