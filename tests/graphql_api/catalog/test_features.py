"""Features and entitlements over GraphQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import pytest_asyncio

from tests.graphql_api.catalog.test_catalog import plan_input
from tests.graphql_api.conftest import Caller
from tests.graphql_api.insight.test_activity_logs import reacting  # noqa: F401  # a fixture

PRIVILEGES = "privileges { id code name valueType config { selectOptions } }"
FEATURE = f"id code name description createdAt subscriptionsCount {PRIVILEGES}"
HELD = "code name description privileges { code name valueType config { selectOptions } value }"
CREATE = f"mutation M($input: CreateFeatureInput!) {{ createFeature(input: $input) {{ {FEATURE} }} }}"
UPDATE = f"mutation M($input: UpdateFeatureInput!) {{ updateFeature(input: $input) {{ {FEATURE} }} }}"
DESTROY = f"mutation M($input: DestroyFeatureInput!) {{ destroyFeature(input: $input) {{ {FEATURE} }} }}"
SHOW = f"query Q($id: ID, $code: String) {{ feature(id: $id, code: $code) {{ {FEATURE} }} }}"
CREATE_PLAN = f"mutation M($input: CreatePlanInput!) {{ createPlan(input: $input) {{ id entitlements {{ {HELD} }} }} }}"
UPDATE_PLAN = CREATE_PLAN.replace("CreatePlan", "UpdatePlan").replace("createPlan", "updatePlan")
SET = (
    "mutation M($input: CreateOrUpdateSubscriptionEntitlementInput!) {"
    f" createOrUpdateSubscriptionEntitlement(input: $input) {{ {HELD} }} }}"
)
REMOVE = (
    "mutation M($input: RemoveSubscriptionEntitlementInput!) {"
    " removeSubscriptionEntitlement(input: $input) { clientMutationId featureCode } }"
)
ALL = f"""query Q($id: ID!) {{ subscriptionEntitlements(subscriptionId: $id) {{
    collection {{ {HELD} }} metadata {{ totalCount currentPage totalPages }}
}} }}"""
ONE = (
    "query Q($id: ID!, $code: String!) {"
    f" subscriptionEntitlement(subscriptionId: $id, featureCode: $code) {{ {HELD} }} }}"
)
REGION = {"code": "region", "valueType": "select", "config": {"selectOptions": ["eu", "us"]}}


def given(code: str, **values: str) -> dict[str, Any]:
    return {"featureCode": code, "privileges": [{"privilegeCode": key, "value": each} for key, each in values.items()]}


def texts(held: dict[str, Any]) -> dict[str, str]:
    return {each["code"]: each["value"] for each in held["privileges"]}


async def made(caller: Caller, code: str, *privileges: dict[str, Any], **fields: Any) -> dict[str, Any]:
    sent = {"code": code, "privileges": list(privileges), **fields}
    return (await caller.data(CREATE, {"input": sent}))["createFeature"]  # type: ignore[no-any-return]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sold(admin: Caller) -> dict[str, str]:
    """A plan with ten seats, and a subscription to it; their ids."""
    await made(admin, "seats", {"code": "max", "name": "Most", "valueType": "integer"}, REGION, name="Seats")
    await made(admin, "sso")
    sent = plan_input(code="sold", entitlements=[given("seats", max="10", region="eu")])
    plan = (await admin.data(CREATE_PLAN, {"input": sent}))["createPlan"]
    customer = (await admin.data('mutation { createCustomer(input: { externalId: "c" }) { id } }'))["createCustomer"]
    sent = {"customerId": customer["id"], "planId": plan["id"], "billingTime": "calendar"}
    subscribe = "mutation M($input: CreateSubscriptionInput!) { createSubscription(input: $input) { id } }"
    row = (await admin.data(subscribe, {"input": sent}))["createSubscription"]
    return {"plan": plan["id"], "subscription": row["id"]}


async def test_a_feature_is_made_shown_edited_as_a_whole_and_deleted(admin: Caller, stranger: Caller) -> None:
    feature = await made(
        admin, "quota", {"code": "max", "valueType": "integer", "config": {}}, REGION, {"code": "note", "name": "Note"},
        name="Quota", description="How much",
    )  # fmt: skip
    assert feature["id"]
    assert feature["createdAt"].endswith("Z")
    assert (feature["name"], feature["description"], feature["subscriptionsCount"]) == ("Quota", "How much", 0)
    assert [{name: each[name] for name in each if name != "id"} for each in feature["privileges"]] == [
        {"code": "max", "name": None, "valueType": "integer", "config": {"selectOptions": None}},
        {"code": "region", "name": None, "valueType": "select", "config": {"selectOptions": ["eu", "us"]}},
        {"code": "note", "name": "Note", "valueType": "string", "config": {"selectOptions": None}},
    ]
    for by in ({"id": feature["id"]}, {"code": "quota"}):
        assert (await admin.data(SHOW, by))["feature"] == feature
        assert (await stranger.error(SHOW, by))["details"] == {"feature": ["not_found"]}
    sent = {"id": feature["id"], "privileges": [{"code": "region", "config": {"selectOptions": ["asia"]}},
                                                {"code": "new", "valueType": "boolean"}]}  # fmt: skip
    assert (await stranger.error(UPDATE, {"input": sent}))["details"] == {"feature": ["not_found"]}
    edited = (await admin.data(UPDATE, {"input": sent}))["updateFeature"]
    assert edited["name"] == "Quota"
    assert [(each["code"], each["config"]["selectOptions"]) for each in edited["privileges"]] == [
        ("region", ["eu", "us", "asia"]), ("new", None),
    ]  # fmt: skip
    gone = {"input": {"id": feature["id"]}}
    assert (await stranger.error(DESTROY, gone))["details"] == {"feature": ["not_found"]}
    assert (await admin.data(DESTROY, gone))["destroyFeature"] == edited
    for query, asked in ((DESTROY, gone), (SHOW, {"code": "quota"}), (SHOW, {})):
        again = await admin.error(query, asked)
        assert (again["status"], again["code"], again["details"]) == (404, "not_found", {"feature": ["not_found"]})


async def test_wrong_features_name_their_fields(admin: Caller, sold: dict[str, str]) -> None:
    twice = {"code": "seats", "privileges": [{"code": "a"}, {"code": "a"}, {"code": "b", "valueType": "select"}]}
    assert (await admin.error(CREATE, {"input": twice}))["details"] == {
        "code": ["value_already_exist"], "privilege.code": ["value_is_duplicated"],
        "privilege.config": ["invalid_format"],
    }  # fmt: skip


async def test_features_are_counted_and_listed_in_as_many_statements_as_one(
    admin: Caller, sold: dict[str, str], statements: list[str]
) -> None:
    page = f"""query Q($term: String, $limit: Int) {{ features(searchTerm: $term, limit: $limit) {{
        collection {{ {FEATURE} }} metadata {{ totalCount currentPage limitValue totalPages }}
    }} }}"""
    found = (await admin.data(page, {"term": "SEAT"}))["features"]
    one = len(statements)
    assert [(each["code"], each["subscriptionsCount"]) for each in found["collection"]] == [("seats", 1)]
    statements.clear()
    both = (await admin.data(page, {"limit": 10}))["features"]
    assert len(statements) == one
    assert [each["code"] for each in both["collection"]] == ["sso", "seats"]
    assert both["metadata"] == {"totalCount": 2, "currentPage": 1, "limitValue": 10, "totalPages": 1}


async def test_a_plan_is_made_edited_and_copied_with_its_entitlements(admin: Caller, sold: dict[str, str]) -> None:
    sent = plan_input(code="gold", entitlements=[given("sso"), given("seats", max="5")])
    gold = (await admin.data(CREATE_PLAN, {"input": sent}))["createPlan"]
    sso, seats = gold["entitlements"]
    assert sso == {"code": "sso", "name": "sso", "description": None, "privileges": []}
    assert seats["privileges"] == [
        {"code": "max", "name": "Most", "valueType": "integer", "config": {"selectOptions": None}, "value": "5"}
    ]
    copied = [given(each["code"], **texts(each)) for each in gold["entitlements"]]
    copy = await admin.data(CREATE_PLAN, {"input": plan_input(code="copy", entitlements=copied)})
    assert copy["createPlan"]["entitlements"] == gold["entitlements"]
    change = {**sent, "id": gold["id"], "entitlements": [given("seats", region="us")]}
    edited = (await admin.data(UPDATE_PLAN, {"input": change}))["updatePlan"]
    assert [(each["code"], texts(each)) for each in edited["entitlements"]] == [("seats", {"region": "us"})]
    del change["entitlements"]
    assert (await admin.data(UPDATE_PLAN, {"input": change}))["updatePlan"] == edited
    for entitlements, details in (
        ([given("seats", max="a", region="asia")], {"maxPrivilegeValue": ["value_is_invalid"],
                                                    "regionPrivilegeValue": ["value_not_in_select_options"]}),
        ([given("no")], {"feature": ["not_found"]}),
        ([given("sso", max="1")], {"privilege": ["not_found"]}),
        ([given("sso"), given("sso")], {"entitlements": ["value_is_duplicated"]}),
    ):  # fmt: skip
        error = await admin.error(UPDATE_PLAN, {"input": {**change, "entitlements": entitlements}})
        assert error["details"] == details


async def test_plans_with_entitlements_cost_as_many_statements_as_one(
    admin: Caller, sold: dict[str, str], statements: list[str]
) -> None:
    sent = plan_input(code="another", entitlements=[given("seats", max="5")])
    await admin.data(CREATE_PLAN, {"input": sent})
    counts = []
    for limit in (1, 25):
        statements.clear()
        page = f"{{ plans(limit: {limit}) {{ collection {{ id parent {{ id }} entitlements {{ {HELD} }} }} }} }}"
        plans = (await admin.data(page))["plans"]["collection"]
        counts.append(len(statements))
    assert len(plans) > 1
    assert all(each["entitlements"] for each in plans)
    assert counts[0] == counts[1]


async def test_a_subscription_gets_exactly_the_values_it_is_given(
    admin: Caller, stranger: Caller, sold: dict[str, str]
) -> None:
    row = sold["subscription"]

    async def put(entitlement: dict[str, Any]) -> Any:
        sent = {"input": {"subscriptionId": row, "entitlement": entitlement}}
        return (await admin.data(SET, sent))["createOrUpdateSubscriptionEntitlement"]

    held = await put(given("seats", max="25"))
    assert held == {
        "code": "seats", "name": "Seats", "description": None,
        "privileges": [
            {"code": "max", "name": "Most", "valueType": "integer", "config": {"selectOptions": None}, "value": "25"}
        ],
    }  # fmt: skip
    assert (await admin.data(ONE, {"id": row, "code": "seats"}))["subscriptionEntitlement"] == held
    assert await put({"featureCode": "seats"}) == held, "the feature alone keeps its values"
    assert texts(await put(given("seats"))) == {}
    sso = await put({"featureCode": "sso"})
    shown = (await admin.data(ALL, {"id": row}))["subscriptionEntitlements"]
    assert [each["code"] for each in shown["collection"]] == ["seats", "sso"]
    assert shown["collection"][1] == sso
    assert shown["metadata"] == {"totalCount": 2, "currentPage": 1, "totalPages": 1}
    assert texts(await put(given("seats", max="10", region="eu"))) == {"max": "10", "region": "eu"}

    sent = {"subscriptionId": row, "featureCode": "seats", "clientMutationId": "m"}
    removed = (await admin.data(REMOVE, {"input": sent}))["removeSubscriptionEntitlement"]
    assert removed == {"clientMutationId": "m", "featureCode": "seats"}
    assert (await admin.data(SHOW, {"code": "seats"}))["feature"]["subscriptionsCount"] == 0
    missing = {"entitlement": ["not_found"]}
    assert (await admin.error(REMOVE, {"input": sent}))["details"] == missing
    assert (await admin.error(ONE, {"id": row, "code": "seats"}))["details"] == missing
    assert (await admin.error(ONE, {"id": row, "code": "no"}))["details"] == {"feature": ["not_found"]}
    wrong = {"input": {"subscriptionId": row, "entitlement": given("seats", max="a")}}
    assert (await admin.error(SET, wrong))["details"] == {"maxPrivilegeValue": ["value_is_invalid"]}
    assert texts(await put({"featureCode": "seats"})) == {"max": "10", "region": "eu"}, "it comes back"
    for query, variables in (
        (ALL, {"id": row}), (ONE, {"id": row, "code": "seats"}), (ALL, {"id": "x"}), (REMOVE, {"input": sent}),
        (SET, wrong),
    ):  # fmt: skip
        assert (await stranger.error(query, variables))["details"] == {"subscription": ["not_found"]}


@pytest.mark.parametrize("role", ["finance", "manager"])
async def test_who_may_not_is_refused(sign_up: Any, migrated: str, role: str) -> None:
    member = await sign_up()
    with psycopg.connect(migrated) as connection:
        connection.execute(
            "UPDATE membership_roles SET role_id = (SELECT id FROM roles WHERE code = %s AND organization_id IS NULL)"
            " WHERE organization_id = %s",
            [role, member.organization_id],
        )
    document = f"""mutation M($create: CreateFeatureInput!, $update: UpdateFeatureInput!, $gone: DestroyFeatureInput!,
        $set: CreateOrUpdateSubscriptionEntitlementInput!, $remove: RemoveSubscriptionEntitlementInput!) {{
        createFeature(input: $create) {{ id }} updateFeature(input: $update) {{ id }}
        destroyFeature(input: $gone) {{ id }} createOrUpdateSubscriptionEntitlement(input: $set) {{ {HELD} }}
        removeSubscriptionEntitlement(input: $remove) {{ featureCode }}
    }}"""
    variables = {
        "create": {"code": "a", "privileges": []}, "update": {"id": "x", "privileges": []}, "gone": {"id": "x"},
        "set": {"subscriptionId": "x", "entitlement": given("a")},
        "remove": {"subscriptionId": "x", "featureCode": "a"},
    }  # fmt: skip
    errors = (await member.ask(document, variables))["errors"]
    wanted = [error["extensions"].get("required_permissions") for error in errors]
    updating = [["subscriptions:update"]] * 2 if role == "finance" else [None, None]
    assert wanted == [["features:create"], ["features:update"], ["features:delete"], *updating]
    for query in ("{ features { metadata { totalCount } } }", '{ feature(code: "a") { id } }'):
        assert (await member.error(query))["required_permissions"] == ["features:view"]


async def test_what_happens_to_features_is_logged_with_what_changed(
    admin: Caller, sold: dict[str, str], reacting: None  # noqa: F811
) -> None:  # fmt: skip
    feature = await made(admin, "logged", name="One")
    sent = {"id": feature["id"], "name": "Two", "privileges": []}
    await admin.data(UPDATE, {"input": sent})
    await admin.data(DESTROY, {"input": {"id": feature["id"]}})
    logs = """{ activityLogs(resourceTypes: [feature]) { collection {
        activityType activityObject activityObjectChanges resource { ... on FeatureObject { id code name } }
    } } }"""
    lines = (await admin.data(logs))["activityLogs"]["collection"][:3]
    assert [line["activityType"] for line in lines] == ["feature_deleted", "feature_updated", "feature_created"]
    assert [line["activityObject"]["name"] for line in lines] == ["Two", "Two", "One"]
    assert [line["activityObjectChanges"] for line in lines] == [None, {"name": ["One", "Two"]}, None]
    assert lines[0]["resource"] == {"id": feature["id"], "code": "logged", "name": "Two"}
