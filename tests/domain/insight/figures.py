"""Invoices and fees put in as they are wanted, and how many statements a figure costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from infrastructure.database import engine
from tests.domain.billing.world import World

__all__ = ["counted", "put_fee", "put_invoice"]

NO_AMOUNTS = dict.fromkeys(
    ("precise_amount_cents", "precise_unit_amount", "taxes_precise_amount_cents", "taxes_rate", "units"), 0
)


def put_invoice(world: World, customer_id: UUID, day: date, **more: Any) -> UUID:
    values = {"status": "finalized", "currency": "USD", "taxes_rate": 0, **more}
    return world.insert(
        "invoices", organization_id=world.organization_id, customer_id=customer_id,
        billing_entity_id=world.organization_id, issuing_date=day, expected_finalization_date=day,
        payment_due_date=day, **values,
    )  # fmt: skip


def put_fee(world: World, customer_id: UUID, invoice_id: UUID | None, kind: str, cents: int, **more: Any) -> UUID:
    lowered = more.pop("lowered", 0)
    values = {"amount_currency": "USD", "grouped_by": {}, "properties": {}, "amount_details": {}, **more}
    return world.insert(
        "fees", organization_id=world.organization_id, customer_id=customer_id, invoice_id=invoice_id,
        billing_entity_id=world.organization_id, fee_type=kind, amount_cents=cents,
        precise_coupons_amount_cents=lowered, **NO_AMOUNTS, **values,
    )  # fmt: skip


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent within."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    target = engine().sync_engine
    sa.event.listen(target, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(target, "before_cursor_execute", note)
