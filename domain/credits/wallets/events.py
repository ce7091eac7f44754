"""What happens to wallets."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "TopUpsRequested", "WalletAlertsSet", "WalletBalancesChanged", "WalletOngoingBalancesChanged",
    "WalletTransactionsCreated", "WalletTransactionsUpdated", "WalletsCreated", "WalletsDepleted", "WalletsTerminated",
    "WalletsUpdated",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class WalletsCreated(DomainEvent):
    """Webhook wallet.created."""

    wallet_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletsUpdated(DomainEvent):
    """Names, limits or rules were changed. Webhook wallet.updated; the ongoing balances are computed anew."""

    wallet_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletsTerminated(DomainEvent):
    """Webhook wallet.terminated; what the wallet would have paid goes to the customer's others."""

    wallet_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletBalancesChanged(DomainEvent):
    """Money was moved: `balance_cents` is another. Webhook wallet.updated, then the ongoing balances are computed
    anew, which records WalletOngoingBalancesChanged."""

    wallet_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletOngoingBalancesChanged(DomainEvent):
    """Computed anew, the ongoing figures are others than before. Webhook wallet.updated."""

    wallet_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletsDepleted(DomainEvent):
    """Ongoing balances that were above zero are not any more. Webhook wallet.depleted_ongoing_balance."""

    wallet_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletTransactionsCreated(DomainEvent):
    """Webhook wallet_transaction.created."""

    transaction_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletTransactionsUpdated(DomainEvent):
    """They were settled or have failed. Webhook wallet_transaction.updated."""

    transaction_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class TopUpsRequested(DomainEvent):
    """Credits were ordered that have to be paid: each gets an invoice of its own."""

    transaction_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class WalletAlertsSet(DomainEvent):
    """Alerts were set on wallets, or changed, and begin with what the wallets hold now."""

    wallet_ids: tuple[UUID, ...]
