"""The security log: what is told of members, keys, roles and addresses, by whom and from which device."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from domain.identity.security.devices import device_info
from domain.identity.security.log import KEPT, clean_security_logs
from domain.kernel.authors import Origin
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from tests.graphql_api.conftest import Caller

FIELDS = "logId logType logEvent userEmail resources deviceInfo loggedAt createdAt"
LIST = f"""query($to: ISO8601DateTime!, $from: ISO8601DateTime, $events: [LogEventEnum!], $types: [LogTypeEnum!],
    $users: [ID!], $keys: [ID!]) {{ securityLogs(toDatetime: $to, fromDatetime: $from, logEvents: $events,
    logTypes: $types, userIds: $users, apiKeyIds: $keys) {{ collection {{ {FIELDS} }} metadata {{ totalCount }} }} }}"""
SHOW = f"query($id: ID!) {{ securityLog(logId: $id) {{ {FIELDS} }} }}"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.0 Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone;", "iPad;").replace("iPhone OS", "OS")


@pytest.fixture
async def owner(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    return await sign_up()


def _to() -> str:
    return (datetime.now(UTC) + timedelta(seconds=1)).isoformat()


async def _told(owner: Caller, **variables: Any) -> list[dict[str, Any]]:
    return list((await owner.data(LIST, {"to": _to(), **variables}))["securityLogs"]["collection"])


async def test_what_safety_rests_on_is_logged_as_it_changes(owner: Caller, stranger: Caller) -> None:
    async def do(mutation: str, input: dict[str, Any], kind: str, wanted: str = "id") -> Any:
        query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {wanted} }} }}"
        return (await owner.data(query, {"input": input}, **{"user-agent": FIREFOX}))[mutation]

    key = await do("createApiKey", {"name": "ci"}, "CreateApiKeyInput", "id value")
    await do("updateApiKey", {"id": key["id"], "name": "CI"}, "UpdateApiKeyInput")
    rotated = await do("rotateApiKey", {"id": key["id"]}, "RotateApiKeyInput", "id value")
    await do("destroyApiKey", {"id": rotated["id"]}, "DestroyApiKeyInput")
    role = await do(
        "createRole", {"code": "reader", "name": "Reader", "permissions": ["plans_view"]}, "CreateRoleInput"
    )
    await do("updateRole", {"id": role["id"], "permissions": ["coupons_view"]}, "UpdateRoleInput")
    await do("destroyRole", {"id": role["id"]}, "DestroyRoleInput")
    await do("createInvite", {"email": "new@example.com", "roles": ["finance"]}, "CreateInviteInput")
    place = {"webhookUrl": "https://example.com/a", "signatureAlgo": "hmac"}
    endpoint = await do("createWebhookEndpoint", place, "WebhookEndpointCreateInput")
    changed = {"id": endpoint["id"], "webhookUrl": "https://example.com/b", "signatureAlgo": "hmac"}
    await do("updateWebhookEndpoint", changed, "WebhookEndpointUpdateInput")
    await do("destroyWebhookEndpoint", {"id": endpoint["id"]}, "DestroyWebhookEndpointInput")
    await do("updateOrganization", {"city": "Paris"}, "UpdateOrganizationInput")

    logs = {log["logEvent"]: log for log in await _told(owner)}
    assert {name: log["resources"] for name, log in logs.items()} == {
        "user_signed_up": {"email": owner.email},
        "api_key_created": logs["api_key_created"]["resources"]
        | {"name": "ci", "value_ending": key["value"][-4:]},
        "api_key_updated": {"value_ending": key["value"][-4:], "name": {"deleted": "ci", "added": "CI"}},
        "api_key_rotated": {
            "name": "CI", "value_ending": {"deleted": key["value"][-4:], "added": rotated["value"][-4:]},
        },
        "api_key_deleted": {"name": "CI", "value_ending": rotated["value"][-4:]},
        "role_created": {"role_code": "reader", "permissions": ["plans:view"]},
        "role_updated": {
            "role_code": "reader", "permissions": {"deleted": ["plans:view"], "added": ["coupons:view"]},
        },
        "role_deleted": {"role_code": "reader", "permissions": ["coupons:view"]},
        "user_invited": {"email": "new@example.com", "roles": ["finance"]},
        "webhook_endpoint_created": {
            "webhook_url": "https://example.com/a", "name": None, "signature_algo": "hmac", "event_types": None,
        },
        "webhook_endpoint_updated": {
            "webhook_endpoint_id": endpoint["id"],
            "webhook_url": {"deleted": "https://example.com/a", "added": "https://example.com/b"},
        },
        "webhook_endpoint_deleted": {
            "webhook_url": "https://example.com/b", "name": None, "signature_algo": "hmac", "event_types": None,
        },
        "billing_entity_updated": {"billing_entity_code": "acme", "city": {"deleted": None, "added": "Paris"}},
    }  # fmt: skip
    log = logs["role_updated"]
    assert (log["logType"], log["userEmail"]) == ("role", owner.email)
    assert log["deviceInfo"] | {"ip_address": ""} == {
        "user_agent": FIREFOX, "ip_address": "", "browser": "Firefox", "os": "Linux", "device_type": "desktop",
    }  # fmt: skip
    assert (await owner.data(SHOW, {"id": log["logId"]}))["securityLog"] == log
    assert (await stranger.error(SHOW, {"id": log["logId"]}))["details"] == {"securityLog": ["not_found"]}


async def test_the_log_is_filtered(owner: Caller) -> None:
    await owner.data('mutation { createApiKey(input: {name: "x"}) { id } }')
    assert [log["logEvent"] for log in await _told(owner)] == ["api_key_created", "user_signed_up"]
    assert [log["logEvent"] for log in await _told(owner, events=["user_signed_up"])] == ["user_signed_up"]
    assert [log["logEvent"] for log in await _told(owner, types=["api_key"])] == ["api_key_created"]
    assert len(await _told(owner, users=[owner.user_id])) == 2
    assert await _told(owner, users=["nobody"]) == []
    assert await _told(owner, keys=[owner.user_id]) == []
    assert await _told(owner, **{"from": _to()}) == []
    assert "errors" in await owner.ask("{ securityLogs { metadata { totalCount } } }")


async def test_a_device_that_was_never_seen_is_told_of_once(owner: Caller, anyone: Caller) -> None:
    login = "mutation($input: LoginUserInput!) { loginUser(input: $input) { token } }"
    for agent in (FIREFOX, IPHONE, FIREFOX, ""):
        variables = {"input": {"email": owner.email, "password": owner.password}}
        await anyone.data(login, variables, **{"user-agent": agent})
    seen = await _told(owner, events=["user_new_device_logged_in"])
    assert [log["deviceInfo"]["user_agent"] for log in seen] == [IPHONE, FIREFOX]
    assert {log["userEmail"] for log in seen} == {owner.email}


async def test_what_is_older_than_ninety_days_is_neither_shown_nor_kept(owner: Caller, migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        connection.execute(
            "UPDATE security_logs SET logged_at = logged_at - %s WHERE organization_id = %s",
            [KEPT, owner.organization_id],
        )
    assert await _told(owner) == []
    async with tenant_work(Tenant(owner.organization_id)) as work:  # type: ignore[arg-type]
        assert await clean_security_logs(work) == 1


@pytest.mark.parametrize(
    ("agent", "kind"),
    [(FIREFOX, "desktop"), (IPHONE, "mobile"), (IPAD, "tablet"), ("curl/8.0", "desktop"), ("", "desktop"),
     ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
     ("Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36", "tablet")],
)  # fmt: skip
def test_the_kind_of_a_device_is_read_from_its_agent(agent: str, kind: str) -> None:
    found = device_info(Origin(agent, "192.0.2.1"))
    assert found is not None
    assert (found["device_type"], found["ip_address"], found["user_agent"]) == (kind, "192.0.2.1", agent or None)
