"""The log of API calls over GraphQL."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg

from domain.insight.api_logs.write import ApiCall, ApiLogWriter
from domain.kernel import clock
from domain.kernel.ids import new_id
from tests.graphql_api.conftest import Caller

FIELDS = """
    requestId apiKey { id name } apiVersion client createdAt httpMethod httpStatus loggedAt requestBody requestOrigin
    requestPath requestResponse
"""
LOGS = (
    """
    query Logs($keys: [String!], $from: ISO8601Date, $since: ISO8601DateTime, $methods: [HttpMethodEnum!],
               $statuses: [HttpStatus!], $ids: [String!], $paths: [String!], $to: ISO8601Date, $until: ISO8601DateTime,
               $page: Int, $limit: Int) {
        apiLogs(apiKeyIds: $keys, fromDate: $from, fromDatetime: $since, httpMethods: $methods, page: $page,
                httpStatuses: $statuses, requestIds: $ids, requestPaths: $paths, toDate: $to, toDatetime: $until,
                limit: $limit) {
            collection {"""
    + FIELDS
    + """} metadata { totalCount currentPage }
        }
    }
"""
)
ONE = f"query($id: ID!) {{ apiLog(requestId: $id) {{ {FIELDS} }} }}"


async def test_calls_are_listed_filtered_and_shown(admin: Caller, stranger: Caller, migrated: str) -> None:
    with psycopg.connect(migrated) as owner:
        ((key,),) = owner.execute("SELECT id FROM api_keys WHERE organization_id = %s", [admin.organization_id])
    assert admin.organization_id
    at, organization_id = clock.wall() - timedelta(hours=1), UUID(admin.organization_id)
    made = ApiCall(
        new_id(), organization_id, key, "v1", "ruby", "/api/v1/plans", "https://api.example", "post", 200, {},
        {"plan": {"code": "gold"}}, 30, b'{"plan":{"code":"gold"}}', at,
    )  # fmt: skip
    gone = ApiCall(
        new_id(), organization_id, None, "v1", "", "/api/v1/plans/gold", "https://api.example", "delete", 404, {}, {},
        0, b"", at,
    )  # fmt: skip
    writer = ApiLogWriter()
    writer.note(made)
    writer.note(gone)
    await writer.close()
    last, first = (await admin.data(LOGS))["apiLogs"]["collection"]
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert first == {
        "requestId": str(made.id), "apiKey": {"id": str(key), "name": first["apiKey"]["name"]}, "apiVersion": "v1",
        "client": "ruby", "createdAt": stamp, "httpMethod": "post", "httpStatus": 200, "loggedAt": stamp,
        "requestBody": {"plan": {"code": "gold"}}, "requestOrigin": "https://api.example",
        "requestPath": "/api/v1/plans", "requestResponse": {"plan": {"code": "gold"}},
    }  # fmt: skip
    assert (last["requestId"], last["apiKey"], last["requestResponse"]) == (str(gone.id), None, {})
    found = {"collection": [first], "metadata": {"totalCount": 1, "currentPage": 1}}
    day = at.date().isoformat()
    narrow = {
        "keys": [str(key)], "from": day, "to": day, "since": stamp, "until": stamp, "methods": ["post", "put"],
        "statuses": [200, "failed"], "ids": [str(made.id)], "paths": ["/api/*/plans"],
    }  # fmt: skip
    assert (await admin.data(LOGS, narrow))["apiLogs"] == found
    assert (await admin.data(LOGS, {"statuses": ["failed"]}))["apiLogs"]["collection"] == [last]
    second = (await admin.data(LOGS, {"page": 2, "limit": 1}))["apiLogs"]
    assert second == {"collection": [first], "metadata": {"totalCount": 2, "currentPage": 2}}
    assert (await admin.data(ONE, {"id": str(made.id)}))["apiLog"] == first
    assert (await stranger.error(ONE, {"id": str(made.id)}))["code"] == "not_found"
    assert (await stranger.data(LOGS))["apiLogs"]["metadata"]["totalCount"] == 0
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute("UPDATE roles SET admin = false, code = 'none' WHERE code = 'admin'")
        try:
            assert (await admin.error(LOGS))["required_permissions"] == ["audit_logs:view"]
            assert (await admin.error(ONE, {"id": str(made.id)}))["required_permissions"] == ["audit_logs:view"]
        finally:
            owner.execute("UPDATE roles SET admin = true, code = 'admin' WHERE code = 'none'")
