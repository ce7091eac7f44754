"""API keys: listed masked, shown whole, rotated and destroyed; and what that means for calls of the REST interface."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from domain.identity.api_key_permissions import ALL_PERMISSIONS
from domain.identity.api_key_usage import track_usage
from domain.identity.authenticate import authenticate_api_key
from domain.kernel.errors import Forbidden, Unauthorized
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from tests.conftest import RedisUrls
from tests.graphql_api.conftest import Caller

FIELDS = "id name value permissions expiresAt lastUsedAt createdAt"
LIST = f"""query($page: Int, $limit: Int) {{
    apiKeys(page: $page, limit: $limit) {{ collection {{ {FIELDS} }} metadata {{ totalCount }} }} }}"""
SHOW = f"query($id: ID!) {{ apiKey(id: $id) {{ {FIELDS} }} }}"
CREATE = f"mutation($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation($input: UpdateApiKeyInput!) {{ updateApiKey(input: $input) {{ {FIELDS} }} }}"
ROTATE = f"mutation($input: RotateApiKeyInput!) {{ rotateApiKey(input: $input) {{ {FIELDS} }} }}"
DESTROY = "mutation($input: DestroyApiKeyInput!) { destroyApiKey(input: $input) { id expiresAt } }"


@pytest.fixture
async def owner(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    """An admin with the one key that every organization starts with."""
    return await sign_up()


async def _only_key(owner: Caller) -> dict[str, Any]:
    (listed,) = (await owner.data(LIST))["apiKeys"]["collection"]
    return dict((await owner.data(SHOW, {"id": listed["id"]}))["apiKey"])


async def test_a_list_shows_the_end_of_a_key_and_the_page_of_one_all_of_it(owner: Caller) -> None:
    (listed,) = (await owner.data(LIST))["apiKeys"]["collection"]
    shown = await _only_key(owner)

    assert len(shown["value"]) == 36
    assert listed["value"] == "•" * 8 + shown["value"][-3:]
    assert shown["permissions"] == dict(ALL_PERMISSIONS)
    assert {**listed, "value": ""} == {**shown, "value": ""}


async def test_the_value_is_not_readable_in_the_database(owner: Caller, migrated: str) -> None:
    shown = await _only_key(owner)
    with psycopg.connect(migrated) as connection:
        row = connection.execute("SELECT k::text FROM api_keys k WHERE id = %s", [shown["id"]]).fetchone()

    assert row is not None
    assert shown["value"] not in row[0]


async def test_a_new_key_opens_the_rest_interface_for_its_organization_with_its_permissions(owner: Caller) -> None:
    given = {"name": "Reader", "permissions": {"plan": ["read"], "event": ["write", "read"]}}
    made = (await owner.data(CREATE, {"input": given}))["createApiKey"]

    identity = await authenticate_api_key(made["value"])
    assert str(identity.tenant.organization_id) == owner.organization_id
    identity.require("plan", "read")
    identity.require("event", "write")
    with pytest.raises(Forbidden) as refused:
        identity.require("plan", "write")
    assert refused.value.code == "write_action_not_allowed_for_plan"
    assert made["permissions"] == {"plan": ["read"], "event": ["read", "write"]}


@pytest.mark.parametrize(
    ("permissions", "code"),
    [
        ({}, "value_is_mandatory"),
        ({"nonsense": ["read"]}, "value_is_invalid"),
        ({"plan": ["fly"]}, "value_is_invalid"),
        ({"plan": "read"}, "value_is_invalid"),
        ([], "value_is_invalid"),
        ("all", "value_is_invalid"),
        (5, "value_is_invalid"),
        ({"plan": [["read"]]}, "value_is_invalid"),
    ],
)
async def test_permissions_that_mean_nothing_are_refused(owner: Caller, permissions: object, code: str) -> None:
    error = await owner.error(CREATE, {"input": {"permissions": permissions}})
    assert error["details"] == {"permissions": [code]}

    key = await _only_key(owner)
    error = await owner.error(UPDATE, {"input": {"id": key["id"], "permissions": permissions}})
    assert error["details"] == {"permissions": [code]}


async def test_a_key_is_renamed_and_keeps_its_value(owner: Caller) -> None:
    key = await _only_key(owner)
    renamed = (await owner.data(UPDATE, {"input": {"id": key["id"], "name": " Server "}}))["updateApiKey"]

    assert renamed == {**key, "name": "Server"}
    error = await owner.error(UPDATE, {"input": {"id": key["id"], "name": "x" * 300}})
    assert error["details"] == {"name": ["value_is_too_long"]}


async def test_rotation_ends_the_old_key_at_once_and_gives_a_new_one(owner: Caller) -> None:
    old = await _only_key(owner)
    new = (await owner.data(ROTATE, {"input": {"id": old["id"], "name": "Second"}}))["rotateApiKey"]

    assert new["value"] != old["value"]
    assert (new["name"], new["expiresAt"]) == ("Second", None)
    assert await authenticate_api_key(new["value"])
    with pytest.raises(Unauthorized):
        await authenticate_api_key(old["value"])
    assert (await owner.data(LIST))["apiKeys"]["metadata"] == {"totalCount": 1}
    assert (await owner.error(SHOW, {"id": old["id"]}))["details"] == {"apiKey": ["not_found"]}
    assert (await owner.error(ROTATE, {"input": {"id": old["id"]}}))["details"] == {"apiKey": ["not_found"]}


async def test_rotation_may_leave_the_old_key_some_time(owner: Caller) -> None:
    old = await _only_key(owner)
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    await owner.data(ROTATE, {"input": {"id": old["id"], "expiresAt": end.isoformat()}})

    assert await authenticate_api_key(old["value"])
    shown = (await owner.data(SHOW, {"id": old["id"]}))["apiKey"]
    assert shown["expiresAt"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_the_last_key_cannot_be_destroyed_even_by_two_at_once(owner: Caller) -> None:
    first = await _only_key(owner)
    error = await owner.error(DESTROY, {"input": {"id": first["id"]}})
    assert error["details"] == {"base": ["last_non_expiring_api_key"]}

    second = (await owner.data(CREATE, {"input": {}}))["createApiKey"]
    answers = await asyncio.gather(*(owner.ask(DESTROY, {"input": {"id": key["id"]}}) for key in (first, second)))
    assert sum("errors" in answer for answer in answers) == 1
    assert len((await owner.data(LIST))["apiKeys"]["collection"]) == 1


async def test_a_destroyed_key_opens_nothing(owner: Caller) -> None:
    key = (await owner.data(CREATE, {"input": {}}))["createApiKey"]
    destroyed = (await owner.data(DESTROY, {"input": {"id": key["id"]}}))["destroyApiKey"]

    assert destroyed["expiresAt"]
    with pytest.raises(Unauthorized):
        await authenticate_api_key(key["value"])


@pytest.mark.parametrize("id", ["nonsense", "01890a5d-ac96-774b-bcce-b302099a8057", "", "x" * 5_000])
async def test_an_unknown_key_is_not_found(owner: Caller, id: str) -> None:
    for query, variables in (
        (SHOW, {"id": id}),
        (UPDATE, {"input": {"id": id}}),
        (ROTATE, {"input": {"id": id}}),
        (DESTROY, {"input": {"id": id}}),
    ):
        error = await owner.error(query, variables)
        assert (error["status"], error["code"], error["details"]) == (404, "not_found", {"apiKey": ["not_found"]})


async def test_another_tenants_key_is_not_found(owner: Caller, stranger: Caller) -> None:
    key = await _only_key(stranger)

    for query, variables in (
        (SHOW, {"id": key["id"]}),
        (UPDATE, {"input": {"id": key["id"], "name": "mine"}}),
        (ROTATE, {"input": {"id": key["id"]}}),
        (DESTROY, {"input": {"id": key["id"]}}),
    ):
        assert (await owner.error(query, variables))["code"] == "not_found"
    assert await _only_key(stranger) == key


@pytest.mark.parametrize("value", ["", "nonsense", "01890a5d-ac96-774b-bcce-b302099a8057", "x" * 300, "é"])
async def test_a_value_that_is_no_key_is_unauthorized(migrated: str, value: str) -> None:
    for cached in (True, False):
        with pytest.raises(Unauthorized):
            await authenticate_api_key(value, cached=cached)


async def test_a_cached_key_stops_working_within_five_seconds(owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    key = (await owner.data(CREATE, {"input": {}}))["createApiKey"]
    assert await authenticate_api_key(key["value"], cached=True)
    await owner.data(DESTROY, {"input": {"id": key["id"]}})

    at = time.monotonic() + 5
    monkeypatch.setattr(time, "monotonic", lambda: at)
    with pytest.raises(Unauthorized):
        await authenticate_api_key(key["value"], cached=True)


async def test_a_cached_key_costs_no_statement(owner: Caller, statements: list[str]) -> None:
    key = await _only_key(owner)
    await authenticate_api_key(key["value"], cached=True)
    statements.clear()

    for _ in range(10):
        await authenticate_api_key(key["value"], cached=True)
    assert statements == []


async def test_the_use_of_a_key_is_noted_and_moved_to_its_row_once(owner: Caller, empty_redis: RedisUrls) -> None:
    key = await _only_key(owner)
    await authenticate_api_key(key["value"])
    tenant = Tenant((await authenticate_api_key(key["value"], cached=True)).tenant.organization_id)

    assert (await owner.data(SHOW, {"id": key["id"]}))["apiKey"]["lastUsedAt"] is None
    async with tenant_work(tenant) as work:
        assert await track_usage(work) == 1
    used = (await owner.data(SHOW, {"id": key["id"]}))["apiKey"]["lastUsedAt"]
    assert abs(datetime.fromisoformat(used) - datetime.now(UTC)) < timedelta(minutes=1)
    async with tenant_work(tenant) as work:
        assert await track_usage(work) == 0


async def test_keys_are_listed_in_pages_newest_first(owner: Caller) -> None:
    names = [f"key {number}" for number in range(3)]
    for name in names:
        await owner.data(CREATE, {"input": {"name": name}})

    first = (await owner.data(LIST, {"page": 1, "limit": 2}))["apiKeys"]
    assert [key["name"] for key in first["collection"]] == ["key 2", "key 1"]
    assert first["metadata"] == {"totalCount": 4}
    beyond = (await owner.data(LIST, {"page": 1_000_000, "limit": 2}))["apiKeys"]
    assert beyond["collection"] == []
    for page, limit in ((0, 0), (-5, -5), (2**31 - 1, 2**31 - 1)):
        assert "errors" not in await owner.ask(LIST, {"page": page, "limit": limit})
