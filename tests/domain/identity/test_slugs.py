from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.slugs import parameterized, slug_problem, slug_with_tail, suggested_slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Corp", "acme-corp"),
        ("  Crème & Brûlée!! ", "creme-brulee"),
        ("x" * 60, "x" * 40),
        ("A" * 39 + " Corp", "a" * 39),
    ],
)
def test_a_name_becomes_a_slug(name: str, slug: str) -> None:
    assert suggested_slug(name) == slug


@pytest.mark.parametrize("name", ["日本", "ab", "12345", "Settings", "api", "404", "", "--"])
def test_a_name_that_yields_no_allowed_slug_gets_a_random_one(name: str) -> None:
    assert re.fullmatch(r"org-[a-z0-9]{5}", suggested_slug(name))


@given(st.text(max_size=80))
def test_every_suggested_slug_is_allowed_also_with_a_tail(name: str) -> None:
    assert slug_problem(suggested_slug(name)) is None
    assert slug_problem(slug_with_tail(suggested_slug(name))) is None


@pytest.mark.parametrize(
    ("slug", "problem"),
    [
        ("acme", None),
        ("a-1", None),
        ("ab", "value_is_too_short"),
        ("a" * 41, "value_is_too_long"),
        ("Acme", "value_is_invalid"),
        ("a--b", "value_is_invalid"),
        ("-ab", "value_is_invalid"),
        ("abc\n", "value_is_invalid"),
        ("äöü", "value_is_invalid"),
        ("graphql", "value_is_reserved"),
    ],
)
def test_a_wrong_slug_is_named(slug: str, problem: str | None) -> None:
    assert slug_problem(slug) == problem


def test_a_code_takes_underscores() -> None:
    assert parameterized("Acme Corp. (EU)", "_") == "acme_corp_eu"
