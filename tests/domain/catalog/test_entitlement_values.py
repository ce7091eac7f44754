"""What privileges may be set to, and which privileges are legal."""

from __future__ import annotations

from typing import Any

import pytest

from domain.catalog.entitlements.models import Privilege
from domain.catalog.entitlements.plan_entitlements import decide
from domain.catalog.entitlements.privileges import change_privilege, read_privileges
from domain.catalog.entitlements.sent import Asked, read_sent
from domain.catalog.entitlements.values import shown_value, stored_value
from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.validation import Reader
from tests.domain.subscriptions.test_effective_entitlements import holding

OPTIONS = {"select_options": ["eu", "us"]}


@pytest.mark.parametrize(
    ("value_type", "sent", "stored", "shown"),
    [
        ("integer", 10, "10", 10),
        ("integer", "-5", "-5", -5),
        ("integer", 0, "0", 0),
        ("boolean", True, "true", True),
        ("boolean", "False", "false", False),
        ("string", "10", "10", "10"),
        ("select", "eu", "eu", "eu"),
    ],
)
def test_a_value_of_its_type_is_kept_as_text_and_shown_as_what_it_is(
    value_type: str, sent: object, stored: str, shown: object
) -> None:
    assert stored_value(value_type, OPTIONS, sent) == (stored, None)
    assert (result := shown_value(value_type, stored)) == shown
    assert type(result) is type(shown)


@pytest.mark.parametrize(
    ("value_type", "wrong", "code"),
    [
        ("integer", (True, "007", "1.0", "+1", "-0", "", None, [1], 10**19), "value_is_invalid"),
        ("boolean", (1, "yes", "", None, {}), "value_is_invalid"),
        ("string", (1, True, " ", None, "\x00"), "value_is_invalid"),
        ("string", ("x" * 10_001,), "value_is_too_long"),
        ("select", ("asia", None, 1, ["eu"]), "value_not_in_select_options"),
    ],
)
def test_any_other_value_is_wrong(value_type: str, wrong: tuple[object, ...], code: str) -> None:
    for sent in wrong:
        assert stored_value(value_type, OPTIONS, sent) == ("", code)


@pytest.mark.parametrize(
    ("privilege", "errors"),
    [
        ({}, {"privilege.code": ["value_is_mandatory"]}),
        ({"code": "x" * 256}, {"privilege.code": ["value_is_too_long"]}),
        ({"code": "a", "value_type": "float"}, {"privilege.value_type": ["value_is_invalid"]}),
        ({"code": "a", "name": "x" * 256}, {"privilege.name": ["value_is_too_long"]}),
        ({"code": "a", "value_type": "integer", "config": OPTIONS}, {"privilege.config": ["invalid_format"]}),
        ({"code": "a", "config": "x"}, {"privilege.config": ["invalid_format"]}),
    ],
)  # fmt: skip
def test_a_wrong_privilege_names_its_fields(privilege: dict[str, Any], errors: dict[str, list[str]]) -> None:
    read = Reader({"privileges": [privilege]})
    read_privileges(read, {})
    assert read.errors == errors


CONFIGS: tuple[object, ...] = (
    None, {}, [], {"select_options": []}, {"select_options": "eu"}, {"select_options": [1]}, {**OPTIONS, "more": 1},
    {"options": ["eu"]}, {"select_options": ["x" * 256]},
)  # fmt: skip


def test_a_select_needs_options_and_nothing_else() -> None:
    for config in CONFIGS:
        read = Reader({"privileges": [{"code": "a", "value_type": "select", "config": config}]})
        read_privileges(read, {})
        assert read.errors == {"privilege.config": ["invalid_format"]}, config


def test_a_privilege_is_a_string_unless_it_says_so_and_its_code_comes_once() -> None:
    read = Reader({"privileges": [{"code": "a", "config": {"select_options": []}}, {"code": "b", "value_type": None}]})
    assert [(one.value_type, one.config) for one in read_privileges(read, {}) or ()] == [("string", {})] * 2
    twice = Reader({"privileges": [{"code": "a"}, {"code": " a "}]})
    read_privileges(twice, {})
    assert twice.errors == {"privilege.code": ["value_is_duplicated"]}
    odds: tuple[object, ...] = ("all", ["a"], {"a": {}})
    for odd in odds:
        wrong = Reader({"privileges": odd})
        assert read_privileges(wrong, {}) is None
        assert wrong.errors == {"privileges": ["value_is_invalid"]}


def test_a_select_that_is_known_only_gets_more_options_and_keeps_its_type() -> None:
    known = Privilege(organization_id=new_id(), feature_id=new_id(), code="region", value_type="select", config=OPTIONS)
    changes: tuple[dict[str, Any], ...] = (
        {"value_type": "integer", "config": {"select_options": ["asia", "eu"]}},
        {"name": "Region"},
    )
    for sent in changes:
        read = Reader({"privileges": [{"code": "region", **sent}]})
        listed = read_privileges(read, {"region": known})
        read.finish()
        assert listed is not None
        (terms,) = listed
        change_privilege(known, terms)
        assert (known.value_type, known.config) == ("select", {"select_options": ["eu", "us", "asia"]})
    assert known.name == "Region"
    wrong = Reader({"privileges": [{"code": "region", "config": {"select_options": [1]}}]})
    read_privileges(wrong, {"region": known})
    assert wrong.errors == {"privilege.config": ["invalid_format"]}


def test_entitlements_are_read_as_a_map_and_as_a_list() -> None:
    asked = {"seats": {"max": 10}, "sso": {}}
    assert read_sent({"seats": {"max": 10}, "sso": None}) == asked
    as_graphql = [{"feature_code": "seats", "privileges": [{"privilege_code": "max", "value": 10}]},
                  {"feature_code": "sso"}]  # fmt: skip
    assert read_sent(as_graphql) == asked
    as_shown = [{"code": "seats", "privileges": [{"code": "max", "value": 10, "name": None}]},
                {"code": "sso", "privileges": []}]  # fmt: skip
    assert read_sent(as_shown) == asked
    assert read_sent(None) is None
    assert read_sent([]) == {}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("all", "value_is_invalid"), (1, "value_is_invalid"), (["x"], "value_is_invalid"), ([{}], "value_is_invalid"),
        ({"a": 1}, "value_is_invalid"), ({"a": ["x"]}, "value_is_invalid"), ({"a\x00": {}}, "value_is_invalid"),
        ([{"code": "a"}, {"code": "a"}], "value_is_duplicated"),
        ([{"code": "a", "privileges": [{"code": "b"}, {"code": "b"}]}], "value_is_duplicated"),
    ],
)  # fmt: skip
def test_entitlements_of_another_shape_are_refused(sent: object, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_sent(sent)
    assert refused.value.details == {"entitlements": [code]}


def test_a_full_list_takes_away_what_it_does_not_name_but_a_feature_alone_keeps_its_values() -> None:
    features = [new_id() for _ in range(3)]
    named, alone, missing = (holding(feature, {new_id(): "1", new_id(): "2"}) for feature in features)
    first, second = named.values
    asked = [Asked(named.feature.id, {first: "1"}), Asked(alone.feature.id, {})]
    changes = decide([named, alone, missing], asked, full=True)
    assert changes.gone_values == [named.values[second].id]
    assert (changes.gone_entitlements, changes.values, changes.entitlements) == ([missing.id], [], {})
    merged = decide([named, alone, missing], [Asked(named.feature.id, {first: "3"})], full=False)
    assert merged.gone_values == [named.values[first].id]
    assert (merged.values, merged.gone_entitlements) == ([(named.id, first, "3")], [])
