"""What happens in the identity context."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["BillingEntitiesCreated", "BillingEntitiesUpdated", "BillingTermsChanged"]


@dataclass(frozen=True, slots=True)
class BillingEntitiesCreated(DomainEvent):
    """There are new billing entities."""

    billing_entity_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class BillingEntitiesUpdated(DomainEvent):
    """Billing entities were edited."""

    billing_entity_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class BillingTermsChanged(DomainEvent):
    """The grace period or payment term of billing entities changed: draft invoices follow."""

    billing_entity_ids: tuple[UUID, ...]
