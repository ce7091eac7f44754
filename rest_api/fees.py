"""/api/v1/fees"""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from domain.billing.explain import explain_fee
from domain.billing.explanation_payload import explanation_payload
from domain.invoicing.fee_queries import FeeFilter, fee_row, fees_page
from domain.invoicing.payloads import fee_payloads
from domain.invoicing.standalone_fees import PAYMENT_STATUSES, delete_fee, set_payment_status
from domain.kernel.currencies import CURRENCIES
from domain.kernel.validation import Reader
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, put

__all__ = ["routes"]

FEE_TYPES = ("charge", "add_on", "subscription", "credit", "commitment", "fixed_charge")


@endpoint(resource="fee")
async def index(call: Call) -> Response:
    """A page of fees, the newest first."""
    page = await fees_page(call.work.session, call.page(), _filter(call))
    return page_answer("fees", await fee_payloads(call.work, page.rows), page)


@endpoint(resource="fee")
async def show(call: Call) -> Response:
    row = await fee_row(call.work.session, call.path["id"])
    return answer({"fee": (await fee_payloads(call.work, [row]))[0]})


@endpoint(resource="fee")
async def explanation(call: Call) -> Response:
    """How the fee came to be, with a page of the events counted (`page`, `per_page`)."""
    return answer({"fee_explanation": explanation_payload(await explain_fee(call.work, call.path["id"], call.page()))})


@endpoint(resource="fee")
async def update(call: Call) -> Response:
    """Notes what became of the payment of a fee without an invoice."""
    fee = await set_payment_status(call.work, call.path["id"], call.root("fee"))
    row = await fee_row(call.work.session, fee.id)
    return answer({"fee": (await fee_payloads(call.work, [row]))[0]})


@endpoint(resource="fee")
async def destroy(call: Call) -> Response:
    row = await fee_row(call.work.session, call.path["id"])
    payload = (await fee_payloads(call.work, [row]))[0]
    await delete_fee(call.work, row.id)
    return answer({"fee": payload})


def _filter(call: Call) -> FeeFilter:
    """What the query string asks for. Raises ValidationFailed."""
    read = Reader(call.query)
    wanted = FeeFilter(
        external_customer_id=call.query.get("external_customer_id"),
        external_subscription_id=call.query.get("external_subscription_id"),
        currency=read.choice("currency", CURRENCIES),
        fee_type=read.choice("fee_type", FEE_TYPES),
        billable_metric_code=call.query.get("billable_metric_code"),
        payment_status=read.choice("payment_status", PAYMENT_STATUSES),
        created_at=_range(read, "created_at"),
        succeeded_at=_range(read, "succeeded_at"),
        failed_at=_range(read, "failed_at"),
        refunded_at=_range(read, "refunded_at"),
        event_transaction_id=call.query.get("event_transaction_id") or None,
    )
    read.finish()
    return wanted


def _range(read: Reader, name: str) -> tuple[datetime | None, datetime | None]:
    return read.instant(f"{name}_from"), read.instant(f"{name}_to")


routes = [
    get("/fees", index),
    get("/fees/{id}", show),
    get("/fees/{id}/explanation", explanation),
    put("/fees/{id}", update),
    delete("/fees/{id}", destroy),
]
