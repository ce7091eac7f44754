"""The metadata of a wallet: texts by key, free for the client to use."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from domain.catalog.plan_metadata import MAX_KEYS, read_metadata
from domain.credits.wallets.events import WalletsUpdated
from domain.credits.wallets.update import locked_wallet
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = ["change_metadata", "remove_metadata_key"]


async def change_metadata(work: UnitOfWork, wallet_id: UUID | None, params: Params, *, merge: bool) -> dict[str, Any]:
    """Replaces a wallet's metadata by those sent, or merges them in; what is there now.

    Raises NotFound("wallet"), ValidationFailed.
    """
    wallet = await locked_wallet(work, wallet_id)
    sent = read_metadata(params) or {}
    merged = {**(wallet.wallet_metadata or {}), **sent} if merge else dict(sent)
    if len(merged) > MAX_KEYS:
        raise ValidationFailed({"metadata": ["too_many_keys"]})
    wallet.wallet_metadata = merged or None
    await work.session.flush()
    work.record(WalletsUpdated((wallet.id,)))
    return merged


async def remove_metadata_key(work: UnitOfWork, wallet_id: UUID | None, key: str) -> dict[str, Any]:
    """Removes one key. What is left. Raises NotFound("wallet"), NotFound("metadata")."""
    wallet = await locked_wallet(work, wallet_id)
    left = dict(wallet.wallet_metadata or {})
    if key not in left:
        raise NotFound("metadata")
    del left[key]
    wallet.wallet_metadata = left or None
    await work.session.flush()
    work.record(WalletsUpdated((wallet.id,)))
    return left
