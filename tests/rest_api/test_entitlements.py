"""/api/v1/plans/{code}/entitlements and /api/v1/subscriptions/{external_id}/entitlements"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from domain.billing.delete_plan import end_subscriptions_of_plans
from domain.catalog.entitlements.models import Entitlement, EntitlementValue
from domain.catalog.events import PlanCreated, PlanDeletionRequested, PlanEntitlementsChanged, PlanUpdated
from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from domain.subscriptions.entitlements.payloads import subscription_entitlement_payloads
from domain.subscriptions.events import SubscriptionUpdated
from infrastructure.database import engine
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_features import made
from tests.rest_api.test_subscriptions import plan, subscribe

PLAN, SUBSCRIPTION = "/plans/basic/entitlements", "/subscriptions/sub/entitlements"


async def give(api: Api, path: str, *, method: str = "PATCH", **entitlements: Any) -> httpx.Response:
    return await api.call(method, path, {"entitlements": entitlements})


def values(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    """The values by feature and privilege."""
    assert answer.status_code == 200, answer.text
    return {
        each["code"]: {privilege["code"]: privilege["value"] for privilege in each["privileges"]}
        for each in answer.json()["entitlements"]
    }


async def world(api: Api) -> None:
    """A plan of ten seats, and a subscription to it."""
    await made(api)
    await made(api, code="sso", name=None, description=None, privileges=[])
    await plan(api, entitlements={"seats": {"max": "10", "root": True}})
    await subscribe(api)


async def test_a_plan_has_what_it_was_given_with_values_of_their_types(api: Api, recorded: Recorded) -> None:
    await made(api)
    await made(api, code="sso", privileges=[])
    await plan(api)
    recorded.clear()
    given = {"max": "25", "region": "eu", "root": "false", "mail": "a@b"}
    answer = await give(api, PLAN, method="POST", sso={}, seats=given)
    sso, seats = answer.json()["entitlements"]
    assert (sso["code"], sso["privileges"]) == ("sso", [])
    assert {name: seats[name] for name in ("code", "name", "description")} == {
        "code": "seats", "name": "Seats", "description": "Users of the product",
    }  # fmt: skip
    assert seats["privileges"][1] == {
        "code": "region", "name": None, "value_type": "select", "config": {"select_options": ["eu", "us"]},
        "value": "eu",
    }  # fmt: skip
    assert values(answer)["seats"] == {"max": 25, "region": "eu", "root": False, "mail": "a@b"}
    assert len(recorded.of(PlanEntitlementsChanged)) == 1
    assert not recorded.of(PlanUpdated), "drafts are not refreshed for it"
    assert values(await api.get(PLAN)) == values(answer)
    assert (await api.get(f"{PLAN}/seats")).json()["entitlement"] == seats
    assert (await api.get("/plans/basic")).json()["plan"]["entitlements"] == [sso, seats]
    assert (await api.get("/plans")).json()["plans"][0]["entitlements"] == [sso, seats]


async def test_post_replaces_patch_merges_and_a_feature_alone_keeps_its_values(api: Api, recorded: Recorded) -> None:
    await world(api)
    recorded.clear()
    merged = values(await give(api, PLAN, sso=None, seats={"max": 20, "mail": "x"}))
    assert merged == {"seats": {"max": 20, "root": True, "mail": "x"}, "sso": {}}
    assert values(await give(api, PLAN)) == merged
    assert values(await give(api, PLAN, method="POST", seats={})) == {"seats": merged["seats"]}
    assert values(await give(api, PLAN, method="POST", seats={"root": True})) == {"seats": {"root": True}}
    assert values(await give(api, PLAN, method="POST")) == {}
    assert len(recorded.of(PlanEntitlementsChanged)) == 5, "told of every write"


async def test_a_refused_change_says_why_and_leaves_everything(api: Api, stranger: Api, recorded: Recorded) -> None:
    await world(api)
    recorded.clear()
    for path in (PLAN, SUBSCRIPTION):
        wrong = await give(api, path, sso={}, seats={"max": "many", "region": "asia", "root": True})
        assert wrong.status_code == 422
        assert wrong.json()["error_details"] == {
            "max_privilege_value": ["value_is_invalid"], "region_privilege_value": ["value_not_in_select_options"],
        }  # fmt: skip
        for sent, resource in (({"no": {}}, "feature"), ({"sso": {}, "seats": {"no": 1}}, "privilege")):
            unknown = await give(api, path, **sent)
            assert (unknown.status_code, unknown.json()["code"]) == (404, f"{resource}_not_found")
        for body in ({}, {"entitlements": None}, {"entitlements": [{"code": "sso"}]}):
            assert (await api.call("PATCH", path, body)).status_code == 400
        assert values(await api.get(path)) == {"seats": {"max": 10, "root": True}}
        resource = path.split("/")[1].removesuffix("s")
        for theirs in (
            await stranger.get(path), await give(stranger, path), await stranger.delete(f"{path}/seats"),
            await stranger.delete(f"{path}/seats/privileges/max"),
        ):  # fmt: skip
            assert (theirs.status_code, theirs.json()["code"]) == (404, f"{resource}_not_found")
        for method, below, missing in (
            ("DELETE", "/sso", "entitlement"), ("DELETE", "/no", "feature"),
            ("DELETE", "/sso/privileges/max", "entitlement"), ("DELETE", "/seats/privileges/mail", "privilege"),
        ):  # fmt: skip
            assert (await api.call(method, path + below)).json()["code"] == f"{missing}_not_found"
    assert (await api.get(f"{PLAN}/sso")).json()["code"] == "entitlement_not_found"
    await made(stranger, code="theirs")
    assert (await give(api, PLAN, theirs={})).json()["code"] == "feature_not_found"
    assert not recorded.of(PlanEntitlementsChanged)
    assert not recorded.of(SubscriptionUpdated)


async def test_a_feature_or_one_privilege_is_taken_from_a_plan(api: Api, recorded: Recorded) -> None:
    await world(api)
    recorded.clear()
    left = (await api.delete(f"{PLAN}/seats/privileges/max")).json()["entitlement"]
    assert [each["code"] for each in left["privileges"]] == ["root"]
    assert (await api.delete(f"{PLAN}/seats")).json()["entitlement"] == left, "answered as it was"
    assert values(await api.get(PLAN)) == values(await api.get(SUBSCRIPTION)) == {}
    assert len(recorded.of(PlanEntitlementsChanged)) == 2


async def test_the_same_full_change_sent_many_times_at_once_is_made_once(api: Api) -> None:
    await world(api)
    wanted = {"seats": {"max": 30, "mail": "m"}, "sso": {}}
    answers = await asyncio.gather(*(give(api, PLAN, method="POST", **wanted) for _ in range(4)))
    assert [values(answer) for answer in answers] == [wanted] * 4
    answers = await asyncio.gather(*(give(api, SUBSCRIPTION, seats={"max": 31, "root": True}) for _ in range(4)))
    assert [values(answer)["seats"] for answer in answers] == [{"max": 31, "root": True, "mail": "m"}] * 4
    removed = await asyncio.gather(*(api.delete(f"{SUBSCRIPTION}/seats") for _ in range(3)))
    assert sorted(answer.status_code for answer in removed) == [200, 404, 404]


async def test_the_database_refuses_what_would_be_there_twice(api: Api) -> None:
    await world(api)
    async with engine().connect() as connection:
        for each in (table(Entitlement), table(EntitlementValue)):
            columns = [column.name for column in each.columns if column.name != "id"]
            kept = sa.select(sa.func.gen_random_uuid(), *(each.c[name] for name in columns)).where(
                each.c.deleted_at.is_(None)
            )
            with pytest.raises(sa.exc.IntegrityError, match="uq_entitlement"):
                await connection.execute(sa.insert(each).from_select(["id", *columns], kept.limit(1)))
            await connection.rollback()


async def test_a_plan_is_made_and_edited_with_its_entitlements_and_copied_as_it_is_shown(
    api: Api, recorded: Recorded
) -> None:
    await world(api)
    assert len(recorded.of(PlanCreated)) == 1
    assert not recorded.of(PlanEntitlementsChanged), "told with the plan"
    shown = (await api.get("/plans/basic")).json()["plan"]
    await plan(api, "copy", entitlements=shown["entitlements"])
    assert values(await api.get("/plans/copy/entitlements")) == {"seats": {"max": 10, "root": True}}
    for sent, after in (
        ({"name": "n"}, {"seats": {"max": 10, "root": True}}), ({"entitlements": {"sso": {}}}, {"sso": {}}),
        ({"entitlements": []}, {}),
    ):  # fmt: skip
        await api.put("/plans/copy", {"plan": sent})
        assert values(await api.get("/plans/copy/entitlements")) == after
    refused = {**shown, "code": "third", "entitlements": {"seats": {"max": "x"}}}
    wrong = await api.post("/plans", {"plan": refused})
    assert wrong.json()["error_details"] == {"max_privilege_value": ["value_is_invalid"]}
    assert (await api.get("/plans/third")).status_code == 404


async def test_a_subscription_shows_what_is_its_plans_and_what_is_its_own(api: Api, recorded: Recorded) -> None:
    await world(api)
    recorded.clear()
    answer = await give(api, SUBSCRIPTION, sso={}, seats={"max": 15, "root": True})
    seats, sso = answer.json()["entitlements"]
    config = {"name": "Most", "value_type": "integer", "config": {}}
    assert seats["privileges"] == [
        {"code": "max", **config, "value": 15, "plan_value": 10, "override_value": 15},
        {"code": "root", "name": None, "value_type": "boolean", "config": {}, "value": True, "plan_value": True,
         "override_value": None},
    ]  # fmt: skip
    assert (seats["code"], seats["name"], seats["overrides"]) == ("seats", "Seats", {"max": 15})
    assert sso == {"code": "sso", "name": None, "description": None, "privileges": [], "overrides": {}}
    assert len(recorded.of(SubscriptionUpdated)) == 1
    await give(api, PLAN, seats={"max": 12, "root": False})
    assert values(await api.get(SUBSCRIPTION)) == {"seats": {"max": 15, "root": False}, "sso": {}}
    same = await give(api, SUBSCRIPTION, seats={"max": 12, "root": False})
    assert [each["overrides"] for each in same.json()["entitlements"]] == [{}, {}]


async def test_a_subscription_loses_features_and_privileges_and_gets_them_back(api: Api, recorded: Recorded) -> None:
    await world(api)
    await give(api, SUBSCRIPTION, sso={}, seats={"max": 15})
    recorded.clear()
    left = (await api.delete(f"{SUBSCRIPTION}/seats/privileges/max")).json()["entitlement"]
    assert [each["code"] for each in left["privileges"]] == ["root"]
    gone = (await api.delete(f"{SUBSCRIPTION}/seats")).json()["entitlement"]
    assert (gone["code"], gone["overrides"]) == ("seats", {})
    assert values(await api.get(SUBSCRIPTION)) == {"sso": {}}
    await api.delete(f"{SUBSCRIPTION}/sso")
    assert values(await api.get(SUBSCRIPTION)) == {}
    assert values(await give(api, SUBSCRIPTION, seats={})) == {"seats": {"max": 10, "root": True}}
    assert len(recorded.of(SubscriptionUpdated)) == 4
    assert values(await api.get(PLAN)) == {"seats": {"max": 10, "root": True}}


async def test_a_subscription_with_prices_of_its_own_has_its_plans_features(api: Api) -> None:
    await world(api)
    await subscribe(api, "own", plan_overrides={"amount_cents": 5})
    shown = (await api.get("/subscriptions/own")).json()["subscription"]["plan"]
    assert shown["parent_id"]
    assert [each["code"] for each in shown["entitlements"]] == ["seats"]
    own = "/subscriptions/own/entitlements"
    await give(api, own, seats={"max": 1})
    await give(api, PLAN, seats={"mail": "m"})
    assert values(await api.get(own)) == {"seats": {"max": 1, "root": True, "mail": "m"}}
    refused = await api.put(
        "/subscriptions/own", {"subscription": {"plan_overrides": {"entitlements": {"sso": {}}, "name": "n"}}}
    )
    assert refused.json()["error_details"] == {"entitlements": ["modification_not_allowed"]}


async def test_subscriptions_are_found_by_their_status_and_keep_what_is_theirs(api: Api, recorded: Recorded) -> None:
    await world(api)
    await give(api, SUBSCRIPTION, seats={"max": 15})
    await api.delete("/subscriptions/sub")
    assert (await api.get(SUBSCRIPTION)).json()["code"] == "subscription_not_found"
    assert (await api.get(f"{SUBSCRIPTION}?subscription_status=odd")).status_code == 404
    ended = f"{SUBSCRIPTION}?subscription_status=terminated"
    assert values(await api.get(ended)) == {"seats": {"max": 15, "root": True}}
    await api.delete("/plans/basic")
    (asked,) = recorded.of(PlanDeletionRequested)
    assert values(await api.get(PLAN)) == {"seats": {"max": 10, "root": True}}, "pending deletion it is still there"
    async with tenant_work(api.tenant) as work:
        await end_subscriptions_of_plans(work, asked.plan_ids)
    assert values(await api.get(ended)) == {"seats": {"max": 15}}
    await plan(api)
    assert values(await api.get(PLAN)) == {}


async def test_what_many_subscriptions_are_entitled_to_costs_three_statements(api: Api, statements: list[str]) -> None:
    await world(api)
    await give(api, SUBSCRIPTION, seats={"max": 15})
    for number in range(3):
        await subscribe(api, f"s{number}", plan_overrides={"amount_cents": number})
    await give(api, "/subscriptions/s1/entitlements", sso={})
    subscriptions = sa.table("subscriptions", sa.column("id"), sa.column("plan_id"))
    async with tenant_work(api.tenant) as work:
        rows = await work.session.execute(sa.select(subscriptions.c.id, subscriptions.c.plan_id))
        plan_ids = {row.id: row.plan_id for row in rows}
        statements.clear()
        found = await subscription_entitlement_payloads(work.session, plan_ids)
        assert len(statements) == 3
    assert sorted(len(each) for each in found.values()) == [1, 1, 1, 2]
