"""What happens in metering."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["AlertsTriggered", "LookAsked"]


@dataclass(frozen=True, slots=True)
class AlertsTriggered(DomainEvent):
    """Figures crossed thresholds of alerts. Webhook alert.triggered for each."""

    triggered_alert_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class LookAsked(DomainEvent):
    """Watched subscriptions were noted, and are to be looked at within a moment."""
