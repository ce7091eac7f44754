"""What happens to the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = [
    "BillableMetricCreated", "BillableMetricDeleted", "BillableMetricUpdated", "CustomerTaxesChanged",
    "FeatureCreated", "FeatureDeleted", "FeatureUpdated", "FixedChargeUnitsChanged", "MetricFieldChanged",
    "PlanAmountChanged", "PlanComponentsChanged", "PlanCreated", "PlanDeletionRequested", "PlanEntitlementsChanged",
    "PlanPricesChanged", "PlanUpdated", "TaxChanged", "UsageThresholdsChanged",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class BillableMetricCreated(DomainEvent):
    """Metrics were made."""

    metric_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class BillableMetricUpdated(DomainEvent):
    """Metrics were edited."""

    metric_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class BillableMetricDeleted(DomainEvent):
    """Metrics were deleted, and with them their charges on these plans, whose drafts are to be refreshed."""

    metric_ids: tuple[UUID, ...]
    plan_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CustomerTaxesChanged(DomainEvent):
    """Customers have other taxes than before; their drafts are to be refreshed."""

    customer_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class FeatureCreated(DomainEvent):
    """Features were made, with their privileges."""

    feature_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class FeatureUpdated(DomainEvent):
    """Features or their privileges were edited."""

    feature_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class FeatureDeleted(DomainEvent):
    """Features were deleted, and nobody has them any more."""

    feature_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class MetricFieldChanged(DomainEvent):
    """A metric that reads numbers reads another property than before, or is new: `events.value` of its code is to be
    filled in from the property, then `values_ready` set."""

    metric_id: UUID


@dataclass(frozen=True, slots=True)
class FixedChargeUnitsChanged(DomainEvent):
    """Fixed charges are new or have other units: their subscriptions are to be told (pricing handbook, 10.2).

    at_once: the units count from now on, else from the next fixed-charge period on.
    """

    fixed_charge_ids: tuple[UUID, ...]
    at_once: bool


@dataclass(frozen=True, slots=True)
class PlanCreated(DomainEvent):
    """Plans were made, with their charges."""

    plan_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PlanUpdated(DomainEvent):
    """Plans or their charges were edited; drafts of these plans are to be refreshed."""

    plan_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PlanEntitlementsChanged(DomainEvent):
    """Plans got other features, or features that they have were edited: subscribers may do something else, and pay
    the same. Webhook plan.updated."""

    plan_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PlanAmountChanged(DomainEvent):
    """The base fee of plans changed: planned plan changes may have turned round (pricing handbook, section 1.4)."""

    plan_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PlanPricesChanged(DomainEvent):
    """What changed of a plan is to be handed on to its overrides (pricing handbook, section 1.7).

    before: the prices as they stood, see cascade.prices_of. at_once: new units of fixed charges count from now on.
    """

    plan_id: UUID
    before: Mapping[str, Any]
    at_once: bool


@dataclass(frozen=True, slots=True)
class PlanDeletionRequested(DomainEvent):
    """Plans are pending deletion: subscriptions are to be ended and drafts finalized, then the plans removed."""

    plan_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class PlanComponentsChanged(DomainEvent):
    """What plans charge for changed with something else than the plan: a metric's filters, a deleted add-on. Drafts of
    these plans are to be refreshed."""

    plan_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class TaxChanged(DomainEvent):
    """Taxes were edited, deleted, or put on or off a billing entity; drafts that use them are to be refreshed."""

    tax_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class UsageThresholdsChanged(DomainEvent):
    """Plans got other usage thresholds; their subscriptions may have passed them already."""

    plan_ids: tuple[UUID, ...]
