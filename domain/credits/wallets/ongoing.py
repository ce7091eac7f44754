"""Usage that is not billed yet, charged against the wallets: pure. Source: handbook, credits 5.5."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.credits.wallets.allocation import Bucket, Purse, pays
from domain.kernel.money import ZERO, round_cents

__all__ = ["Running", "charge_usage"]


@dataclass(slots=True)
class Running:
    """A wallet and whether it is topped up when it runs low: such a one takes all that comes, below zero too."""

    purse: Purse
    topped_up: bool = False


def charge_usage(nets: Iterable[tuple[Bucket, Decimal]], wallets: Sequence[Running]) -> list[int]:
    """What each of these wallets is charged, in whole cents; nets and wallets of one currency.

    nets: usage and drafts less what was billed of them already, taxes included, in cents, by kind; negative ones lower
    what can be charged in all. wallets: in the order in which they are spent.
    """
    sums: dict[Bucket, Decimal] = {}
    for bucket, cents in nets:
        sums[bucket] = sums.get(bucket, ZERO) + cents
    budget = max(ZERO, sum(sums.values(), ZERO))
    taken = [ZERO] * len(wallets)
    kinds = [item for item in sums.items() if item[1] > 0]
    for bucket, net in sorted(kinds, key=lambda item: (-item[1], tuple(str(part or "") for part in item[0]))):
        rest = min(net, budget)
        applicable = [index for index, each in enumerate(wallets) if pays(each.purse, bucket)]
        for index in applicable:
            if rest <= 0:
                break
            wallet = wallets[index]
            if wallet.topped_up or index == applicable[-1]:
                take = rest
            else:
                take = min(rest, max(ZERO, wallet.purse.balance_cents - taken[index]))
            taken[index] += take
            rest -= take
            budget -= take
    return [round_cents(each) for each in taken]
