"""What happens in the identity context."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["BillingTermsChanged"]


@dataclass(frozen=True, slots=True)
class BillingTermsChanged(DomainEvent):
    """The grace period or payment term of billing entities changed: draft invoices follow."""

    billing_entity_ids: tuple[UUID, ...]
