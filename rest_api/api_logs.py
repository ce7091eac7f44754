"""/api/v1/api_logs"""

from __future__ import annotations

from starlette.responses import Response

from domain.insight.api_logs.queries import api_log_payload, api_log_row, api_logs_page, read_wanted_calls
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get

__all__ = ["routes"]

LISTS = ("http_methods", "http_statuses", "api_key_ids", "request_ids", "request_paths", "clients")


@endpoint(resource="api_log")
async def show(call: Call) -> Response:
    return answer({"api_log": api_log_payload(await api_log_row(call.work, call.path["request_id"]))})


@endpoint(resource="api_log")
async def index(call: Call) -> Response:
    named = {name: call.query.get(name) for name in ("from_date", "to_date", "api_version")}
    wanted = read_wanted_calls({**named, **{name: call.texts(name) for name in LISTS}})
    page = await api_logs_page(call.work, wanted, call.page())
    return page_answer("api_logs", [api_log_payload(row) for row in page.rows], page)


routes = [get("/api_logs", index), get("/api_logs/{request_id}", show)]
