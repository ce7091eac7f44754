"""/api/v1/subscriptions"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from domain.billing.customers import customer_to_subscribe
from domain.billing.subscribe import plan_by_code, subscribe
from domain.billing.terminate import terminate as terminate_subscription
from domain.billing.update_subscription import update_subscription
from domain.catalog.plan_payloads import plan_payloads, threshold_payload
from domain.identity.payloads import applied_section_payload
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.validation import Reader
from domain.subscriptions import queries
from domain.subscriptions.custom_sections import sections_of_subscriptions
from domain.subscriptions.models import Subscription
from domain.subscriptions.payloads import payload, payloads
from domain.subscriptions.queries import STATUSES, SubscriptionFilters
from domain.subscriptions.thresholds import applicable_thresholds
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post, put

__all__ = ["routes"]


async def _answer(call: Call, row: Subscription, *, with_plan: bool = True) -> Response:
    facts = (await queries.rows_by_ids(call.work.session, [row.id]))[0]
    content: dict[str, Any] = payload(facts)
    if with_plan:
        plans = await plan_payloads(call.work.session, [facts.plan_id])
        content["plan"] = plans[facts.plan_id]
        thresholds = (await applicable_thresholds(call.work.session, [row.id])).get(row.id, ())
        sections = (await sections_of_subscriptions(call.work.session, [row.id])).get(row.id, ())
        content["applied_invoice_custom_sections"] = [applied_section_payload(each) for each in sections]
        content["applicable_usage_thresholds"] = [threshold_payload(one, short=True) for one in thresholds]
    return answer({"subscription": content})


@endpoint(resource="subscription")
async def create(call: Call) -> Response:
    """Puts a customer on a plan; an unknown external_customer_id makes the customer."""
    params = call.root("subscription")
    read = Reader(params)
    external_customer_id = read.text("external_customer_id", mandatory=True)
    plan_code = read.text("plan_code", longest=10_000)
    external_id = read.text("external_id", mandatory=True)
    if params.get("billing_time") is not None:
        read.choice("billing_time", ("calendar", "anniversary"))
    if call.body.get("authorization"):
        read.add("authorization", "unsupported_value")
    read.finish()
    assert external_customer_id is not None
    assert external_id is not None
    plan = await plan_by_code(call.work, plan_code)
    customer = await customer_to_subscribe(call.work, external_customer_id, plan.amount_currency)
    row = await subscribe(call.work, customer, plan, external_id, params)
    return await _answer(call, row)


@endpoint(resource="subscription")
async def index(call: Call) -> Response:
    """A page of subscriptions, active ones unless `status[]` says otherwise."""
    statuses = call.texts("status")
    if unknown := [status for status in statuses if status not in STATUSES]:
        raise ValidationFailed({"status": ["value_is_invalid"] * len(unknown)})
    return await list_subscriptions(call, tuple(statuses) or ("active",), call.query.get("external_customer_id"))


async def list_subscriptions(call: Call, statuses: tuple[str, ...], external_customer_id: str | None) -> Response:
    """The page that the query string asks for."""
    filters = SubscriptionFilters(
        statuses=statuses,
        external_customer_id=external_customer_id,
        plan_code=call.query.get("plan_code"),
        external_id=call.query.get("external_id"),
        currency=call.query.get("currency"),
        billing_entity_codes=call.texts("billing_entity_codes"),
        overridden=call.flag("overridden"),
    )
    page = await queries.list_rows(call.work.session, filters, call.page())
    return page_answer("subscriptions", [payload(row) for row in page.rows], page)


@endpoint(resource="customer")
async def index_of_customer(call: Call) -> Response:
    """The subscriptions of one customer. Raises NotFound for an unknown customer."""
    from domain.customers.queries import find_by_external_id

    external_id = call.path["external_customer_id"]
    if await find_by_external_id(call.work.session, external_id) is None:
        raise NotFound("customer")
    statuses = tuple(status for status in call.texts("status") if status in STATUSES)
    return await list_subscriptions(call, statuses or ("active",), external_id)


async def _find(call: Call, default: str = "active") -> Subscription:
    status = call.query.get("status") or default
    if status not in STATUSES:
        raise NotFound("subscription")
    row = await queries.find(call.work.session, call.path["external_id"], status)
    if row is None:
        raise NotFound("subscription")
    return row


@endpoint(resource="subscription")
async def show(call: Call) -> Response:
    """One subscription with its plan."""
    return await _answer(call, await _find(call))


@endpoint(resource="subscription")
async def update(call: Call) -> Response:
    """Changes what was given, of the only subscription with the external id or of the one that has the status."""
    row = await queries.find_only(call.work.session, call.path["external_id"])
    if row is None:
        row = await _find(call, default=str(call.body.get("status") or "active"))
    await call.work.session.refresh(row, with_for_update=True)
    params = call.root("subscription")
    return await _answer(call, await update_subscription(call.work, row, params))


@endpoint(resource="subscription")
async def terminate(call: Call) -> Response:
    """Ends an active subscription, or cancels a pending one."""
    row = await _find(call)
    if row.status not in ("active", "pending", "incomplete"):
        raise NotFound("subscription")
    await call.work.session.refresh(row, with_for_update=True)
    names = ("on_termination_credit_note", "on_termination_invoice")
    params = {name: call.query[name] for name in names if name in call.query}
    row = await terminate_subscription(call.work, row, params)
    shown = (await payloads(call.work.session, [row.id]))[0]
    return answer({"subscription": shown})


routes = [
    get("/subscriptions", index),
    post("/subscriptions", create),
    get("/subscriptions/{external_id}", show),
    put("/subscriptions/{external_id}", update),
    delete("/subscriptions/{external_id}", terminate),
    get("/customers/{external_customer_id}/subscriptions", index_of_customer),
]
