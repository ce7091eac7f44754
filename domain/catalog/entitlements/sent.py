"""Entitlements as clients send them, and what they ask for. Source: handbook, platform 19."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.entitlements.models import Feature, Privilege
from domain.catalog.entitlements.values import stored_value
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, clean_json

__all__ = ["DUPLICATED", "Asked", "Sent", "ask", "read_sent"]

Sent = Mapping[str, Mapping[str, Any]]
"""Values by the codes of feature and privilege."""

DUPLICATED: Final = "value_is_duplicated"
MOST_FEATURES: Final = 1_000
MOST_PRIVILEGES: Final = 1_000

_features, _privileges = table(Feature), table(Privilege)


@dataclass(frozen=True, slots=True)
class Asked:
    """A feature that somebody is to have, with the texts of its values by privilege."""

    feature_id: UUID
    values: Mapping[UUID, str]


def read_sent(sent: object, field: str = "entitlements") -> Sent | None:
    """What was sent; None when it is null.

    Either {feature code: {privilege code: value}}, where null stands for {}, or a list of features as GraphQL sends
    it and as plans show it. Raises ValidationFailed for another shape, or a code that comes twice.
    """
    if sent is None:
        return None
    if isinstance(sent, list):
        listed = [(_code(each, "feature_code"), each.get("privileges")) for each in sent if isinstance(each, Mapping)]
        sent = _by_code(listed, field) if len(listed) == len(sent) else None
    if not isinstance(sent, Mapping) or not clean_json(sent) or len(sent) > MOST_FEATURES:
        raise ValidationFailed({field: [INVALID]})
    read: dict[str, Mapping[str, Any]] = {}
    for code, privileges in sent.items():
        values = privileges if privileges is not None else {}
        if isinstance(values, list) and all(isinstance(each, Mapping) for each in values):
            values = _by_code([(_code(each, "privilege_code"), each.get("value")) for each in values], field)
        if not isinstance(values, Mapping) or len(values) > MOST_PRIVILEGES:
            raise ValidationFailed({field: [INVALID]})
        read[code] = values
    return read


def _code(entry: Mapping[str, Any], name: str) -> object:
    return entry.get(name, entry.get("code"))


def _by_code(pairs: Sequence[tuple[object, Any]], field: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for code, content in pairs:
        if not isinstance(code, str):
            raise ValidationFailed({field: [INVALID]})
        if code in found:
            raise ValidationFailed({field: [DUPLICATED]})
        found[code] = content
    return found


async def ask(work: UnitOfWork, sent: Sent) -> list[Asked]:
    """What was sent, by the ids of features and privileges, in its order: two statements.

    The features are locked until the end against being changed or deleted. Raises NotFound("feature"),
    NotFound("privilege"), ValidationFailed {"<privilege code>_privilege_value": codes} for all wrong values at once.
    """
    if not sent:
        return []
    rows = await work.session.execute(
        sa.select(_features.c.id, _features.c.code)
        .where(_features.c.code.in_(sent), _features.c.deleted_at.is_(None))
        .order_by(_features.c.id)
        .with_for_update(read=True)
    )
    features = {row.code: row.id for row in rows}
    if not features.keys() >= sent.keys():
        raise NotFound("feature")
    known: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for row in await work.session.execute(
        sa.select(*_privileges.c).where(
            _privileges.c.feature_id.in_(features.values()), _privileges.c.deleted_at.is_(None)
        )
    ):
        known[row.feature_id][row.code] = row
    if not all(known[features[code]].keys() >= values.keys() for code, values in sent.items()):
        raise NotFound("privilege")
    asked: list[Asked] = []
    wrong: dict[str, list[str]] = {}
    for code, values in sent.items():
        texts: dict[UUID, str] = {}
        for privilege_code, value in values.items():
            privilege = known[features[code]][privilege_code]
            texts[privilege.id], error = stored_value(privilege.value_type, privilege.config, value)
            codes = wrong.setdefault(f"{privilege_code}_privilege_value", []) if error else []
            if error and error not in codes:
                codes.append(error)
        asked.append(Asked(features[code], texts))
    if wrong:
        raise ValidationFailed(wrong)
    return asked
