"""The custom sections that a subscription puts on its invoices (handbook, subscriptions-and-invoices 10.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity import custom_sections
from domain.identity.custom_sections import Selection, read_selection
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.subscriptions.models import Subscription, SubscriptionCustomSection

__all__ = ["choose_sections", "inherit_sections", "read_sections", "sections_of_subscriptions"]

_links = table(SubscriptionCustomSection)


async def read_sections(work: UnitOfWork, read: Reader) -> Selection:
    """The field `invoice_custom_section`. Raises NotFound for an unknown code or id."""
    return await read_selection(work, Reader(read.json_object("invoice_custom_section"), read.errors))


async def sections_of_subscriptions(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, Sequence[Any]]:
    """What each of these selected, as `sections_of`; one statement."""
    return await custom_sections.sections_of(session, SubscriptionCustomSection, "subscription_id", ids)


async def choose_sections(work: UnitOfWork, row: Subscription, selection: Selection) -> None:
    """Puts what was asked for on the subscription."""
    await custom_sections.choose_sections(work, SubscriptionCustomSection, "subscription_id", row, selection)


async def inherit_sections(work: UnitOfWork, before: Subscription, row: Subscription, selection: Selection) -> None:
    """What follows another on a plan change has its sections, unless others are asked for."""
    if selection.skip is None and selection.ids is None:
        kept: list[UUID] = list(
            await work.session.scalars(
                sa.select(_links.c.section_id).where(_links.c.subscription_id == before.id).order_by(_links.c.id)
            )
        )
        selection = Selection(before.skip_invoice_custom_sections or None, kept or None)
    await choose_sections(work, row, selection)
