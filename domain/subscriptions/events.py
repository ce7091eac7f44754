"""What happens to subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "SubscriptionCanceled",
    "SubscriptionGivenUp",
    "SubscriptionIncomplete",
    "SubscriptionStarted",
    "SubscriptionTerminated",
    "SubscriptionTerminationAlert",
    "SubscriptionTrialEnded",
    "SubscriptionUpdated",
]


@dataclass(frozen=True, slots=True)
class SubscriptionStarted(DomainEvent):
    """Rows became active, at creation, by the clock or as successors."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionIncomplete(DomainEvent):
    """Rows started and wait for the payment of their first invoice."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionGivenUp(DomainEvent):
    """Rows that waited for a payment were given up: it failed or came too late. Webhook subscription.canceled."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionUpdated(DomainEvent):
    """Rows were edited, or a downgrade was planned or called off."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionCanceled(DomainEvent):
    """Rows that waited for their start will not start. Webhook subscription.terminated, as the interface has it."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionTerminated(DomainEvent):
    """Rows ended."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionTerminationAlert(DomainEvent):
    """Rows will end in some days."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionTrialEnded(DomainEvent):
    """The free trial of rows is over."""

    subscription_ids: tuple[UUID, ...]
