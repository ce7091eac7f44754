"""/api/v1/coupons, /api/v1/applied_coupons, /api/v1/customers/{external_id}/applied_coupons"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.credits.applied_coupons import apply_coupon, terminate_applied_coupon
from domain.credits.coupon_queries import (
    AppliedCouponFilter,
    applied_coupon_rows,
    applied_coupons_page,
    coupon_row,
    coupons_page,
)
from domain.credits.coupons import create_coupon, delete_coupon, update_coupon
from domain.credits.payloads import applied_coupon_payload, applied_coupon_payloads, coupon_payloads
from domain.customers.queries import customer_row
from domain.kernel.ids import parse_id
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="coupon")
async def create(call: Call) -> Response:
    return await _shown(call, (await create_coupon(call.work, call.root("coupon"))).id)


@endpoint(resource="coupon")
async def update(call: Call) -> Response:
    return await _shown(call, (await update_coupon(call.work, call.root("coupon"), code=call.path["code"])).id)


@endpoint(resource="coupon")
async def destroy(call: Call) -> Response:
    return await _shown(call, (await delete_coupon(call.work, code=call.path["code"])).id)


@endpoint(resource="coupon")
async def show(call: Call) -> Response:
    return await _shown(call, (await coupon_row(call.work.session, code=call.path["code"])).id)


@endpoint(resource="coupon")
async def index(call: Call) -> Response:
    page = await coupons_page(call.work.session, call.page())
    rows = {row.id: row for row in page.rows}
    payloads = await coupon_payloads(call.work.session, rows, rows=rows)
    return page_answer("coupons", list(payloads.values()), page)


@endpoint(resource="applied_coupon")
async def apply(call: Call) -> Response:
    params = call.root("applied_coupon")
    applied = await apply_coupon(
        call.work,
        params,
        external_customer_id=params.get("external_customer_id"),
        coupon_code=params.get("coupon_code"),
    )
    return await _applied_shown(call, applied.id)


@endpoint(resource="applied_coupon")
async def remove(call: Call) -> Response:
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    applied = await terminate_applied_coupon(call.work, parse_id(call.path["id"]), customer_id=customer.id)
    return await _applied_shown(call, applied.id)


@endpoint(resource="applied_coupon")
async def applied_index(call: Call) -> Response:
    return await _applied_page(call, call.query.get("external_customer_id"))


@endpoint(resource="applied_coupon")
async def applied_of_customer(call: Call) -> Response:
    customer = await customer_row(call.work.session, external_id=call.path["external_id"])
    return await _applied_page(call, customer.external_id)


async def _applied_page(call: Call, external_customer_id: str | None) -> Response:
    wanted = AppliedCouponFilter(external_customer_id, call.query.get("status"), call.texts("coupon_code"))
    page = await applied_coupons_page(call.work.session, call.page(), wanted)
    rows = {row.id: row for row in page.rows}
    payloads = await applied_coupon_payloads(call.work.session, rows, rows=rows)
    return page_answer("applied_coupons", list(payloads.values()), page)


async def _shown(call: Call, coupon_id: UUID) -> Response:
    payloads = await coupon_payloads(call.work.session, [coupon_id])
    return answer({"coupon": payloads[coupon_id]})


async def _applied_shown(call: Call, applied_coupon_id: UUID) -> Response:
    rows = await applied_coupon_rows(call.work.session, [applied_coupon_id])
    return answer({"applied_coupon": applied_coupon_payload(rows[applied_coupon_id])})


routes = [
    get("/coupons", index),
    post("/coupons", create),
    get("/coupons/{code}", show),
    put("/coupons/{code}", update),
    delete("/coupons/{code}", destroy),
    get("/applied_coupons", applied_index),
    post("/applied_coupons", apply),
    get("/customers/{external_id}/applied_coupons", applied_of_customer),
    delete("/customers/{external_id}/applied_coupons/{id}", remove),
]
