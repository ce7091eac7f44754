"""Which bucket takes an event: the handbook's rules (metering 7.2) and what nested filters promise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.metering.matching import (
    FilterRule,
    buckets,
    condition_of,
    has_match,
    is_ignored,
    property_text,
    winner,
)

START = datetime(2024, 1, 1, tzinfo=UTC)


def rule(number: int, *, every: tuple[str, ...] = (), **values: str) -> FilterRule:
    """A filter whose keys take the letters of a text; the number gives id and age."""
    chosen = {key: frozenset(letters) for key, letters in values.items()}
    return FilterRule(UUID(int=number), chosen, START + timedelta(seconds=number), frozenset(every))


def takers(filters: list[FilterRule], properties: dict[str, Any]) -> list[UUID | None]:
    return [
        bucket.filter_id
        for bucket in buckets(tuple(filters))
        if has_match(bucket.matching, properties) and not is_ignored(bucket.ignored, properties)
    ]


def test_without_filters_the_default_bucket_takes_everything() -> None:
    (only,) = buckets(())
    assert only == (None, (), ())


def test_an_event_goes_to_the_most_specific_of_nested_filters() -> None:
    wide, narrow = rule(1, region="e"), rule(2, region="e", tier="g")
    assert takers([wide, narrow], {"region": "e", "tier": "g"}) == [narrow.id]
    assert takers([wide, narrow], {"region": "e", "tier": "f"}) == [wide.id]
    assert takers([wide, narrow], {"region": "e"}) == [wide.id]
    assert takers([wide, narrow], {"region": "u"}) == [None]
    assert takers([wide, narrow], {}) == [None]


def test_of_identical_filters_only_the_oldest_counts() -> None:
    older, newer = rule(1, region="e"), rule(2, region="e")
    assert takers([newer, older], {"region": "e"}) == [older.id]


def test_a_list_within_another_takes_its_events_away() -> None:
    every, one = rule(1, every=("region",), region="eua"), rule(2, region="e")
    assert takers([every, one], {"region": "e"}) == [one.id]
    assert takers([every, one], {"region": "u"}) == [every.id]


def test_lists_that_overlap_in_part_and_unrelated_keys_both_take_a_common_event() -> None:
    left, right = rule(1, region="eu"), rule(2, region="ea")
    assert takers([left, right], {"region": "e"}) == [left.id, right.id]
    assert takers([left, right], {"region": "u"}) == [left.id]
    region, tier = rule(1, region="e"), rule(2, tier="g")
    assert takers([region, tier], {"region": "e", "tier": "g"}) == [region.id, tier.id]


def test_one_filter_wins_an_event_that_is_billed_by_itself() -> None:
    wide, narrow, twin = rule(1, region="e"), rule(2, region="e", tier="g"), rule(3, tier="g", region="eu")
    event = {"region": "e", "tier": "g"}
    assert winner([wide, narrow, twin], event) == narrow
    assert winner([wide, twin, narrow], event) == twin
    assert winner([wide], {"region": "u"}) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), ("", ""), (7, "7"), (True, "true"), (False, "false"), (Decimal("1.10"), "1.10"), ("7", "7")],
)
def test_properties_compare_by_their_text(value: Any, text: str | None) -> None:
    assert property_text(value) == text
    assert has_match(condition_of({"k": ["7"]}), {"k": value}) == (text == "7")


@st.composite
def nested(draw: st.DrawFn) -> list[FilterRule]:
    """Filters of which any two are nested or disjoint: a chain of keys, a value of each key at every step."""
    keys = ("a", "b", "c")
    paths = draw(st.sets(st.lists(st.sampled_from("xyz"), min_size=1, max_size=3).map(tuple), max_size=8))
    order = draw(st.permutations(sorted(paths)))
    return [
        FilterRule(
            UUID(int=number + 1),
            {key: frozenset(value) for key, value in zip(keys, path, strict=False)},
            START + timedelta(seconds=number),
        )
        for number, path in enumerate(order)
    ]


@given(nested(), st.fixed_dictionaries({}, optional={key: st.sampled_from("xyzw") for key in "abc"}))
def test_nested_filters_give_every_event_to_exactly_one_bucket_the_one_that_wins(
    filters: list[FilterRule], properties: dict[str, str]
) -> None:
    won = winner(filters, properties)
    assert takers(filters, properties) == [won.id if won else None]


texts = st.frozensets(st.sampled_from("xyz"), min_size=1)


@given(
    st.lists(st.dictionaries(st.sampled_from("ab"), texts, min_size=1), max_size=5),
    st.fixed_dictionaries({}, optional={key: st.sampled_from("xyzw") for key in "ab"}),
)
def test_no_event_is_lost_whatever_the_filters(
    values: list[dict[str, frozenset[str]]], properties: dict[str, str]
) -> None:
    filters = [FilterRule(UUID(int=n + 1), each, START + timedelta(seconds=n)) for n, each in enumerate(values)]
    taken = takers(filters, properties)
    matched = any(has_match(each.condition, properties) for each in filters)
    assert (None in taken) == (not matched)
    if len({tuple(each) for each in values}) == len(values):
        assert taken, "an event is in some bucket"
