"""/api/v1/analytics"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.responses import Response

from domain.insight.analytics import (
    Wanted,
    gross_revenues,
    invoice_collections,
    invoiced_usages,
    mrrs,
    overdue_balances,
    read_wanted,
)
from domain.insight.payloads import (
    collection_payload,
    gross_revenue_payload,
    invoiced_usage_payload,
    mrr_payload,
    overdue_balance_payload,
    usage_payload,
)
from domain.insight.usages import usages
from domain.insight.wanted import read_wanted_figures
from domain.kernel.unit_of_work import UnitOfWork
from rest_api.frame import Call, answer, endpoint
from rest_api.routing import get

__all__ = ["routes"]


@endpoint(resource="analytic")
async def gross_revenue(call: Call) -> Response:
    return await _figures(call, "gross_revenues", gross_revenues, gross_revenue_payload)


@endpoint(resource="analytic")
async def mrr(call: Call) -> Response:
    return await _figures(call, "mrrs", mrrs, mrr_payload)


@endpoint(resource="analytic")
async def invoice_collection(call: Call) -> Response:
    return await _figures(call, "invoice_collections", invoice_collections, collection_payload)


@endpoint(resource="analytic")
async def invoiced_usage(call: Call) -> Response:
    return await _figures(call, "invoiced_usages", invoiced_usages, invoiced_usage_payload)


@endpoint(resource="analytic")
async def overdue_balance(call: Call) -> Response:
    return await _figures(call, "overdue_balances", overdue_balances, overdue_balance_payload)


@endpoint(resource="analytic")
async def usage(call: Call) -> Response:
    wanted = read_wanted_figures({name: value for name, value in call.query.items() if value})
    rows = await usages(call.work, wanted)
    return answer({"usages": [usage_payload(row, wanted, call.work.organization_id) for row in rows]})


async def _figures(
    call: Call,
    name: str,
    read: Callable[[UnitOfWork, Wanted], Awaitable[Sequence[Any]]],
    show: Callable[[Any], dict[str, Any]],
) -> Response:
    wanted = {**call.query, "is_customer_tin_empty": call.flag("is_customer_tin_empty")}
    rows = await read(call.work, await read_wanted(call.work, wanted))
    return answer({name: [show(row) for row in rows]})


routes = [
    get("/analytics/gross_revenue", gross_revenue),
    get("/analytics/mrr", mrr),
    get("/analytics/invoice_collection", invoice_collection),
    get("/analytics/invoiced_usage", invoiced_usage),
    get("/analytics/overdue_balance", overdue_balance),
    get("/analytics/usage", usage),
]
