"""/api/v1/features"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.catalog.entitlements.features import create_feature, delete_feature, delete_privilege, update_feature
from domain.catalog.entitlements.payloads import feature_payloads
from domain.catalog.entitlements.queries import feature_row, features_page
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


@endpoint(resource="feature")
async def create(call: Call) -> Response:
    return await _shown(call, (await create_feature(call.work, call.root("feature"))).id)


@endpoint(resource="feature")
async def update(call: Call) -> Response:
    """Privileges that are not listed stay."""
    return await _shown(call, (await update_feature(call.work, call.root("feature"), code=call.path["code"])).id)


@endpoint(resource="feature")
async def destroy(call: Call) -> Response:
    """Answered as it was."""
    return await _shown(call, (await delete_feature(call.work, code=call.path["code"])).id)


@endpoint(resource="feature")
async def destroy_privilege(call: Call) -> Response:
    feature = await delete_privilege(call.work, call.path["code"], call.path["privilege_code"])
    return await _shown(call, feature.id)


@endpoint(resource="feature")
async def show(call: Call) -> Response:
    return await _shown(call, (await feature_row(call.work.session, code=call.path["code"])).id)


@endpoint(resource="feature")
async def index(call: Call) -> Response:
    page = await features_page(call.work.session, call.page(), search_term=call.query.get("search_term"))
    rows = {row.id: row for row in page.rows}
    payloads = await feature_payloads(call.work.session, rows, rows=rows)
    return page_answer("features", list(payloads.values()), page)


async def _shown(call: Call, feature_id: UUID) -> Response:
    return answer({"feature": (await feature_payloads(call.work.session, [feature_id]))[feature_id]})


routes = [
    get("/features", index),
    post("/features", create),
    get("/features/{code}", show),
    put("/features/{code}", update),
    delete("/features/{code}", destroy),
    delete("/features/{code}/privileges/{privilege_code}", destroy_privilege),
]
