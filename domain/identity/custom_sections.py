"""Invoice custom sections: made, changed and deleted; and selected by what is billed.

Every kind of owner has a table of links of its own; the rules are the same for all. Source: handbook,
subscriptions-and-invoices 10.4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.models import InvoiceCustomSection
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import new_id, parse_id
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import TenantRow, table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = [
    "NOTHING_ASKED", "Selection", "choose_sections", "create_section", "delete_section", "read_selection",
    "section_row", "sections_by_id", "sections_of", "sections_page", "select_sections", "update_section",
]  # fmt: skip

UNIQUE: Final = {"uq_invoice_custom_sections_code": "code"}
LONGEST_DETAILS: Final = 10_000
MOST_SECTIONS: Final = 100

_sections = table(InvoiceCustomSection)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a client asks for. skip: whether there shall be none at all; ids: the sections that replace those selected
    before. None leaves each as it is."""

    skip: bool | None = None
    ids: Sequence[UUID] | None = None


NOTHING_ASKED: Final = Selection()


class SkipsSections(Protocol):
    """An entity that selects sections, or says that it shall have none."""

    id: UUID
    skip_invoice_custom_sections: bool


async def create_section(work: UnitOfWork, params: Params) -> InvoiceCustomSection:
    """A new section. Raises ValidationFailed."""
    read = Reader(params)
    code, name = read.text("code", mandatory=True), read.text("name", mandatory=True)
    texts = _texts(read)
    read.finish()
    section = InvoiceCustomSection(organization_id=work.organization_id, code=code or "", name=name or "", **texts)
    async with unique(work, UNIQUE):
        work.session.add(section)
    return section


async def update_section(work: UnitOfWork, section_id: UUID | None, params: Params) -> InvoiceCustomSection:
    """Changes what is given; invoices keep what they were made with. Raises NotFound, ValidationFailed."""
    section = await _locked(work, section_id)
    read = Reader(params)
    changes = _texts(read)
    for name in ("code", "name"):
        if read.params.get(name) is not None:
            changes[name] = read.text(name, mandatory=True)
    read.finish()
    async with unique(work, UNIQUE):
        for name, value in changes.items():
            setattr(section, name, value)
    return section


async def delete_section(work: UnitOfWork, section_id: UUID | None) -> InvoiceCustomSection:
    """Soft-deletes: nobody selects it any more, the code can be used again. Raises NotFound."""
    section = await _locked(work, section_id)
    section.deleted_at = clock.now()
    await work.session.flush()
    return section


def _texts(read: Reader) -> dict[str, Any]:
    longest = {"display_name": 255, "details": LONGEST_DETAILS, "description": LONGEST_DETAILS}
    return {name: read.text(name, longest=most) for name, most in longest.items() if name in read}


async def _locked(work: UnitOfWork, section_id: UUID | None) -> InvoiceCustomSection:
    wanted = sa.select(InvoiceCustomSection).where(_sections.c.id == section_id, _sections.c.deleted_at.is_(None))
    section = await work.session.scalar(wanted.with_for_update())
    if section is None:
        raise NotFound("invoice_custom_section")
    return section


async def section_row(session: AsyncSession, section_id: UUID | None) -> Any:
    """A kept section. Raises NotFound."""
    wanted = sa.select(_sections).where(_sections.c.id == section_id, _sections.c.deleted_at.is_(None))
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise NotFound("invoice_custom_section")
    return row


async def sections_by_id(session: AsyncSession, ids: Collection[UUID]) -> list[Any]:
    """Kept sections of these ids, by name."""
    wanted = sa.select(_sections).where(_sections.c.id.in_(ids), _sections.c.deleted_at.is_(None))
    return list(await session.execute(wanted.order_by(_sections.c.name, _sections.c.id))) if ids else []


async def sections_page(session: AsyncSession, request: PageRequest) -> Page[Any]:
    """Those that people made, by name."""
    kept = sa.select(_sections).where(_sections.c.deleted_at.is_(None), _sections.c.section_type == "manual")
    total = await session.scalar(sa.select(sa.func.count()).select_from(kept.subquery())) or 0
    ordered = kept.order_by(_sections.c.name, _sections.c.id).limit(request.size).offset(request.offset)
    return Page(list(await session.execute(ordered)), total, request)


async def read_selection(work: UnitOfWork, read: Reader, *, ids_field: str = "invoice_custom_section_ids") -> Selection:
    """The fields `skip_invoice_custom_sections`, `invoice_custom_section_codes` and, in `ids_field`, ids; what is wrong
    is noted in `read`. Raises NotFound for an unknown code or id."""
    skip = read.boolean("skip_invoice_custom_sections")
    codes = read.texts("invoice_custom_section_codes", most=MOST_SECTIONS)
    ids = read.texts(ids_field, most=MOST_SECTIONS)
    if skip and (codes or ids):
        read.add("invoice_custom_sections", "skip_sections_and_selected_ids_sent_together")
    if not codes and not ids:
        return Selection(skip, None if codes is None and ids is None else ())
    parsed = [parse_id(each) for each in ids or ()]
    named = sa.or_(_sections.c.code.in_(codes or []), _sections.c.id.in_([each for each in parsed if each]))
    rows = list(
        await work.session.execute(
            sa.select(_sections.c.id, _sections.c.code).where(named, _sections.c.deleted_at.is_(None))
        )
    )
    by_code, known = {row.code: row.id for row in rows}, {row.id for row in rows}
    wanted = [*(by_code.get(code) for code in codes or ()), *parsed]
    if any(each not in known for each in wanted):
        raise NotFound("invoice_custom_section")
    return Selection(skip, list(dict.fromkeys(each for each in wanted if each)))


async def choose_sections(
    work: UnitOfWork, link: type[TenantRow], owner: str, row: SkipsSections, selection: Selection
) -> None:
    """Puts what was asked for on an entity, which is stored; one that has no sections keeps no selection either."""
    if selection.skip is not None or selection.ids:
        row.skip_invoice_custom_sections = bool(selection.skip)
    if selection.skip or selection.ids is not None:
        await select_sections(work, link, owner, row.id, [] if selection.skip else selection.ids or [])
    await work.session.flush()


async def select_sections(
    work: UnitOfWork, link: type[TenantRow], owner: str, owner_id: UUID, ids: Sequence[UUID]
) -> None:
    """Afterwards the owner has selected exactly these. owner: the column of `link` that names it."""
    links = table(link)
    await work.session.execute(sa.delete(links).where(links.c[owner] == owner_id))
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "organization_id": work.organization_id,
            owner: owner_id,
            "section_id": each,
            "created_at": now,
            "updated_at": now,
        }
        for each in ids
    ]
    if rows:
        await work.session.execute(sa.insert(links).values(rows))


async def sections_of(
    session: AsyncSession, link: type[TenantRow], owner: str, owner_ids: Collection[UUID]
) -> Mapping[UUID, list[Any]]:
    """The kept sections of each owner in the order of selection: rows of the table with `owner_id`, `link_id` and
    `selected_at`. One statement."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    if owner_ids:
        links = table(link)
        rows = await session.execute(
            sa.select(
                *_sections.c, links.c[owner].label("owner_id"), links.c.id.label("link_id"),
                links.c.created_at.label("selected_at"),
            )
            .join_from(links, _sections, _sections.c.id == links.c.section_id)
            .where(links.c[owner].in_(owner_ids), _sections.c.deleted_at.is_(None))
            .order_by(links.c.id)
        )  # fmt: skip
        for row in rows:
            found[row.owner_id].append(row)
    return found
