"""What a customer may do by itself, in its portal. Source: handbook, platform 12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from domain.billing.customers import update_customer
from domain.credits.wallets.transactions import create_transactions
from domain.customers.models import Customer
from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["buy_credits", "update_own_details"]

OWN_DETAILS: Final = frozenset(
    {
        "customer_type", "name", "firstname", "lastname", "legal_name", "tax_identification_number", "email",
        "address_line1", "address_line2", "city", "state", "zipcode", "country", "shipping_address",
    }
)  # fmt: skip
"""What a customer may change of itself, beside the language of its documents."""


async def update_own_details(work: UnitOfWork, customer_id: UUID, params: Mapping[str, Any]) -> Customer:
    """Changes the details that are given, and the taxes that depend on them; anything else in `params` is left out.

    Raises ValidationFailed, NotFound.
    """
    values = {name: value for name, value in params.items() if name in OWN_DETAILS}
    if "document_locale" in params:
        values["billing_configuration"] = {"document_locale": params["document_locale"]}
    return await update_customer(work, customer_id, values)


async def buy_credits(work: UnitOfWork, customer_id: UUID, wallet_id: str, paid_credits: str | None) -> list[UUID]:
    """Buys credits for one of the customer's wallets; the id of the movement. The wallet's limits hold, and so does
    whether the invoice is issued before it is paid. Raises ValidationFailed, also for the wallet of another customer
    and where nothing would be bought."""
    params = {"wallet_id": wallet_id, "paid_credits": paid_credits}
    made = await create_transactions(work, params, customer_id=customer_id)
    if not made:
        raise ValidationFailed({"paid_credits": ["invalid_paid_credits", "invalid_amount"]})
    return made
