"""What a subscription is entitled to, and that changing it leaves only what differs from the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.entitlements.holdings import FeatureFacts, HeldValue, Holding, PrivilegeFacts
from domain.catalog.entitlements.write import Changes
from domain.kernel.ids import new_id
from domain.subscriptions.entitlements.effective import (
    Removal,
    Terms,
    change,
    effective,
    without_feature,
    without_privilege,
)

FEATURE, OTHER = new_id(), new_id()
PRIVILEGES = [new_id() for _ in range(4)]
BORN = datetime(2026, 1, 1, tzinfo=UTC)

values = st.dictionaries(st.sampled_from(PRIVILEGES), st.sampled_from(["1", "2"]))


def holding(feature: UUID, texts: Mapping[UUID, str], row: UUID | None = None) -> Holding:
    """An entitlement with these texts by privilege."""
    held = {
        key: HeldValue(new_id(), PrivilegeFacts(key, str(key), None, "string", {}, BORN), text)
        for key, text in texts.items()
    }
    return Holding(row or new_id(), FeatureFacts(feature, str(feature), None, None), held)


def applied(terms: Terms, changes: Changes) -> Terms:
    """What is there after the changes are written."""
    own: dict[UUID, tuple[UUID, dict[UUID, str]]] = {}
    for each in terms.own:
        if each.id not in changes.gone_entitlements:
            kept = {key: held.value for key, held in each.values.items() if held.id not in changes.gone_values}
            own[each.id] = (each.feature.id, kept)
    for row, feature in changes.entitlements.items():
        assert feature not in {known for known, _ in own.values()}, "unique in the database"
        own[row] = (feature, {})
    for row, privilege, text in changes.values:
        assert privilege not in own[row][1], "unique in the database"
        own[row][1][privilege] = text
    features = {key: each for key, each in terms.removed_features.items() if each.id not in changes.gone_removals}
    privileges = {key: each for key, each in terms.removed_privileges.items() if each.id not in changes.gone_removals}
    assert not {*features} & {*changes.removed_features}, "unique in the database"
    assert not {*privileges} & {*changes.removed_privileges}, "unique in the database"
    features |= {key: Removal(new_id(), key) for key in changes.removed_features}
    privileges |= {key: Removal(new_id(), FEATURE) for key in changes.removed_privileges}
    return Terms(
        terms.plan, [holding(feature, texts, row) for row, (feature, texts) in own.items()], features, privileges
    )


@st.composite
def worlds(draw: st.DrawFn) -> Terms:
    """A subscription after up to four changes, of a plan that has the feature or not."""
    plan = [holding(FEATURE, draw(values))] if draw(st.booleans()) else []
    terms = Terms([*plan, holding(OTHER, {})])
    for _ in range(draw(st.integers(0, 4))):
        changes = Changes()
        if draw(st.booleans()):
            change(changes, terms, FEATURE, draw(st.none() | values), full=draw(st.booleans()))
        elif shown(terms) is not None:
            changes = without_feature(terms, FEATURE)
        terms = applied(terms, changes)
    return terms


def shown(terms: Terms) -> dict[UUID, str] | None:
    """The values of the feature as they are in force, None without it."""
    for each in effective(terms):
        if each.feature.id == FEATURE:
            return {value.privilege.id: value.value for value in each.values}
    return None


def holds_only_differences(terms: Terms) -> bool:
    plan = next((each.values for each in terms.plan if each.feature.id == FEATURE), {})
    own = [each for each in terms.own if each.feature.id == FEATURE]
    return all(key not in plan or plan[key].value != held.value for each in own for key, held in each.values.items())


@given(worlds(), values)
def test_a_full_change_leaves_exactly_what_was_asked_for(terms: Terms, asked: dict[UUID, str]) -> None:
    changes = Changes()
    change(changes, terms, FEATURE, asked, full=True)
    after = applied(terms, changes)
    assert shown(after) == asked
    assert holds_only_differences(after)
    again = Changes()
    change(again, after, FEATURE, asked, full=True)
    assert again == Changes(), "the same change again changes nothing"


@given(worlds(), values)
def test_a_merge_keeps_what_was_not_asked_for(terms: Terms, asked: dict[UUID, str]) -> None:
    changes = Changes()
    change(changes, terms, FEATURE, asked or None, full=False)
    after = applied(terms, changes)
    plan = next((each for each in terms.plan if each.feature.id == FEATURE), None)
    planned = {key: held.value for key, held in plan.values.items()} if plan else None
    if asked and asked == planned:
        assert shown(after) == planned, "the plan's own values drop everything that differs"
        assert not after.removed_privileges
    else:
        before = shown(terms) if shown(terms) is not None else shown(Terms(terms.plan))
        assert shown(after) == {**(before or {}), **asked}
    assert holds_only_differences(after)


@given(worlds(), values)
def test_a_feature_that_is_removed_is_gone_and_comes_back_as_the_plan_has_it(
    terms: Terms, asked: dict[UUID, str]
) -> None:
    given = Changes()
    change(given, terms, FEATURE, asked, full=True)
    terms = applied(terms, given)
    removed = applied(terms, without_feature(terms, FEATURE))
    assert shown(removed) is None
    back = Changes()
    change(back, removed, FEATURE, None, full=False)
    plan = next((each for each in terms.plan if each.feature.id == FEATURE), None)
    assert shown(applied(removed, back)) == ({key: held.value for key, held in plan.values.items()} if plan else {})


@given(worlds(), values, st.sampled_from(PRIVILEGES))
def test_a_privilege_that_is_removed_is_gone_and_the_feature_stays(
    terms: Terms, asked: dict[UUID, str], privilege: UUID
) -> None:
    given = Changes()
    change(given, terms, FEATURE, {**asked, privilege: "1"}, full=True)
    terms = applied(terms, given)
    after = applied(terms, without_privilege(terms, FEATURE, privilege))
    assert shown(after) == {key: text for key, text in asked.items() if key != privilege}


def test_the_plans_features_come_first_and_say_where_each_value_is_from() -> None:
    first, second, third, _ = PRIVILEGES
    terms = Terms(
        [holding(FEATURE, {second: "plan", first: "plan"})],
        [holding(OTHER, {}), holding(FEATURE, {first: "own", third: "own"})],
    )
    found = effective(terms)
    assert [each.feature.id for each in found] == [FEATURE, OTHER]
    assert [(each.privilege.id, each.plan_value, each.override_value, each.value) for each in found[0].values] == [
        (first, "plan", "own", "own"), (second, "plan", None, "plan"), (third, None, "own", "own"),
    ]  # fmt: skip
