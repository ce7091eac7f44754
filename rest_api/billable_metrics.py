"""/api/v1/billable_metrics"""

from __future__ import annotations

from starlette.responses import Response

from domain.catalog.billable_metrics import create_billable_metric, delete_billable_metric, update_billable_metric
from domain.catalog.payloads import billable_metric_payload
from domain.catalog.queries import billable_metric_row, billable_metrics_page
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="billable_metric")
async def create(call: Call) -> Response:
    metric = await create_billable_metric(call.work, call.root("billable_metric"))
    return answer({"billable_metric": billable_metric_payload(metric)})


@endpoint(resource="billable_metric")
async def update(call: Call) -> Response:
    metric = await update_billable_metric(call.work, call.root("billable_metric"), code=call.path["code"])
    return answer({"billable_metric": billable_metric_payload(metric)})


@endpoint(resource="billable_metric")
async def destroy(call: Call) -> Response:
    metric = await delete_billable_metric(call.work, code=call.path["code"])
    return answer({"billable_metric": billable_metric_payload(metric)})


@endpoint(resource="billable_metric")
async def show(call: Call) -> Response:
    row = await billable_metric_row(call.work.session, code=call.path["code"])
    return answer({"billable_metric": billable_metric_payload(row, counters=False)})


@endpoint(resource="billable_metric")
async def index(call: Call) -> Response:
    page = await billable_metrics_page(call.work.session, call.page())
    return page_answer("billable_metrics", [billable_metric_payload(row) for row in page.rows], page)


routes = [
    get("/billable_metrics", index),
    post("/billable_metrics", create),
    get("/billable_metrics/{code}", show),
    put("/billable_metrics/{code}", update),
    delete("/billable_metrics/{code}", destroy),
]
