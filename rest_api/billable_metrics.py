"""/api/v1/billable_metrics"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.billable_metrics import create_billable_metric, delete_billable_metric, update_billable_metric
from domain.catalog.payloads import billable_metric_payloads
from domain.catalog.queries import billable_metric_row, billable_metrics_page
from domain.kernel.errors import BadRequest
from domain.metering.evaluate_expression import evaluate_expression
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="billable_metric")
async def create(call: Call) -> Response:
    return await _shown(call, (await create_billable_metric(call.work, call.root("billable_metric"))).id)


@endpoint(resource="billable_metric")
async def update(call: Call) -> Response:
    metric = await update_billable_metric(call.work, call.root("billable_metric"), code=call.path["code"])
    return await _shown(call, metric.id)


@endpoint(resource="billable_metric")
async def destroy(call: Call) -> Response:
    # With the filters that go along.
    row = await billable_metric_row(call.work.session, code=call.path["code"])
    payloads = await billable_metric_payloads(call.work.session, [row.id])
    await delete_billable_metric(call.work, code=call.path["code"])
    return answer({"billable_metric": payloads[row.id]})


@endpoint(resource="billable_metric")
async def show(call: Call) -> Response:
    row = await billable_metric_row(call.work.session, code=call.path["code"])
    payloads = await billable_metric_payloads(call.work.session, [row.id], rows={row.id: row}, counters=False)
    return answer({"billable_metric": payloads[row.id]})


@endpoint(resource="billable_metric")
async def index(call: Call) -> Response:
    page = await billable_metrics_page(call.work.session, call.page())
    rows = {row.id: row for row in page.rows}
    payloads = await billable_metric_payloads(call.work.session, rows, rows=rows)
    return page_answer("billable_metrics", list(payloads.values()), page)


@endpoint(resource="billable_metric")
async def evaluate(call: Call) -> Response:
    if not isinstance(call.body, dict):
        raise BadRequest("the body is not an object")
    return answer({"expression_result": {"value": evaluate_expression(call.body)}})


async def _shown(call: Call, metric_id: UUID) -> Response:
    payloads = await billable_metric_payloads(call.work.session, [metric_id])
    return answer({"billable_metric": payloads[metric_id]})


routes = [
    get("/billable_metrics", index),
    post("/billable_metrics", create),
    post("/billable_metrics/evaluate_expression", evaluate),
    get("/billable_metrics/{code}", show),
    put("/billable_metrics/{code}", update),
    delete("/billable_metrics/{code}", destroy),
]
