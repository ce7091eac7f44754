"""What holds for every endpoint: keys, bodies, errors, pages, paths."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from tests.rest_api.conftest import Api

METRIC = {"name": "Calls", "code": "calls", "aggregation_type": "count_agg"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer nothing", "Basic abc", "Bearer \u00e9"])
async def test_a_request_without_a_known_key_is_401(client: httpx.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {b"authorization": header.encode()}
    answer = await client.get("/api/v1/plans", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"status": 401, "error": "Unauthorized"}


async def test_the_key_is_asked_before_the_body_is_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/plans", content=b"{not json")).status_code == 401


@pytest.mark.parametrize("body", [b"{", b"nothing", b'{"plan": }', b"\xff\xfe", b'{"plan": {"name": "\\ud800"}}'])
async def test_malformed_json_is_400(api: Api, body: bytes) -> None:
    answer = await api.call("POST", "/plans", content=body)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400
    assert answer.json()["error"].startswith("BadRequest")


@pytest.mark.parametrize("body", [{}, [], "text", 1, None, {"plan": None}, {"plan": {}}, {"plan": "x"}, {"tax": {}}])
async def test_a_body_without_its_root_is_400_and_names_it(api: Api, body: object) -> None:
    answer = await api.post("/plans", body)
    assert answer.status_code == 400
    assert answer.json() == {
        "status": 400,
        "error": "BadRequest: param is missing or the value is empty or invalid: plan",
    }


async def test_nesting_without_end_is_400(api: Api) -> None:
    answer = await api.call("POST", "/plans", content=b'{"plan":' + b"[" * 100_000)
    assert answer.status_code == 400


async def test_texts_that_no_column_can_hold_are_422_on_their_field(api: Api) -> None:
    answer = await api.post("/billable_metrics", {"billable_metric": {**METRIC, "name": "a\x00b"}})
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {"name": ["value_is_invalid"]}


async def test_a_path_that_cannot_exist_is_404(api: Api) -> None:
    answer = await api.get("/plans/a%00b")
    assert answer.status_code == 404
    assert answer.json() == {"status": 404, "error": "Not Found", "code": "plan_not_found"}


async def test_a_query_that_cannot_be_searched_for_is_422(api: Api) -> None:
    answer = await api.get("/customers?search_term=a%00b")
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {"search_term": ["value_is_invalid"]}


@pytest.mark.parametrize("path", ["/nothing", "/plans/a/nothing/b", "/billable_metrics/a/b"])
async def test_an_unknown_path_is_404(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"status": 404, "error": "Not Found", "code": "resource_not_found"}


async def test_a_verb_nobody_serves_is_404(api: Api) -> None:
    assert (await api.call("DELETE", "/plans")).status_code == 404


@pytest.mark.parametrize("code", ["a.b", "a/b", "a b", "a/charges", "é%", "?#&+"])
async def test_codes_with_dots_slashes_and_spaces_are_found_by_their_encoded_path(api: Api, code: str) -> None:
    made = await api.post("/billable_metrics", {"billable_metric": {**METRIC, "code": code}})
    assert made.status_code == 200
    answer = await api.get(f"/billable_metrics/{quote(code, safe='')}")
    assert answer.status_code == 200
    assert answer.json()["billable_metric"]["code"] == code


async def test_a_trailing_slash_does_not_count(api: Api) -> None:
    assert (await api.get("/plans/")).json()["plans"] == []


async def test_patch_updates_as_put_does(api: Api) -> None:
    await api.post("/billable_metrics", {"billable_metric": METRIC})
    answer = await api.call("PATCH", "/billable_metrics/calls", {"billable_metric": {"name": "New"}})
    assert answer.json()["billable_metric"]["name"] == "New"


async def test_an_empty_list_has_page_zero_of_zero(api: Api) -> None:
    answer = await api.get("/plans")
    assert answer.json() == {
        "plans": [],
        "meta": {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0},
    }


async def test_pages_are_cut_newest_first(api: Api) -> None:
    for number in range(5):
        await api.post("/billable_metrics", {"billable_metric": {**METRIC, "code": f"calls{number}"}})
    answer = (await api.get("/billable_metrics?page=2&per_page=2")).json()
    assert [metric["code"] for metric in answer["billable_metrics"]] == ["calls2", "calls1"]
    assert answer["meta"] == {"current_page": 2, "next_page": 3, "prev_page": 1, "total_pages": 3, "total_count": 5}


@pytest.mark.parametrize("query", ["page=0&per_page=-1", "page=x&per_page=y", "page=&per_page=", "page=" + "9" * 30])
async def test_pages_that_are_not_numbers_mean_the_default(api: Api, query: str) -> None:
    await api.post("/billable_metrics", {"billable_metric": METRIC})
    answer = await api.get(f"/billable_metrics?{query}")
    assert answer.status_code == 200
    assert len(answer.json()["billable_metrics"]) == 1


async def test_a_page_past_the_end_is_empty(api: Api) -> None:
    await api.post("/billable_metrics", {"billable_metric": METRIC})
    answer = (await api.get("/billable_metrics?page=999999999")).json()
    assert answer["billable_metrics"] == []
    assert answer["meta"]["total_count"] == 1


async def test_a_key_may_only_what_its_permissions_say(api: Api) -> None:
    from domain.identity.api_keys import update_api_key
    from domain.kernel.unit_of_work import tenant_work

    async with tenant_work(api.tenant) as work:
        await update_api_key(work, api.registered.founded.api_key.id, {"permissions": {"plan": ["read"]}})
    assert (await api.get("/plans")).status_code == 200
    refused = await api.post("/plans", {"plan": {"name": "x"}})
    assert refused.status_code == 403
    assert refused.json() == {"status": 403, "error": "Forbidden", "code": "write_action_not_allowed_for_plan"}
    assert (await api.get("/taxes")).json()["code"] == "read_action_not_allowed_for_tax"
