"""What happens to coupons. No webhook tells of it, the activity log does."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["AppliedCouponsEnded", "CouponsApplied", "CouponsCreated", "CouponsDeleted", "CouponsUpdated"]


@dataclass(frozen=True, slots=True)
class CouponsCreated(DomainEvent):
    """There are new coupons."""

    coupon_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CouponsUpdated(DomainEvent):
    """Coupons were edited, or ended."""

    coupon_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CouponsDeleted(DomainEvent):
    """Coupons were deleted."""

    coupon_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CouponsApplied(DomainEvent):
    """Customers were given coupons."""

    applied_coupon_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class AppliedCouponsEnded(DomainEvent):
    """Coupons were taken away from customers, by hand or with the coupon or the customer."""

    applied_coupon_ids: tuple[UUID, ...]
