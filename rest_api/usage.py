"""/api/v1/customers/{external_id}/current_usage, projected_usage and past_usage"""

from __future__ import annotations

from starlette.responses import Response

from domain.invoicing.past_usage import PastUsageFilter, past_usage
from domain.kernel import clock
from domain.metering.current_usage import ChargeFilters, UsageOptions, current_usage
from domain.metering.projection import projected
from domain.metering.usage_options import group_of, presentation_of
from domain.metering.usage_payloads import customer_usage_payload
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get

__all__ = ["routes"]

MAX_DIGITS = 6


def _options(call: Call) -> UsageOptions:
    query = call.query
    return UsageOptions(
        charges=ChargeFilters(
            charge_id=query.get("charge_id") or query.get("filter_by_charge_id"),
            charge_code=query.get("charge_code") or query.get("filter_by_charge_code"),
            billable_metric_code=query.get("billable_metric_code") or query.get("filter_by_metric_code"),
        ),
        group=group_of(query, call.request.query_params.multi_items()),
        skip_grouping=call.flag("skip_grouping") is True,
        full_usage=call.flag("full_usage") is True,
        presentation=presentation_of(query.get("filter_by_presentation")),
    )


@endpoint(resource="customer")
async def show(call: Call) -> Response:
    """What the customer's subscription has used in its current period."""
    usage = await current_usage(
        call.work,
        customer_external_id=call.path["external_id"],
        subscription_external_id=call.query.get("external_subscription_id", ""),
        apply_taxes=call.flag("apply_taxes") is not False,
        options=_options(call),
    )
    return answer({"customer_usage": customer_usage_payload(usage)})


@endpoint(resource="customer")
async def show_projected(call: Call) -> Response:
    """The same, with what it will come to by the end of the period."""
    usage = await current_usage(
        call.work,
        customer_external_id=call.path["external_id"],
        subscription_external_id=call.query.get("external_subscription_id", ""),
        apply_taxes=call.flag("apply_taxes") is not False,
    )
    payload = customer_usage_payload(projected(usage, clock.now()), projected=True)
    return answer({"customer_projected_usage": payload})


@endpoint(resource="customer")
async def show_past(call: Call) -> Response:
    """What was used in the periods that were invoiced, newest first."""
    query = call.query
    wanted = PastUsageFilter(
        external_customer_id=call.path["external_id"],
        external_subscription_id=query.get("external_subscription_id", ""),
        billable_metric_code=query.get("billable_metric_code") or None,
        periods_count=_count(query.get("periods_count")),
    )
    page = await past_usage(call.work, wanted, call.page())
    return page_answer("usage_periods", page.rows, page)


def _count(text: str | None) -> int | None:
    """A number of periods; anything that is none asks for all."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS:
        return None
    return int(text)


routes = [
    get("/customers/{external_id}/past_usage", show_past),
    get("/customers/{external_id}/current_usage", show),
    get("/customers/{external_id}/projected_usage", show_projected),
]
