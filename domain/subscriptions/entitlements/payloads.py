"""Entitlements of subscriptions as REST and webhooks show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.catalog.entitlements.payloads import privilege_payload
from domain.catalog.entitlements.values import shown_value
from domain.subscriptions.entitlements.effective import EffectiveEntitlement, EffectiveValue
from domain.subscriptions.entitlements.terms import entitlements_of

__all__ = ["subscription_entitlement_payload", "subscription_entitlement_payloads"]

Payload = dict[str, Any]


def subscription_entitlement_payload(entitlement: EffectiveEntitlement) -> Payload:
    """A feature with its privileges; `overrides`: the values that are the subscription's own, by privilege."""
    return {
        "code": entitlement.feature.code,
        "name": entitlement.feature.name,
        "description": entitlement.feature.description,
        "privileges": [
            {
                **privilege_payload(each.privilege),
                "value": _shown(each, each.value),
                "plan_value": _shown(each, each.plan_value),
                "override_value": _shown(each, each.override_value),
            }
            for each in entitlement.values
        ],
        "overrides": {
            each.privilege.code: _shown(each, each.override_value)
            for each in entitlement.values
            if each.override_value is not None
        },
    }


def _shown(each: EffectiveValue, text: str | None) -> int | bool | str | None:
    return None if text is None else shown_value(each.privilege.value_type, text)


async def subscription_entitlement_payloads(
    session: AsyncSession, plan_ids: Mapping[UUID, UUID]
) -> dict[UUID, list[Payload]]:
    """What subscriptions are entitled to, in three statements. plan_ids: the plan of each."""
    found = await entitlements_of(session, plan_ids)
    return {key: [subscription_entitlement_payload(each) for each in some] for key, some in found.items()}
