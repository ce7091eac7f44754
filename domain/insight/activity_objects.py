"""Objects as the activity log keeps them: as REST shows them. Source: handbook, platform 15.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from domain.credits.payloads import applied_coupon_payloads, coupon_payloads
from domain.customers.payloads import customer_payloads
from domain.identity.payloads import billing_entity_payload
from domain.identity.queries import billing_entity_rows
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.announce import ANNOUNCEMENTS, Load
from domain.payments.payloads import payment_payloads
from domain.payments.queries import payment_rows

__all__ = ["MOST_CHARGES", "MOST_FEES", "MOST_FILTERS", "objects_of"]

MOST_FEES: Final = 25
MOST_CHARGES: Final = 50
MOST_FILTERS: Final = 100

Payload = Mapping[str, Any]


async def _coupons(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await coupon_payloads(work.session, ids)


async def _applied_coupons(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await applied_coupon_payloads(work.session, ids)


async def _customers(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return await customer_payloads(work.session, ids)


async def _entities(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    return {key: billing_entity_payload(row) for key, row in (await billing_entity_rows(work, ids)).items()}


async def _payments(work: UnitOfWork, ids: Sequence[UUID]) -> Mapping[UUID, Payload]:
    rows = list((await payment_rows(work.session, ids)).values())
    return {each["lago_id"]: each for each in await payment_payloads(work, rows)}


_OBJECTS: Final[Mapping[str, Load]] = {
    "applied_coupon.created": _applied_coupons,
    "applied_coupon.deleted": _applied_coupons,
    "billing_entities.created": _entities,
    "billing_entities.updated": _entities,
    "coupon.created": _coupons,
    "coupon.deleted": _coupons,
    "coupon.updated": _coupons,
    "credit_note.refund_failure": ANNOUNCEMENTS["credit_note.created"].load,
    "customer.deleted": _customers,
    "invoice.payment_failure": ANNOUNCEMENTS["invoice.created"].load,
    "invoice.regenerated": ANNOUNCEMENTS["invoice.created"].load,
    "payment.recorded": _payments,
    "subscription.canceled": ANNOUNCEMENTS["subscription.terminated"].load,
    "wallet_transaction.payment_failure": ANNOUNCEMENTS["wallet_transaction.created"].load,
}
"""What webhooks don't tell of, or tell of as something else; the rest is as they tell it."""


async def objects_of(work: UnitOfWork, activity_type: str, ids: Sequence[UUID]) -> dict[UUID, Payload]:
    """The objects by id, in a few statements; empty for a type that has none."""
    announced = ANNOUNCEMENTS.get(activity_type)
    load = _OBJECTS.get(activity_type) or (announced.load if announced is not None else None)
    if load is None:
        return {}
    return {key: _within_limits(content) for key, content in (await load(work, ids)).items()}


def _within_limits(content: Payload) -> Payload:
    """Without the fees of a long invoice and the charges of a large plan."""
    charges = content.get("charges") or ()
    filters = sum(len(each.get("filters") or ()) for each in charges)
    left_out = set()
    if len(content.get("fees") or ()) > MOST_FEES:
        left_out.add("fees")
    if len(charges) > MOST_CHARGES or filters > MOST_FILTERS:
        left_out.add("charges")
    return {name: value for name, value in content.items() if name not in left_out}
