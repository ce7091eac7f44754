"""Whatever can be in an event arrives in PostgreSQL as it was: the array literals of a flush."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from domain.metering.event_columns import columns
from domain.metering.incoming import EventRow
from infrastructure import exact_json
from infrastructure.database import bare_url
from tests.metering_world import START

MOMENT = START.isoformat()
UUIDS = "0197c1a2-0000-7000-8000-0000000000{:02d}"

# What PostgreSQL's text can hold at all.
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
HARD = st.sampled_from(
    ["", "NULL", "null", '"', "\\", '\\"', "{}", "{a,b}", ",", " ", "\n\t", "é", "\U0001f600", "'", "a\\\\b"]
)
WORDS = TEXTS | HARD
PROPERTIES = st.dictionaries(WORDS, WORDS | st.integers(-(10**30), 10**30) | st.booleans() | st.none(), max_size=4)
ROWS = st.tuples(WORDS, WORDS | st.none(), WORDS, PROPERTIES, st.sampled_from([None, "12.5", "-0.000000000000001"]),
                 st.sampled_from([(None, None), ("a", "b"), ("a", "c"), ('"\\', "NULL")]))  # fmt: skip
REQUESTS = st.lists(st.lists(ROWS, min_size=1, max_size=4), min_size=1, max_size=3)

_READ = """
    SELECT e.id, e.request, e.external_subscription_id, e.transaction_id, e.code, e.properties, e.amount,
           x.expression, x.field_name, r.event_metadata
    FROM unnest(CAST(%(ids)s AS uuid[]), CAST(%(requests)s AS int[]), CAST(%(external_subscription_ids)s AS text[]),
                CAST(%(transaction_ids)s AS text[]), CAST(%(codes)s AS text[]), CAST(%(properties)s AS jsonb[]),
                CAST(%(amounts)s AS numeric[]), CAST(%(timestamps)s AS timestamptz[]), CAST(%(rules)s AS int[]))
         WITH ORDINALITY AS e(id, request, external_subscription_id, transaction_id, code, properties, amount,
                              timestamp, rule, place)
    JOIN unnest(CAST(%(organization_ids)s AS uuid[]), CAST(%(event_metadata)s AS jsonb[]),
                CAST(%(created_at)s AS timestamptz[]))
         WITH ORDINALITY AS r(organization_id, event_metadata, created_at, place) ON r.place = e.request
    LEFT JOIN unnest(CAST(%(expressions)s AS text[]), CAST(%(field_names)s AS text[]))
         WITH ORDINALITY AS x(expression, field_name, place) ON x.place = e.rule
    ORDER BY e.place
"""


def row(place: int, sent: tuple[Any, ...], agent: str) -> EventRow:
    transaction_id, subscription, code, properties, amount, (expression, field_name) = sent
    return EventRow(
        UUIDS.format(place), UUIDS.format(99), subscription, transaction_id, code, Raw(exact_json.dump(properties)),
        amount, Raw(exact_json.dump({"user_agent": agent})), MOMENT, MOMENT, expression, field_name,
    )  # fmt: skip


@pytest.mark.usefixtures("environment")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(REQUESTS, WORDS)
def test_every_text_number_and_rule_arrives_as_it_was(sent: list[list[tuple[Any, ...]]], agent: str) -> None:
    places = iter(range(99))
    requests = [[row(next(places), each, f"{agent}{number}") for each in one] for number, one in enumerate(sent, 1)]
    with psycopg.connect(bare_url()) as connection:
        found = connection.execute(_READ, columns(requests)).fetchall()
    events = [(event, number) for number, request in enumerate(requests, 1) for event in request]
    for (event, number), parts, got in zip(events, itertools.chain(*sent), found, strict=True):
        transaction_id, subscription, code, properties, amount, rule = parts
        assert str(got[0]) == event.id
        assert got[1:5] == (number, subscription, transaction_id, code)
        assert got[5] == properties
        assert got[6] == (None if amount is None else Decimal(amount))
        assert got[7:9] == rule
        assert got[9] == {"user_agent": f"{agent}{number}"}


@pytest.mark.usefixtures("environment")
def test_a_text_that_cannot_be_stored_is_refused_and_shifts_nothing() -> None:
    good: tuple[Any, ...] = ("a", "b", "c", {}, None, (None, None))
    bad = ("x\x00y", *good[1:])
    with (
        psycopg.connect(bare_url()) as connection,
        pytest.raises((psycopg.DataError, ValueError)),
    ):
        connection.execute(_READ, columns([[row(1, good, ""), row(2, bad, "")]]))
