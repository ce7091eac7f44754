"""/api/v1/customers/{external_id}/current_usage"""

from __future__ import annotations

from starlette.responses import Response

from domain.kernel.errors import NotAllowed, ValidationFailed
from domain.metering.current_usage import ChargeFilters, current_usage
from domain.metering.payloads import customer_usage_payload
from rest_api.frame import Call, answer, endpoint
from rest_api.routing import get

__all__ = ["routes"]

# Groups come with filters and pricing groups; until then a parameter that would change the answer is refused.
_UNSUPPORTED = ("group", "filter_by_group")


@endpoint(resource="customer")
async def show(call: Call) -> Response:
    """What the customer's subscription has used in its current period."""
    query = call.query
    unsupported = [name for name in query if name.partition("[")[0] in _UNSUPPORTED]
    if unsupported:
        raise ValidationFailed({unsupported[0].partition("[")[0]: ["unsupported_value"]})
    if call.flag("full_usage"):
        raise NotAllowed("full_usage_not_allowed")
    usage = await current_usage(
        call.work,
        customer_external_id=call.path["external_id"],
        subscription_external_id=query.get("external_subscription_id", ""),
        apply_taxes=call.flag("apply_taxes") is not False,
        filters=ChargeFilters(
            charge_id=query.get("charge_id") or query.get("filter_by_charge_id"),
            charge_code=query.get("charge_code") or query.get("filter_by_charge_code"),
            billable_metric_code=query.get("billable_metric_code") or query.get("filter_by_metric_code"),
        ),
    )
    return answer({"customer_usage": customer_usage_payload(usage)})


routes = [get("/customers/{external_id}/current_usage", show)]
