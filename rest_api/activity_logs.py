"""/api/v1/activity_logs"""

from __future__ import annotations

from starlette.responses import Response

from domain.insight.payloads import activity_payload
from domain.insight.queries import activities_page, activity_row, read_wanted_activities
from domain.kernel.ids import parse_id
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get

__all__ = ["routes"]

LISTS = (
    "activity_types", "activity_sources", "user_emails", "resource_types", "activity_ids", "resource_ids",
    "api_key_ids",
)  # fmt: skip


@endpoint(resource="activity_log")
async def show(call: Call) -> Response:
    row = await activity_row(call.work, parse_id(call.path["activity_id"]))
    return answer({"activity_log": activity_payload(row)})


@endpoint(resource="activity_log")
async def index(call: Call) -> Response:
    named = ("from_date", "to_date", "external_customer_id", "external_subscription_id")
    wanted = read_wanted_activities(
        {**{name: call.query.get(name) for name in named}, **{name: call.texts(name) for name in LISTS}}
    )
    page = await activities_page(call.work, wanted, call.page())
    return page_answer("activity_logs", [activity_payload(row) for row in page.rows], page)


routes = [get("/activity_logs", index), get("/activity_logs/{activity_id}", show)]
