"""How much of an invoice each wallet pays: pure. Source: handbook, credits 5.2."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from domain.kernel.money import ZERO, round_cents

__all__ = ["Bucket", "Purse", "allocate", "buckets_of", "pays"]

Frozen = frozenset[Hashable]
_NONE: Final[Frozen] = frozenset()


class Bucket(NamedTuple):
    """What is paid for: fees of one type and metric, and the wallet that their events name, if they name one."""

    fee_type: str
    metric_id: Hashable = None
    target_wallet_code: str | None = None


@dataclass(slots=True)
class Purse:
    """A wallet that can pay. balance_cents shrinks as it pays; empty limits pay for anything."""

    id: Hashable
    code: str
    balance_cents: int
    fee_types: frozenset[str] = frozenset()
    metric_ids: Frozen = field(default=_NONE)


def pays(purse: Purse, bucket: Bucket) -> bool:
    """Whether the wallet may pay for this."""
    if bucket.target_wallet_code is not None:
        return purse.code == bucket.target_wallet_code
    if not purse.fee_types and not purse.metric_ids:
        return True
    return bucket.metric_id in purse.metric_ids or bucket.fee_type in purse.fee_types


def buckets_of(fees: Iterable[tuple[Bucket, Decimal]], total_cents: int) -> list[tuple[Bucket, Decimal]]:
    """What is to be paid of each kind, the largest first.

    fees: what is left of each fee after coupons and credit notes, taxes included, in unrounded cents. What rounding
    left between them and the total, at most a cent for each kind, is added to the largest.
    """
    sums: dict[Bucket, Decimal] = {}
    for bucket, cents in fees:
        if cents > 0:
            sums[bucket] = sums.get(bucket, ZERO) + cents
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    missing = total_cents - sum(sums.values(), ZERO)
    if ordered and 0 < missing <= len(ordered):
        ordered[0] = (ordered[0][0], ordered[0][1] + missing)
    return ordered


def allocate(
    buckets: Sequence[tuple[Bucket, Decimal]], total_cents: int, purses: Iterable[Purse]
) -> list[tuple[Purse, int]]:
    """What each wallet pays, in whole cents, in the order of the wallets; their balances are lowered.

    Never more than the total, never more than a wallet holds or may pay for.
    """
    left = [cents for _, cents in buckets]
    total = Decimal(total_cents)
    paid = []
    for purse in purses:
        most = min(Decimal(purse.balance_cents), total)
        taken = ZERO
        for index, (bucket, _) in enumerate(buckets):
            take = min(left[index], most - taken)
            if take > 0 and pays(purse, bucket):
                left[index] -= take
                taken += take
        cents = round_cents(taken)
        if cents > 0:
            purse.balance_cents -= cents
            total -= cents
            paid.append((purse, cents))
    return paid
