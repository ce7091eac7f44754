"""The custom sections that wallets, their rules and their movements put on the invoices of top-ups.

A movement has those that were asked for with it, else its rule's, else its wallet's; its invoice has them, or what the
customer has where nothing was selected. Source: handbook, subscriptions-and-invoices 10.4.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.wallets.models import (
    RecurringRuleCustomSection,
    WalletCustomSection,
    WalletTransactionCustomSection,
)
from domain.identity.custom_sections import NOTHING_ASKED, Selection, read_selection, sections_of
from domain.kernel.rows import TenantRow
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["NO_SECTIONS", "Kept", "kept_sections", "read_sections", "sections_of_rules", "sections_of_transactions",
           "sections_of_wallets"]  # fmt: skip

Sections = Mapping[UUID, Sequence[Any]]
"""Rows of the sections by what selected them, in the order of selection."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a movement keeps: whether its invoice has no section at all, else which."""

    skips: bool = False
    ids: Sequence[UUID] = ()


NO_SECTIONS: Final = Kept()


async def read_sections(work: UnitOfWork, read: Reader) -> Selection:
    """The field `invoice_custom_section`; what is wrong is noted. Raises NotFound for an unknown code or id."""
    if read.params.get("invoice_custom_section") is None:
        return NOTHING_ASKED
    return await read_selection(work, Reader(read.json_object("invoice_custom_section"), read.errors))


async def kept_sections(
    work: UnitOfWork, wallet: Any, *, rule: Any | None = None, asked: Selection = NOTHING_ASKED
) -> Kept:
    """What a movement of a wallet keeps: the first of the request, the rule and the wallet that says something."""
    if asked.skip or asked.ids:
        return Kept(bool(asked.skip), asked.ids or ())
    if rule is not None and (found := await _of(work, RecurringRuleCustomSection, "rule_id", rule)) != NO_SECTIONS:
        return found
    if asked.skip is False:
        # Skipping is refused explicitly: the customer's sections, where the wallet has none of its own.
        return Kept(False, (await _of(work, WalletCustomSection, "wallet_id", wallet)).ids)
    return await _of(work, WalletCustomSection, "wallet_id", wallet)


async def _of(work: UnitOfWork, link: type[TenantRow], owner: str, row: Any) -> Kept:
    if row.skip_invoice_custom_sections:
        return Kept(skips=True)
    found = await sections_of(work.session, link, owner, [row.id])
    return Kept(ids=tuple(each.id for each in found.get(row.id, ())))


async def sections_of_wallets(session: AsyncSession, ids: Collection[UUID]) -> Sections:
    """What wallets have selected; one statement."""
    return await sections_of(session, WalletCustomSection, "wallet_id", ids)


async def sections_of_rules(session: AsyncSession, ids: Collection[UUID]) -> Sections:
    """What rules have selected; one statement."""
    return await sections_of(session, RecurringRuleCustomSection, "rule_id", ids)


async def sections_of_transactions(session: AsyncSession, ids: Collection[UUID]) -> Sections:
    """What movements keep; one statement."""
    return await sections_of(session, WalletTransactionCustomSection, "wallet_transaction_id", ids)
