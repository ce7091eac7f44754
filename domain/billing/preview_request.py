"""What a preview of an invoice is asked for. Source: subscriptions handbook, section 9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.kernel import clock
from domain.kernel.errors import BadRequest, NotFound
from domain.kernel.validation import Reader, parse_instant

__all__ = ["PreviewRequest", "read_preview"]

MOST_SUBSCRIPTIONS: Final = 100
MOST_COUPONS: Final = 50


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Either external_ids of subscriptions that exist, with an end or another plan, or a plan to start on.

    customer: as sent; external_id names one that exists.
    """

    customer: Mapping[str, Any]
    plan_code: str | None = None
    subscription_at: datetime | None = None
    billing_time: str | None = None
    coupons: Sequence[Mapping[str, Any]] = ()
    external_ids: Sequence[str] = ()
    terminated_at: datetime | None = None
    new_plan_code: str | None = None
    billing_entity_code: str | None = None

    @property
    def external_customer_id(self) -> str | None:
        return self.customer.get("external_id") or None


def read_preview(params: object) -> PreviewRequest:
    """Raises BadRequest, ValidationFailed, and NotFound where the request names nothing to preview."""
    read = Reader(params)
    coupons, wanted, customer = (read.params.get(name) for name in ("coupons", "subscriptions", "customer"))
    if coupons is not None and not _is_list_of_objects(coupons, MOST_COUPONS):
        raise BadRequest("coupons_must_be_an_array")
    if wanted is not None and not isinstance(wanted, Mapping):
        raise BadRequest("subscriptions_must_be_an_object")
    if not isinstance(customer, Mapping):
        raise NotFound("customer")
    subscriptions = Reader(wanted or {}, read.errors)
    external_ids = list(dict.fromkeys(subscriptions.texts("external_ids", most=MOST_SUBSCRIPTIONS) or ()))
    external_id = Reader(customer, read.errors).text("external_id")
    request = PreviewRequest(
        customer={**customer, "external_id": external_id},
        plan_code=read.text("plan_code"),
        subscription_at=read.anchor("subscription_at"),
        billing_time=read.choice("billing_time", ("calendar", "anniversary")),
        coupons=coupons or (),
        external_ids=external_ids,
        terminated_at=_end(subscriptions),
        new_plan_code=subscriptions.text("plan_code"),
        billing_entity_code=read.text("billing_entity_code"),
    )
    if external_ids and external_id is None:
        read.add("customer", "must_be_persisted")
    if len(external_ids) > 1:
        if request.terminated_at is not None:
            read.add("subscriptions", "only_one_subscription_allowed_for_termination")
        if request.new_plan_code is not None:
            read.add("subscriptions", "only_one_subscription_allowed_for_plan_change")
    read.finish()
    if wanted and not external_ids:
        raise NotFound("subscription")
    return request


def _end(read: Reader) -> datetime | None:
    sent = read.params.get("terminated_at")
    if sent is None:
        return None
    instant = parse_instant(sent)
    if instant is None:
        read.add("terminated_at", "invalid_timestamp")
    elif instant < clock.now():
        read.add("terminated_at", "cannot_be_in_past")
    else:
        return read.anchor("terminated_at")
    return instant


def _is_list_of_objects(value: object, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most and all(isinstance(each, Mapping) for each in value)
