"""/api_logs over HTTP: what is logged of writes, how it is found, and that nobody waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio

import domain.insight.api_logs.write as write
from domain.identity.authenticate import ApiKeyIdentity
from domain.insight.api_logs.models import clean_api_logs
from domain.insight.api_logs.write import ApiCall, ApiLogWriter
from domain.kernel import clock, retention
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import tenant_work
from rest_api import frame
from rest_api.api_log import close_api_log, open_api_log
from tests.rest_api.conftest import Api

AGENT = {"user-agent": "tests/1"}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def logging(client: object) -> AsyncIterator[None]:
    open_api_log()
    yield
    await close_api_log()


async def _written() -> None:
    """What was noted is in the table, and what comes is noted."""
    await close_api_log()
    open_api_log()


def _call(api: Api, **values: Any) -> ApiCall:
    given: dict[str, Any] = {
        "id": new_id(), "organization_id": api.tenant.organization_id, "api_key_id": None, "api_version": "v1",
        "client": "", "path": "/api/v1/plans", "origin": "http://x", "method": "post", "status": 200, "query": {},
        "body": {}, "body_bytes": 2, "answer": b"", "at": clock.wall(),
    }  # fmt: skip
    return ApiCall(**given | values)


async def test_writes_are_logged_with_what_was_asked_and_answered(api: Api, stranger: Api) -> None:
    customer = {"customer": {"external_id": "logged", "name": "Hooli", "email": "gavin@hooli.com"}}
    made = await api.call("POST", "/customers", customer, headers=AGENT)
    tax = {"tax": {"code": "vat", "name": "VAT", "rate": "20"}}
    refused = await api.post("/taxes", {"tax": {"name": "VAT"}})
    await api.post("/taxes", tax)
    await api.call("PATCH", "/taxes/vat", {"tax": {"name": "Tax"}}, params={"why": "new", "auth_token": "x"})
    gone = await api.delete("/taxes/none")
    broken = await api.call("POST", "/plans", content=b"{")
    await api.get("/taxes")
    await api.post("/events", {"event": {"transaction_id": "1", "code": "x", "external_subscription_id": "y"}})
    await _written()

    body = (await api.get("/api_logs")).json()
    logs = body["api_logs"]
    assert body["meta"]["total_count"] == 6
    assert [(log["http_method"], log["request_path"], log["http_status"]) for log in logs] == [
        ("post", "/api/v1/plans", 400), ("delete", "/api/v1/taxes/none", 404), ("put", "/api/v1/taxes/vat", 200),
        ("post", "/api/v1/taxes", 200), ("post", "/api/v1/taxes", 422), ("post", "/api/v1/customers", 200),
    ]  # fmt: skip
    first = logs[-1]
    shown = made.json()
    shown["customer"]["email"] = "[FILTERED]"
    assert first == {
        "request_id": made.headers["x-request-id"], "api_version": "v1", "client": "tests/1", "http_method": "post",
        "http_status": 200, "request_body": {"customer": {**customer["customer"], "email": "[FILTERED]"}},
        "request_origin": "http://tarn.test", "request_path": "/api/v1/customers", "request_response": shown,
        "logged_at": first["logged_at"], "created_at": first["logged_at"],
    }  # fmt: skip
    assert logs[2]["request_body"] == {"why": "new", "auth_token": "[FILTERED]", "tax": {"name": "Tax"}}
    assert logs[4]["request_response"] == refused.json()
    assert (logs[0]["request_body"], logs[0]["request_response"]) == ({}, broken.json())
    assert (logs[1]["request_body"], logs[1]["request_response"]) == ({}, gone.json())
    one = f"/api_logs/{first['request_id']}"
    assert (await api.get(one)).json() == {"api_log": first}
    for asked in (await stranger.get(one), await api.get("/api_logs/nonsense")):
        assert (asked.status_code, asked.json()["code"]) == (404, "api_log_not_found")
    assert (await stranger.get("/api_logs")).json()["meta"]["total_count"] == 0


async def test_the_log_is_found_by_its_filters_and_cleaned_in_chunks(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    key = api.registered.founded.api_key.id
    now = clock.wall()
    writer = ApiLogWriter()
    calls = {
        "old": _call(api, at=now - timedelta(days=3), method="delete", path="/api/v1/plans/a_b", api_key_id=key),
        "new": _call(api, status=422, path="/api/v1/plans/axb/charges", client="curl", api_version="v2"),
        "late": _call(api, at=now - timedelta(days=31)),
        "later": _call(api, at=now - timedelta(days=30, seconds=1)),
        "ghost": _call(api, at=now - timedelta(days=1), status=500, method="put", path="/api/v1/%/taxes"),
    }
    for call in calls.values():
        writer.note(call)
    await writer.close()
    names = {str(call.id): name for name, call in calls.items()}
    day = (now - timedelta(days=1)).date().isoformat()
    for params, expected in (
        ({}, ["new", "ghost", "old"]),
        ({"http_methods[]": ["delete", "PUT"]}, ["ghost", "old"]),
        ({"http_statuses[]": ["succeeded"]}, ["old"]),
        ({"http_statuses[]": ["failed"]}, ["new", "ghost"]),
        ({"http_statuses[]": ["200", "500", "nonsense"]}, ["ghost", "old"]),
        ({"http_statuses[]": ["9" * 30]}, []),
        ({"api_version": "v2"}, ["new"]),
        ({"api_key_ids[]": [str(key)]}, ["old"]),
        ({"request_ids[]": [str(calls["old"].id), "nonsense"]}, ["old"]),
        ({"request_paths": "/api/v1/plans/a_b"}, ["old"]),
        ({"request_paths": "/api/v1/plans*"}, ["new", "old"]),
        ({"request_paths[]": ["*/taxes", "*/charges"]}, ["new", "ghost"]),
        ({"request_paths": "/api/v1/%"}, []),
        ({"clients[]": ["curl"]}, ["new"]),
        ({"from_date": day, "to_date": day}, ["ghost"]),
        ({"per_page": 1, "page": 2}, ["ghost"]),
    ):
        answer = (await api.get("/api_logs", params=params)).json()
        assert [names[log["request_id"]] for log in answer["api_logs"]] == expected, params
    wrong = await api.get("/api_logs", params={"from_date": "yesterday"})
    assert (wrong.status_code, wrong.json()["error_details"]) == (422, {"from_date": ["invalid_date"]})
    assert (await api.get(f"/api_logs/{calls['late'].id}")).status_code == 404
    monkeypatch.setattr(retention, "CHUNK", 1)
    async with tenant_work(api.tenant) as work:
        assert [await clean_api_logs(work) for _ in range(3)] == [1, 1, 0]
    assert (await api.get("/api_logs")).json()["meta"]["total_count"] == 3


async def test_a_fault_and_a_body_that_is_too_large_are_logged_as_they_were_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> object:
        raise RuntimeError("a defect")

    monkeypatch.setattr(frame, "_body", fail)
    assert (await api.post("/taxes", {})).status_code == 500
    monkeypatch.undo()
    await _written()
    (log,) = (await api.get("/api_logs")).json()["api_logs"]
    assert (log["http_status"], log["request_response"], log["request_body"]) == (500, None, {})


async def test_a_request_does_not_depend_on_the_log(api: Api, migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "PAUSE", 0.01)
    await _written()
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute("ALTER TABLE api_logs RENAME TO api_logs_away")
        try:
            made = await api.post("/taxes", {"tax": {"code": "vat", "name": "VAT", "rate": "20"}})
            await _written()
        finally:
            owner.execute("ALTER TABLE api_logs_away RENAME TO api_logs")
    assert made.status_code == 200
    monkeypatch.setattr(write, "MOST_WAITING", 0)
    assert (await api.delete("/taxes/vat")).status_code == 200

    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(ApiLogWriter, "note", broken)
    assert (await api.delete("/taxes/vat")).status_code == 404
    await _written()
    assert (await api.get("/api_logs")).json()["api_logs"] == []


async def test_calls_that_wait_are_written_by_one_statement_and_a_bad_one_alone_is_lost(
    api: Api, statements: list[str]
) -> None:
    writer, twice = ApiLogWriter(), _call(api)
    for call in (twice, twice, *(_call(api) for _ in range(20))):
        writer.note(call)
    await writer.close()
    assert sum("INSERT INTO api_logs" in each for each in statements) == 1
    writer = ApiLogWriter()
    for call in (_call(api, method="trace"), _call(api)):
        writer.note(call)
    await writer.close()
    assert (await api.get("/api_logs")).json()["meta"]["total_count"] == 22


async def test_a_key_needs_its_permission(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(ApiKeyIdentity, "require", lambda self, *wanted: asked.append(wanted))
    await api.get("/api_logs")
    await api.get(f"/api_logs/{new_id()}")
    assert asked == [("api_log", "read")] * 2
