"""/security_logs over HTTP."""

from __future__ import annotations

from tests.rest_api.conftest import Api


async def test_the_log_is_read_with_a_key(api: Api, stranger: Api) -> None:
    made = await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": "https://example.com"}})
    assert made.status_code == 200
    body = (await api.get("/security_logs", params={"to_date": "2100-01-01"})).json()
    assert [log["log_event"] for log in body["security_logs"]] == ["webhook_endpoint.created", "user.signed_up"]
    (log, _) = body["security_logs"]
    assert (log["log_type"], log["user_id"], log["device_info"]["device_type"]) == (
        "webhook_endpoint", None, "desktop",
    )  # fmt: skip
    assert log["api_key_id"] == str(api.registered.founded.api_key.id)
    assert body["meta"]["total_count"] == 2
    assert (await api.get(f"/security_logs/{log['log_id']}")).json() == {"security_log": log}
    assert (await stranger.get(f"/security_logs/{log['log_id']}")).json()["code"] == "security_log_not_found"
    filtered = await api.get("/security_logs", params={"to_date": "2100-01-01", "log_types[]": "user"})
    assert [each["log_event"] for each in filtered.json()["security_logs"]] == ["user.signed_up"]


async def test_the_end_of_the_span_is_mandatory(api: Api) -> None:
    answer = await api.get("/security_logs")
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {"to_date": ["value_is_mandatory"]}
