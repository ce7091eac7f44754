"""/api/v1/features"""

from __future__ import annotations

import asyncio
from typing import Any

from domain.catalog.events import FeatureCreated, FeatureDeleted, FeatureUpdated, PlanEntitlementsChanged
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_subscriptions import plan

SEATS: dict[str, Any] = {
    "code": "seats", "name": "Seats", "description": "Users of the product",
    "privileges": [
        {"code": "max", "name": "Most", "value_type": "integer"},
        {"code": "region", "value_type": "select", "config": {"select_options": ["eu", "us"]}},
        {"code": "root", "value_type": "boolean"},
        {"code": "mail"},
    ],
}  # fmt: skip


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/features", {"feature": {**SEATS, **changes}})
    assert answer.status_code == 200, answer.text
    return answer.json()["feature"]  # type: ignore[no-any-return]


async def test_a_feature_is_made_and_shown_with_its_privileges(api: Api, stranger: Api, recorded: Recorded) -> None:
    feature = await made(api)
    assert feature.pop("created_at").endswith("Z")
    assert feature == {
        "code": "seats", "name": "Seats", "description": "Users of the product",
        "privileges": [
            {"code": "max", "name": "Most", "value_type": "integer", "config": {}},
            {"code": "region", "name": None, "value_type": "select", "config": {"select_options": ["eu", "us"]}},
            {"code": "root", "name": None, "value_type": "boolean", "config": {}},
            {"code": "mail", "name": None, "value_type": "string", "config": {}},
        ],
    }  # fmt: skip
    assert len(recorded.of(FeatureCreated)) == 1
    assert (await api.get("/features/seats")).json()["feature"]["privileges"] == feature["privileges"]
    for theirs in (await stranger.get("/features/seats"), await stranger.delete("/features/seats"),
                   await stranger.put("/features/seats", {"feature": {"name": "Mine"}}),
                   await stranger.delete("/features/seats/privileges/max")):  # fmt: skip
        assert (theirs.status_code, theirs.json()["code"]) == (404, "feature_not_found")
    assert (await stranger.get("/features")).json()["features"] == []


async def test_a_wrong_feature_names_every_wrong_field(api: Api) -> None:
    wrong = {"name": "x" * 256, "description": "x" * 601, "privileges": [{"code": "a"}, {"code": "a"}, {"name": "b"}]}
    answer = await api.post("/features", {"feature": wrong})
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {
        "code": ["value_is_mandatory"], "name": ["value_is_too_long"], "description": ["value_is_too_long"],
        "privilege.code": ["value_is_mandatory", "value_is_duplicated"],
    }  # fmt: skip
    assert (await api.get("/features")).json()["features"] == []
    assert (await api.post("/features", {})).status_code == 400


async def test_of_many_at_once_one_gets_the_code_and_a_deleted_feature_frees_it(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/features", {"feature": SEATS}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 4
    taken = await api.post("/features", {"feature": SEATS})
    assert taken.json()["error_details"] == {"code": ["value_already_exist"]}
    gone = (await api.delete("/features/seats")).json()["feature"]
    assert (gone["code"], len(gone["privileges"])) == ("seats", 4)
    await made(api, privileges=[])


async def test_an_update_changes_what_is_given_and_keeps_other_privileges(api: Api, recorded: Recorded) -> None:
    await made(api)
    change = {
        "code": "other", "description": None,
        "privileges": [
            {"code": "region", "name": "Where", "value_type": "string", "config": {"select_options": ["asia", "eu"]}},
            {"code": "quota", "value_type": "integer"},
        ],
    }  # fmt: skip
    feature = (await api.put("/features/seats", {"feature": change})).json()["feature"]
    assert (feature["code"], feature["name"], feature["description"]) == ("seats", "Seats", None)
    assert [each["code"] for each in feature["privileges"]] == ["max", "region", "root", "mail", "quota"]
    assert feature["privileges"][1] == {
        "code": "region", "name": "Where", "value_type": "select", "config": {"select_options": ["eu", "us", "asia"]},
    }  # fmt: skip
    assert len(recorded.of(FeatureUpdated)) == 1
    wrong = await api.put("/features/seats", {"feature": {"privileges": [{"code": "new", "value_type": "float"}]}})
    assert wrong.json()["error_details"] == {"privilege.value_type": ["value_is_invalid"]}


async def test_the_same_new_privilege_sent_twice_at_once_is_made_once(api: Api) -> None:
    await made(api, privileges=[])
    body = {"feature": {"privileges": [{"code": "max", "value_type": "integer"}]}}
    answers = await asyncio.gather(*(api.put("/features/seats", body) for _ in range(4)))
    assert [len(answer.json()["feature"]["privileges"]) for answer in answers] == [1] * 4


async def test_features_are_listed_newest_first_found_by_name_or_code_and_cost_the_same(
    api: Api, statements: list[str]
) -> None:
    await made(api)
    statements.clear()
    assert len((await api.get("/features")).json()["features"]) == 1
    alone = len(statements)
    for number in range(5):
        await made(api, code=f"f{number}", name=f"Feature {number}")
    statements.clear()
    page = (await api.get("/features?per_page=4")).json()
    assert len(statements) == alone
    assert [each["code"] for each in page["features"]] == ["f4", "f3", "f2", "f1"]
    assert [len(each["privileges"]) for each in page["features"]] == [4] * 4
    assert (page["meta"]["total_count"], page["meta"]["total_pages"]) == (6, 2)
    for term, codes in (("feature 3", ["f3"]), ("SEAT", ["seats"]), ("%", [])):
        found = (await api.get("/features", params={"search_term": term})).json()["features"]
        assert [each["code"] for each in found] == codes


async def test_what_is_deleted_is_gone_from_plans_and_subscriptions_which_are_told(
    api: Api, recorded: Recorded
) -> None:
    await made(api)
    await made(api, code="sso", privileges=[])
    await plan(api, entitlements={"seats": {"max": 5, "root": True}, "sso": {}})
    await plan(api, "bare")
    await api.post("/subscriptions", {"subscription": {
        "external_customer_id": "cust", "external_id": "sub", "plan_code": "basic",
    }})  # fmt: skip
    await api.call("PATCH", "/subscriptions/sub/entitlements", {"entitlements": {"seats": {"max": 7, "mail": "a"}}})
    await api.delete("/subscriptions/sub/entitlements/seats/privileges/root")
    recorded.clear()

    left = (await api.delete("/features/seats/privileges/max")).json()["feature"]
    assert [each["code"] for each in left["privileges"]] == ["region", "root", "mail"]
    assert (len(recorded.of(FeatureUpdated)), len(recorded.of(PlanEntitlementsChanged))) == (1, 1)
    assert (await api.delete("/features/seats/privileges/max")).json()["code"] == "privilege_not_found"
    seats = (await api.get("/plans/basic/entitlements/seats")).json()["entitlement"]
    assert [(each["code"], each["value"]) for each in seats["privileges"]] == [("root", True)]
    seats, _ = (await api.get("/subscriptions/sub/entitlements")).json()["entitlements"]
    assert seats["overrides"] == {"mail": "a"}

    recorded.clear()
    await api.delete("/features/seats")
    (told,) = recorded.of(PlanEntitlementsChanged)
    assert (len(told.plan_ids), len(recorded.of(FeatureDeleted))) == (1, 1)
    for path in ("/plans/basic/entitlements", "/subscriptions/sub/entitlements"):
        assert [each["code"] for each in (await api.get(path)).json()["entitlements"]] == ["sso"]
    await made(api)
    again = await api.call("PATCH", "/subscriptions/sub/entitlements", {"entitlements": {"seats": {"root": False}}})
    assert [(each["code"], each["overrides"]) for each in again.json()["entitlements"]] == [
        ("sso", {}), ("seats", {"root": False}),
    ]  # fmt: skip
