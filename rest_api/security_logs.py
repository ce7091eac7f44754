"""/api/v1/security_logs"""

from __future__ import annotations

from starlette.responses import Response

from domain.identity.security.queries import (
    read_wanted_logs,
    security_log_payload,
    security_log_row,
    security_logs_page,
)
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get

__all__ = ["routes"]

LISTS = ("log_events", "log_types", "user_ids", "api_key_ids")


@endpoint(resource="security_log")
async def show(call: Call) -> Response:
    return answer({"security_log": security_log_payload(await security_log_row(call.work, call.path["log_id"]))})


@endpoint(resource="security_log")
async def index(call: Call) -> Response:
    dates = {name: call.query.get(name) for name in ("to_date", "from_date")}
    wanted = read_wanted_logs({**dates, **{name: call.texts(name) for name in LISTS}})
    page = await security_logs_page(call.work, wanted, call.page())
    return page_answer("security_logs", [security_log_payload(row) for row in page.rows], page)


routes = [get("/security_logs", index), get("/security_logs/{log_id}", show)]
