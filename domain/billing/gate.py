"""Whether a customer can pay before its subscription becomes active.

Source: handbook, subscriptions-and-invoices 1.3 and 1.8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.kernel.errors import NotFound
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.payments.methods import payment_method_row
from domain.payments.models import PaymentMethod
from domain.payments.payables import account_of
from domain.subscriptions.activation_rules import RuleTerms

__all__ = ["refuse_unpayable"]

_methods: Final = table(PaymentMethod).c


async def refuse_unpayable(
    work: UnitOfWork, read: Reader, customer: Customer, rules: Sequence[RuleTerms] | None
) -> None:
    """Notes an error for rules that wait for a payment which no provider can take: of a customer without one, with
    nothing to pay with, or who is to pay by hand. Three statements, none without rules."""
    if not rules:
        return
    if await account_of(work.session, customer.id, customer.billing_entity_id) is None:
        read.add("customer", "no_linked_payment_provider")
        return
    asked = read.params.get("payment_method")
    asked = asked if isinstance(asked, Mapping) else {}
    method_id = asked.get("payment_method_id")
    if asked.get("payment_method_type") == "manual":
        read.add("customer", "manual_payment_method_invalid_for_payment_activation_rules")
    elif method_id is not None:
        if not await _is_kept(work, method_id, customer.id):
            read.add("customer", "payment_method_not_found")
    elif not await _has_default(work, customer.id):
        read.add("customer", "no_default_payment_method")


async def _is_kept(work: UnitOfWork, method_id: object, customer_id: UUID) -> bool:
    try:
        await payment_method_row(work.session, method_id, customer_id=customer_id)
    except NotFound:
        return False
    return True


async def _has_default(work: UnitOfWork, customer_id: UUID) -> bool:
    m = _methods
    default = sa.select(m.id).where(m.customer_id == customer_id, m.is_default, m.deleted_at.is_(None))
    return bool(await work.session.scalar(sa.select(sa.exists(default))))
