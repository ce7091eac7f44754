"""The figures of alerts on wallets. Source: handbook, metering 19.1 and 19.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.evaluate_alerts import RowOf, compare, locked_alerts

__all__ = ["WalletFigures", "evaluate_wallet_alerts"]


@dataclass(frozen=True, slots=True)
class WalletFigures:
    """What a wallet holds, and what it would hold if all usage were billed now. Cents and credits."""

    balance_cents: int
    credits_balance: Decimal
    ongoing_balance_cents: int
    credits_ongoing_balance: Decimal


async def evaluate_wallet_alerts(work: UnitOfWork, figures: Mapping[UUID, WalletFigures]) -> None:
    """Compares the alerts of these wallets with what they hold; a fixed number of statements, one without alerts."""
    alerts = await locked_alerts(work, wallet_ids=sorted(figures))
    if alerts:
        await compare(work, alerts, lambda alert: _value(alert, figures[alert.wallet_id]))


def _value(alert: RowOf, figures: WalletFigures) -> Decimal | int:
    match alert.alert_type:
        case "wallet_balance_amount":
            return figures.balance_cents
        case "wallet_credits_balance":
            return figures.credits_balance
        case "wallet_ongoing_balance_amount":
            return figures.ongoing_balance_cents
        case _:
            return figures.credits_ongoing_balance
