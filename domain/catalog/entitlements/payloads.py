"""Features and entitlements of plans as REST and webhooks show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.entitlements.holdings import Holding, PrivilegeFacts
from domain.catalog.entitlements.queries import feature_rows, privileges_of_features
from domain.catalog.entitlements.values import shown_value
from domain.kernel.format import instant

__all__ = ["feature_payload", "feature_payloads", "plan_entitlement_payload", "privilege_payload"]

Payload = dict[str, Any]


def privilege_payload(row: Any | PrivilegeFacts) -> Payload:
    """A privilege, from its row or from what is known of it where it is held."""
    return {"code": row.code, "name": row.name, "value_type": row.value_type, "config": row.config}


def feature_payload(row: Any, privileges: Sequence[Any]) -> Payload:
    """A feature with the rows of its privileges."""
    return {
        "code": row.code,
        "name": row.name,
        "description": row.description,
        "privileges": [privilege_payload(each) for each in privileges],
        "created_at": instant(row.created_at),
    }


async def feature_payloads(
    session: AsyncSession, ids: Collection[UUID], *, rows: Mapping[UUID, Any] | None = None
) -> dict[UUID, Payload]:
    """Features by id, deleted ones as well: two statements, one when the features' rows are already read."""
    features = rows if rows is not None else await feature_rows(session, ids)
    privileges = await privileges_of_features(session, features)
    return {key: feature_payload(row, privileges.get(key, ())) for key, row in features.items()}


def plan_entitlement_payload(holding: Holding) -> Payload:
    """A feature of a plan with the privileges that are set."""
    return {
        "code": holding.feature.code,
        "name": holding.feature.name,
        "description": holding.feature.description,
        "privileges": [
            {
                **privilege_payload(held.privilege),
                "value": shown_value(held.privilege.value_type, held.value),
            }
            for held in holding.values.values()
        ],
    }
