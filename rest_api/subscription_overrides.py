"""/api/v1/subscriptions/{external_id}/charges and …/fixed_charges: prices of one subscription's own."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.billing.override_charges import (
    create_own_filter,
    delete_own_filter,
    override_charge,
    override_fixed_charge,
    update_own_filter,
)
from domain.catalog.plan_parts import filter_row, filters_page, fixed_charge_row, fixed_charges_page
from domain.catalog.plan_payloads import (
    charge_payloads_of,
    filter_payload,
    filter_payloads,
    fixed_charge_payloads_of,
)
from domain.catalog.queries import charge_row, charge_rows, charges_page
from domain.kernel.errors import NotFound
from domain.subscriptions import queries
from domain.subscriptions.fixed_units import own_units
from domain.subscriptions.models import Subscription
from domain.subscriptions.queries import STATUSES
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


async def _subscription(call: Call, *, locked: bool = False) -> Subscription:
    """The subscription of the path, active unless `subscription_status` says otherwise. Raises NotFound."""
    status = call.query.get("subscription_status") or "active"
    row = await queries.find(call.work.session, call.path["external_id"], status) if status in STATUSES else None
    if row is None:
        raise NotFound("subscription")
    if locked:
        await call.work.session.refresh(row, with_for_update=True)
    return row


async def _charge_id(call: Call) -> UUID:
    row = await charge_row(call.work.session, (await _subscription(call)).plan_id, call.path["charge_code"])
    charge_id: UUID = row.id
    return charge_id


@endpoint(resource="subscription")
async def index(call: Call) -> Response:
    row = await _subscription(call)
    page = await charges_page(call.work.session, row.plan_id, call.page())
    return page_answer("charges", await charge_payloads_of(call.work.session, page.rows), page)


@endpoint(resource="subscription")
async def show(call: Call) -> Response:
    row = await _subscription(call)
    charge = await charge_row(call.work.session, row.plan_id, call.path["charge_code"])
    return answer({"charge": (await charge_payloads_of(call.work.session, [charge]))[0]})


@endpoint(resource="subscription")
async def update(call: Call) -> Response:
    row = await _subscription(call, locked=True)
    charge = await override_charge(call.work, row, call.root("charge"), code=call.path["charge_code"])
    rows = await charge_rows(call.work.session, [charge.id])
    return answer({"charge": (await charge_payloads_of(call.work.session, list(rows.values())))[0]})


@endpoint(resource="subscription")
async def index_filters(call: Call) -> Response:
    page = await filters_page(call.work.session, await _charge_id(call), call.page())
    return page_answer("filters", [filter_payload(one) for one in page.rows], page)


@endpoint(resource="subscription")
async def show_filter(call: Call) -> Response:
    found = await filter_row(call.work.session, await _charge_id(call), call.path["filter_id"])
    return answer({"filter": filter_payload(found)})


@endpoint(resource="subscription")
async def create_filter(call: Call) -> Response:
    row = await _subscription(call, locked=True)
    made = await create_own_filter(call.work, row, call.root("filter"), code=call.path["charge_code"])
    return await _shown_filter(call, made.id)


@endpoint(resource="subscription")
async def update_filter(call: Call) -> Response:
    row = await _subscription(call, locked=True)
    edited = await update_own_filter(
        call.work, row, call.root("filter"), call.path["filter_id"], code=call.path["charge_code"]
    )
    return await _shown_filter(call, edited.id)


@endpoint(resource="subscription")
async def destroy_filter(call: Call) -> Response:
    row = await _subscription(call, locked=True)
    gone = await delete_own_filter(call.work, row, call.path["filter_id"], code=call.path["charge_code"])
    return await _shown_filter(call, gone.id)


async def _shown_filter(call: Call, filter_id: UUID) -> Response:
    return answer({"filter": (await filter_payloads(call.work.session, [filter_id]))[filter_id]})


@endpoint(resource="subscription")
async def index_fixed(call: Call) -> Response:
    row = await _subscription(call)
    page = await fixed_charges_page(call.work.session, row.plan_id, call.page())
    units = await own_units(call.work, row.id)
    return page_answer("fixed_charges", await fixed_charge_payloads_of(call.work.session, page.rows, units), page)


@endpoint(resource="subscription")
async def show_fixed(call: Call) -> Response:
    return await _shown_fixed(call, await _subscription(call))


@endpoint(resource="subscription")
async def update_fixed(call: Call) -> Response:
    row = await _subscription(call, locked=True)
    await override_fixed_charge(call.work, row, call.root("fixed_charge"), code=call.path["fixed_charge_code"])
    return await _shown_fixed(call, row)


async def _shown_fixed(call: Call, row: Subscription) -> Response:
    fixed = await fixed_charge_row(call.work.session, row.plan_id, call.path["fixed_charge_code"])
    units = await own_units(call.work, row.id)
    return answer({"fixed_charge": (await fixed_charge_payloads_of(call.work.session, [fixed], units))[0]})


routes = [
    get("/subscriptions/{external_id}/charges", index),
    get("/subscriptions/{external_id}/charges/{charge_code}", show),
    put("/subscriptions/{external_id}/charges/{charge_code}", update),
    get("/subscriptions/{external_id}/charges/{charge_code}/filters", index_filters),
    post("/subscriptions/{external_id}/charges/{charge_code}/filters", create_filter),
    get("/subscriptions/{external_id}/charges/{charge_code}/filters/{filter_id}", show_filter),
    put("/subscriptions/{external_id}/charges/{charge_code}/filters/{filter_id}", update_filter),
    delete("/subscriptions/{external_id}/charges/{charge_code}/filters/{filter_id}", destroy_filter),
    get("/subscriptions/{external_id}/fixed_charges", index_fixed),
    get("/subscriptions/{external_id}/fixed_charges/{fixed_charge_code}", show_fixed),
    put("/subscriptions/{external_id}/fixed_charges/{fixed_charge_code}", update_fixed),
]
