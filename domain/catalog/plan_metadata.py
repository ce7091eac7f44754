"""The metadata of a plan: texts by key, free for the client to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.catalog.events import PlanUpdated
from domain.catalog.plan_lock import locked_plan
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, Params, storable

__all__ = ["MAX_KEYS", "change_metadata", "read_metadata", "remove_metadata_key"]

MAX_KEYS = 50
LONGEST_KEY = 40
LONGEST_VALUE = 255


def read_metadata(params: Params) -> dict[str, str | None] | None:
    """The field `metadata`: an object of texts, or a list of {key, value} as GraphQL sends it; None when absent or
    null. Numbers and flags are kept as their text. Raises ValidationFailed."""
    sent: Any = params.get("metadata")
    if isinstance(sent, list) and all(isinstance(each, Mapping) and "key" in each for each in sent):
        sent = {each["key"]: each.get("value") for each in sent}
    if sent is None:
        return None
    if not isinstance(sent, Mapping) or not all(isinstance(key, str) and storable(key) and key for key in sent):
        raise ValidationFailed({"metadata": ["invalid_type"]})
    if len(sent) > MAX_KEYS:
        raise ValidationFailed({"metadata": ["too_many_keys"]})
    if any(len(key) > LONGEST_KEY for key in sent):
        raise ValidationFailed({"metadata": ["key_too_long"]})
    return {key: _text(value) for key, value in sent.items()}


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Mapping | list):
        raise ValidationFailed({"metadata": ["nested_structure_not_allowed"]})
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not storable(text):
        raise ValidationFailed({"metadata": [INVALID]})
    if len(text) > LONGEST_VALUE:
        raise ValidationFailed({"metadata": ["value_too_long"]})
    return text


async def change_metadata(
    work: UnitOfWork, params: Params, *, merge: bool, plan_id: UUID | None = None, code: str | None = None
) -> dict[str, Any]:
    """Replaces a plan's metadata by those of the field `metadata`, or merges them in; nothing sent clears them when
    they are replaced. Returns what is there now. Raises NotFound, ValidationFailed."""
    plan = await locked_plan(work, plan_id, code)
    sent = read_metadata(params) or {}
    merged = {**(plan.plan_metadata or {}), **sent} if merge else sent
    if len(merged) > MAX_KEYS:
        raise ValidationFailed({"metadata": ["too_many_keys"]})
    plan.plan_metadata = dict(merged) or None
    await work.session.flush()
    work.record(PlanUpdated((plan.id,)))
    return dict(merged)


async def remove_metadata_key(work: UnitOfWork, key: str, *, code: str) -> dict[str, Any]:
    """Removes one key. Returns what is left. Raises NotFound("plan"), NotFound("metadata")."""
    plan = await locked_plan(work, None, code)
    if key not in (plan.plan_metadata or {}):
        raise NotFound("metadata")
    left = {name: value for name, value in (plan.plan_metadata or {}).items() if name != key}
    plan.plan_metadata = left or None
    await work.session.flush()
    work.record(PlanUpdated((plan.id,)))
    return left
