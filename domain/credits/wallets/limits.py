"""What a wallet pays for: types of fees and billable metrics. Source: handbook, credits 4.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import BillableMetric
from domain.credits.wallets.models import Wallet, WalletTarget
from domain.kernel.ids import new_id, parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = ["FEE_TYPES", "Limits", "read_limits", "write_targets"]

FEE_TYPES: Final = ("charge", "add_on", "subscription", "credit", "commitment", "fixed_charge", "product")
MOST: Final = 1_000
_metrics, _targets = table(BillableMetric), table(WalletTarget)


@dataclass(frozen=True, slots=True)
class Limits:
    """fee_types: None when they were not sent and stay. metric_ids: replace those that are there."""

    fee_types: list[str] | None = None
    metric_ids: Sequence[UUID] = ()


async def read_limits(work: UnitOfWork, read: Reader) -> Limits:
    """`applies_to` {fee_types, billable_metric_codes or billable_metric_ids}."""
    sent = read.params.get("applies_to")
    if sent is None:
        return Limits()
    if not isinstance(sent, Mapping):
        read.add("applies_to", "invalid_limitations")
        return Limits()
    fee_types = sent.get("fee_types")
    if fee_types is not None and (
        not isinstance(fee_types, list) or not all(isinstance(each, str) and each in FEE_TYPES for each in fee_types)
    ):
        read.add("applies_to", "invalid_limitations")
        read.add("allowed_fee_types", "invalid_fee_types")
        fee_types = None
    metric_ids = await _metric_ids(work, read, sent)
    return Limits(None if fee_types is None else list(dict.fromkeys(fee_types)), metric_ids)


async def _metric_ids(work: UnitOfWork, read: Reader, sent: Mapping[str, object]) -> list[UUID]:
    codes, ids = sent.get("billable_metric_codes") or [], sent.get("billable_metric_ids") or []
    found: list[UUID] = []
    for named, column in ((codes, _metrics.c.code), (ids, _metrics.c.id)):
        if not named:
            continue
        keys: set[object] = set()
        if isinstance(named, list) and len(named) <= MOST:
            keys = {str(each) if column is _metrics.c.code else parse_id(each) or UUID(int=0) for each in named}
        query = sa.select(_metrics.c.id).where(column.in_(keys), _metrics.c.deleted_at.is_(None))
        rows = (await work.session.scalars(query)).all()
        if not keys or len(rows) != len(keys):
            read.add("applies_to", "invalid_limitations")
            read.add("billable_metrics", "invalid_identifier")
        found += rows
    return found


async def write_targets(work: UnitOfWork, wallet: Wallet, metric_ids: Sequence[UUID]) -> None:
    """Afterwards the wallet's metrics are exactly these."""
    await work.session.execute(sa.delete(_targets).where(_targets.c.wallet_id == wallet.id))
    if metric_ids:
        now = wallet.updated_at
        rows = [
            {
                "id": new_id(),
                "organization_id": wallet.organization_id,
                "wallet_id": wallet.id,
                "billable_metric_id": each,
                "created_at": now,
                "updated_at": now,
            }
            for each in dict.fromkeys(metric_ids)
        ]
        await work.session.execute(sa.insert(_targets).values(rows))
