"""Webhook endpoints over REST, and the key that signatures are checked with."""

from __future__ import annotations

from base64 import b64decode
from uuid import uuid4

import pytest

from infrastructure.jwt import public_key_pem
from tests.rest_api.conftest import Api

URL = "https://example.com/hooks"
FIELDS = {
    "lago_id", "lago_organization_id", "webhook_url", "signature_algo", "name", "event_types", "created_at",
}  # fmt: skip


async def test_an_endpoint_is_made_read_changed_and_deleted(api: Api) -> None:
    made = await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": URL}})
    assert made.status_code == 200
    endpoint = made.json()["webhook_endpoint"]
    assert set(endpoint) == FIELDS
    assert (endpoint["webhook_url"], endpoint["signature_algo"], endpoint["name"]) == (URL, "jwt", None)
    assert endpoint["event_types"] is None
    assert endpoint["lago_organization_id"] == str(api.tenant.organization_id)
    path = f"/webhook_endpoints/{endpoint['lago_id']}"
    assert (await api.get(path)).json() == {"webhook_endpoint": endpoint}

    change = {"webhook_url": f"{URL}/2", "signature_algo": "hmac", "name": "Two", "event_types": ["plan.created"]}
    changed = (await api.put(path, {"webhook_endpoint": change})).json()["webhook_endpoint"]
    assert changed == {**endpoint, **change}
    renamed = (await api.put(path, {"webhook_endpoint": {"name": None}})).json()["webhook_endpoint"]
    assert renamed == {**changed, "name": None}

    deleted = await api.delete(path)
    assert (deleted.status_code, deleted.json()) == (200, {"webhook_endpoint": renamed})
    assert (await api.get(path)).status_code == 404
    assert (await api.delete(path)).status_code == 404


async def test_endpoints_are_listed_newest_first_in_pages(api: Api, stranger: Api) -> None:
    await stranger.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": URL}})
    for number in range(3):
        await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": f"{URL}/{number}"}})
    answer = (await api.get("/webhook_endpoints?per_page=2")).json()
    assert [each["webhook_url"] for each in answer["webhook_endpoints"]] == [f"{URL}/2", f"{URL}/1"]
    assert answer["meta"] == {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 2, "total_count": 3}


@pytest.mark.parametrize(
    ("params", "details"),
    [
        ({"name": "x"}, {"webhook_url": ["value_is_mandatory"]}),
        ({"webhook_url": "nothing"}, {"webhook_url": ["url_is_invalid"]}),
        ({"webhook_url": 12}, {"webhook_url": ["url_is_invalid"]}),
        ({"webhook_url": "https://a.b/\x00"}, {"webhook_url": ["value_is_invalid"]}),
        ({"webhook_url": URL, "signature_algo": "md5"}, {"signature_algo": ["value_is_invalid"]}),
        ({"webhook_url": URL, "signature_algo": {}}, {"signature_algo": ["value_is_invalid"]}),
        ({"webhook_url": URL, "name": []}, {"name": ["value_is_invalid"]}),
        ({"webhook_url": URL, "event_types": "plan.created"}, {"event_types": ["must_be_array"]}),
        ({"webhook_url": URL, "event_types": ["plan.painted"]}, {"event_types": ["value_is_invalid"]}),
        (
            {"webhook_url": "x", "signature_algo": "x", "event_types": 1},
            {
                "webhook_url": ["url_is_invalid"],
                "signature_algo": ["value_is_invalid"],
                "event_types": ["must_be_array"],
            },
        ),
    ],
)
async def test_what_is_wrong_is_422_and_named(api: Api, params: dict[str, object], details: dict[str, object]) -> None:
    answer = await api.post("/webhook_endpoints", {"webhook_endpoint": params})
    assert answer.status_code == 422
    body = {"status": 422, "error": "Unprocessable Entity", "code": "validation_errors", "error_details": details}
    assert answer.json() == body
    assert (await api.get("/webhook_endpoints")).json()["webhook_endpoints"] == []


async def test_an_address_twice_is_422_at_creation_and_at_change(api: Api) -> None:
    await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": URL}})
    again = await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": URL}})
    assert again.json()["error_details"] == {"webhook_url": ["value_already_exist"]}
    other = await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": f"{URL}/2"}})
    path = f"/webhook_endpoints/{other.json()['webhook_endpoint']['lago_id']}"
    changed = await api.put(path, {"webhook_endpoint": {"webhook_url": URL, "name": "x"}})
    assert (changed.status_code, changed.json()["error_details"]) == (422, {"webhook_url": ["value_already_exist"]})
    assert (await api.get(path)).json()["webhook_endpoint"]["name"] is None


async def test_the_eleventh_endpoint_is_422(api: Api) -> None:
    for number in range(10):
        answer = await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": f"{URL}/{number}"}})
        assert answer.status_code == 200
    eleventh = await api.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": URL}})
    assert eleventh.status_code == 422
    assert list(eleventh.json()["error_details"]) == ["base"]


@pytest.mark.parametrize("body", [{}, {"webhook_endpoint": {}}, {"webhook_endpoint": []}, {"endpoint": {"a": 1}}])
async def test_a_body_without_the_endpoint_is_400(api: Api, body: object) -> None:
    assert (await api.post("/webhook_endpoints", body)).status_code == 400


async def test_an_unknown_endpoint_is_404_whatever_its_id_looks_like(api: Api) -> None:
    for identifier in (uuid4(), "nothing", "0", "%00", "a" * 300):
        for verb, body in (("GET", None), ("PUT", {"webhook_endpoint": {"name": "x"}}), ("DELETE", None)):
            answer = await api.call(verb, f"/webhook_endpoints/{identifier}", body)
            assert (answer.status_code, answer.json()["code"]) == (404, "webhook_endpoint_not_found")


async def test_anothers_endpoint_is_not_there(api: Api, stranger: Api) -> None:
    made = await stranger.post("/webhook_endpoints", {"webhook_endpoint": {"webhook_url": URL}})
    endpoint = made.json()["webhook_endpoint"]
    path = f"/webhook_endpoints/{endpoint['lago_id']}"
    for verb, body in (("GET", None), ("PUT", {"webhook_endpoint": {"name": "x"}}), ("DELETE", None)):
        assert (await api.call(verb, path, body)).status_code == 404
    assert (await stranger.get(path)).json()["webhook_endpoint"] == endpoint


async def test_the_public_key_is_given_as_text_and_inside_json(api: Api) -> None:
    text = await api.get("/webhooks/public_key")
    assert text.status_code == 200
    assert text.headers["content-type"].startswith("text/plain")
    assert b64decode(text.text).decode() == public_key_pem()
    inside = await api.get("/webhooks/json_public_key")
    assert inside.json() == {"webhook": {"public_key": text.text}}


@pytest.mark.parametrize("path", ["/webhooks/public_key", "/webhooks/json_public_key", "/webhook_endpoints"])
async def test_nothing_is_told_without_an_api_key(api: Api, path: str) -> None:
    assert (await api.client.get(f"/api/v1{path}")).status_code == 401
