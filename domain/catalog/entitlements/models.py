"""Features that may be sold, what of them can be tuned, and who is entitled to which."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.entitlements.values import VALUE_TYPES
from domain.kernel.rows import TenantRow, json_object, one_of, reference, timestamp

__all__ = ["Entitlement", "EntitlementValue", "Feature", "Privilege", "SubscriptionFeatureRemoval"]

_KEPT = sa.text("deleted_at IS NULL")


class Feature(TenantRow, table=True):
    """Something of a product that customers have or don't have. Deleted, its privileges are gone with it."""

    __tablename__ = "features"
    __table_args__ = (
        sa.Index("uq_features_code", "organization_id", "code", unique=True, postgresql_where=_KEPT),
    )  # fmt: skip

    code: str
    name: str | None = None
    description: str | None = None
    deleted_at: datetime | None = timestamp()


class Privilege(TenantRow, table=True):
    """What a feature is tuned with, such as a number of seats. `config`: {"select_options": […]} of a select, else
    empty."""

    __tablename__ = "privileges"
    __table_args__ = (
        one_of("value_type", VALUE_TYPES),
        sa.Index("uq_privileges_code", "feature_id", "code", unique=True, postgresql_where=_KEPT),
    )  # fmt: skip

    feature_id: UUID = reference("features.id")
    code: str
    name: str | None = None
    value_type: str
    config: dict[str, Any] = json_object()
    deleted_at: datetime | None = timestamp()


class Entitlement(TenantRow, table=True):
    """A feature of a plan, or of one subscription beside or instead of its plan's."""

    __tablename__ = "entitlements"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(plan_id, subscription_id) = 1", name="one_owner"),
        sa.Index("uq_entitlements_of_plan", "plan_id", "feature_id", unique=True, postgresql_where=_KEPT),
        sa.Index("uq_entitlements_of_subscription", "subscription_id", "feature_id", unique=True,
                 postgresql_where=_KEPT),
    )  # fmt: skip

    feature_id: UUID = reference("features.id", index=True)
    plan_id: UUID | None = reference("plans.id", nullable=True)
    subscription_id: UUID | None = reference("subscriptions.id", nullable=True)
    deleted_at: datetime | None = timestamp()


class EntitlementValue(TenantRow, table=True):
    """What a privilege is set to, as text; see `values.py`. Another value is another row."""

    __tablename__ = "entitlement_values"
    __table_args__ = (
        sa.Index("uq_entitlement_values_privilege", "entitlement_id", "privilege_id", unique=True,
                 postgresql_where=_KEPT),
    )  # fmt: skip

    entitlement_id: UUID = reference("entitlements.id")
    privilege_id: UUID = reference("privileges.id", index=True)
    value: str
    deleted_at: datetime | None = timestamp()


class SubscriptionFeatureRemoval(TenantRow, table=True):
    """A feature of its plan that a subscription does not have, or a single privilege of one."""

    __tablename__ = "subscription_feature_removals"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(feature_id, privilege_id) = 1", name="one_removed"),
        sa.Index("uq_subscription_feature_removals_feature", "subscription_id", "feature_id", unique=True,
                 postgresql_where=_KEPT),
        sa.Index("uq_subscription_feature_removals_privilege", "subscription_id", "privilege_id", unique=True,
                 postgresql_where=_KEPT),
    )  # fmt: skip

    subscription_id: UUID = reference("subscriptions.id")
    feature_id: UUID | None = reference("features.id", nullable=True, index=True)
    privilege_id: UUID | None = reference("privileges.id", nullable=True, index=True)
    deleted_at: datetime | None = timestamp()
