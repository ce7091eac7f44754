"""What happens to subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
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
class SubscriptionUpdated(DomainEvent):
    """Rows were edited, or a downgrade was planned or called off."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionTerminated(DomainEvent):
    """Rows ended: terminated, or canceled while pending."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionTerminationAlert(DomainEvent):
    """Rows will end in some days."""

    subscription_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionTrialEnded(DomainEvent):
    """The free trial of rows is over."""

    subscription_ids: tuple[UUID, ...]
