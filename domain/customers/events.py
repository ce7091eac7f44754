"""What happens to customers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "CustomerCreated",
    "CustomerDeleted",
    "CustomerDetailsChanged",
    "CustomerInvoiceTermsChanged",
    "CustomerUpdated",
]


@dataclass(frozen=True, slots=True)
class CustomerCreated(DomainEvent):
    """Customers were made, by a client or along with a subscription."""

    customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CustomerUpdated(DomainEvent):
    """Customers were edited."""

    customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CustomerInvoiceTermsChanged(DomainEvent):
    """The terms of a customer's invoices changed: the dates of its drafts move by the difference, and drafts that
    became due are finalized (subscriptions handbook, section 5.4). Effective values before and after, in days."""

    customer_id: UUID
    grace_period_before: int
    grace_period_after: int
    payment_term_before: int
    payment_term_after: int


@dataclass(frozen=True, slots=True)
class CustomerDeleted(DomainEvent):
    """Customers were deleted: their subscriptions are to be ended and their drafts finalized."""

    customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CustomerDetailsChanged(DomainEvent):
    """The name, the e-mail address, the telephone number or the address of customers changed."""

    customer_ids: tuple[UUID, ...]
