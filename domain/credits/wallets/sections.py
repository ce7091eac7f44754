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
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = [
    "NO_SECTIONS", "Kept", "kept_by_rules", "kept_sections", "read_sections", "sections_of_rules",
    "sections_of_transactions", "sections_of_wallets",
]  # fmt: skip

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


async def kept_sections(work: UnitOfWork, wallet: Any, asked: Selection) -> Kept:
    """What a movement made by hand keeps: what was asked for, else the wallet's. One statement at most."""
    if asked.skip or asked.ids:
        return Kept(bool(asked.skip), asked.ids or ())
    found = _kept(wallet, await sections_of_wallets(work.session, [wallet.id]))
    return Kept(ids=found.ids) if asked.skip is False else found


async def kept_by_rules(work: UnitOfWork, pairs: Sequence[tuple[Any, Any]]) -> list[Kept]:
    """What the top-ups of rules keep: the rule's, else the wallet's. pairs: rows of both. Two statements."""
    of_rules = await sections_of_rules(work.session, [rule.id for rule, _ in pairs])
    of_wallets = await sections_of_wallets(work.session, [wallet.id for _, wallet in pairs])
    found = []
    for rule, wallet in pairs:
        own = _kept(rule, of_rules)
        found.append(_kept(wallet, of_wallets) if own == NO_SECTIONS else own)
    return found


def _kept(row: Any, selected: Sections) -> Kept:
    if row.skip_invoice_custom_sections:
        return Kept(skips=True)
    return Kept(ids=tuple(each.id for each in selected.get(row.id, ())))


async def sections_of_wallets(session: AsyncSession, ids: Collection[UUID]) -> Sections:
    """What wallets have selected; one statement."""
    return await sections_of(session, WalletCustomSection, "wallet_id", ids)


async def sections_of_rules(session: AsyncSession, ids: Collection[UUID]) -> Sections:
    """What rules have selected; one statement."""
    return await sections_of(session, RecurringRuleCustomSection, "rule_id", ids)


async def sections_of_transactions(session: AsyncSession, ids: Collection[UUID]) -> Sections:
    """What movements keep; one statement."""
    return await sections_of(session, WalletTransactionCustomSection, "wallet_transaction_id", ids)
