"""What a subscription is entitled to, and what a change of it makes of its own rows: pure. Source: handbook,
platform 19.

A subscription has what its plan has, in the plan's order, without what was removed from it; then what it has by
itself. Its own rows hold only what differs from the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain.catalog.entitlements.holdings import FeatureFacts, HeldValue, Holding, PrivilegeFacts
from domain.catalog.entitlements.write import Changes
from domain.kernel.ids import new_id

__all__ = [
    "EffectiveEntitlement", "EffectiveValue", "Removal", "Terms", "change", "effective", "find", "without_feature",
    "without_privilege",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Removal:
    """That a subscription does not have a feature, or a privilege of it; id: of the row."""

    id: UUID
    feature_id: UUID


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides: the entitlements of the plan and of the subscription itself, and what was removed, by the id of
    the feature or privilege."""

    plan: Sequence[Holding] = ()
    own: Sequence[Holding] = ()
    removed_features: Mapping[UUID, Removal] = field(default_factory=dict)
    removed_privileges: Mapping[UUID, Removal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """What a privilege is set to, as texts; None where one side does not set it. One of them does."""

    privilege: PrivilegeFacts
    plan_value: str | None
    override_value: str | None

    @property
    def value(self) -> str:
        """The subscription's own value, else the plan's."""
        value = self.override_value if self.override_value is not None else self.plan_value
        assert value is not None, "somebody sets it"
        return value


@dataclass(frozen=True, slots=True)
class EffectiveEntitlement:
    """A feature with its privileges, in the order of their creation."""

    feature: FeatureFacts
    values: Sequence[EffectiveValue]


def effective(terms: Terms) -> list[EffectiveEntitlement]:
    """What the subscription is entitled to."""
    plan = {each.feature.id: each for each in terms.plan}
    own = {each.feature.id: each for each in terms.own}
    features = {key: each.feature for key, each in (own | plan).items()}
    return [
        EffectiveEntitlement(features[key], _values(plan.get(key), own.get(key), terms))
        for key in dict.fromkeys((*plan, *own))
        if key not in terms.removed_features
    ]


def _of(holdings: Collection[Holding], feature_id: UUID) -> Holding | None:
    return next((each for each in holdings if each.feature.id == feature_id), None)


def _values(plan: Holding | None, own: Holding | None, terms: Terms) -> list[EffectiveValue]:
    planned, overridden = _values_of(plan), _values_of(own)
    privileges = {held.privilege.id: held.privilege for held in (*planned.values(), *overridden.values())}
    kept = [
        EffectiveValue(privilege, _text(planned.get(key)), _text(overridden.get(key)))
        for key, privilege in privileges.items()
        if key not in terms.removed_privileges
    ]
    return sorted(kept, key=lambda each: (each.privilege.created_at, each.privilege.id))


def _values_of(holding: Holding | None) -> Mapping[UUID, HeldValue]:
    return holding.values if holding else {}


def _text(held: HeldValue | None) -> str | None:
    return held.value if held else None


def find(entitlements: Collection[EffectiveEntitlement], feature_code: str) -> EffectiveEntitlement | None:
    """The one of that feature."""
    return next((each for each in entitlements if each.feature.code == feature_code), None)


def change(changes: Changes, terms: Terms, feature_id: UUID, asked: Mapping[UUID, str] | None, *, full: bool) -> None:
    """Gives a subscription a feature with these values; None asks for the feature alone, whatever its values are.

    With `full` the values that are not asked for go. Values that are exactly those of the plan leave nothing of the
    subscription's own. What was removed and is asked for again comes back.
    """
    plan, own = _of(terms.plan, feature_id), _of(terms.own, feature_id)
    planned, overridden = _values_of(plan), _values_of(own)
    if feature_id in terms.removed_features:
        changes.gone_removals.append(terms.removed_features[feature_id].id)
    if asked is None:
        if plan is None and own is None:
            changes.entitlements[new_id()] = feature_id
        return
    if plan is not None and asked == {key: held.value for key, held in planned.items()}:
        changes.gone_entitlements += [own.id] if own else []
        changes.gone_removals += _removed_of(terms, feature_id)
        return
    new: dict[UUID, str] = {}
    gone = {key: held.id for key, held in overridden.items() if full and key not in asked}
    for key, text in asked.items():
        if key in terms.removed_privileges:
            changes.gone_removals.append(terms.removed_privileges[key].id)
        if key in overridden and overridden[key].value != text:
            gone[key] = overridden[key].id
        if key in planned and planned[key].value == text:
            gone |= {key: overridden[key].id} if key in overridden else {}
        elif key not in overridden or key in gone:
            new[key] = text
    if full:
        changes.removed_privileges += [
            key for key in planned if key not in asked and key not in terms.removed_privileges
        ]
    _settle(changes, feature_id, plan, own, gone, new)


def _removed_of(terms: Terms, feature_id: UUID) -> list[UUID]:
    return [each.id for each in terms.removed_privileges.values() if each.feature_id == feature_id]


def _settle(
    changes: Changes, feature_id: UUID, plan: Holding | None, own: Holding | None, gone: Mapping[UUID, UUID],
    new: Mapping[UUID, str],
) -> None:  # fmt: skip
    """Writes the values down; the own entitlement stands as long as something hangs on it, or nothing else gives the
    feature."""
    left = new or (set(_values_of(own)) - set(gone))
    if own is not None and plan is not None and not left:
        changes.gone_entitlements.append(own.id)
        return
    changes.gone_values += gone.values()
    if own is None and (new or plan is None):
        own_id = new_id()
        changes.entitlements[own_id] = feature_id
    elif own is not None:
        own_id = own.id
    else:
        return
    changes.values += [(own_id, key, text) for key, text in new.items()]


def without_feature(terms: Terms, feature_id: UUID) -> Changes:
    """Takes a feature that it has from a subscription."""
    own = _of(terms.own, feature_id)
    return Changes(
        gone_entitlements=[own.id] if own else [],
        gone_removals=_removed_of(terms, feature_id),
        removed_features=[feature_id] if _of(terms.plan, feature_id) else [],
    )


def without_privilege(terms: Terms, feature_id: UUID, privilege_id: UUID) -> Changes:
    """Takes a privilege that it has from a subscription; the feature stays."""
    changes = Changes()
    plan, own = _of(terms.plan, feature_id), _of(terms.own, feature_id)
    held = _values_of(own).get(privilege_id)
    if held is not None:
        _settle(changes, feature_id, plan, own, {privilege_id: held.id}, {})
    if privilege_id in _values_of(plan):
        changes.removed_privileges.append(privilege_id)
    return changes
