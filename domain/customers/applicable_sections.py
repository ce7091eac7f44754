"""The custom sections that a customer's invoices carry where nothing else selects any.

Source: handbook, subscriptions-and-invoices 10.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.customers.models import CustomerCustomSection
from domain.identity.custom_sections import sections_of
from domain.identity.models import BillingEntityCustomSection

__all__ = ["applicable_sections"]


async def applicable_sections(session: AsyncSession, customers: Mapping[UUID, Any]) -> dict[UUID, Sequence[Any]]:
    """Its own, else its billing entity's, and those that the server put on it; none for one that skips them.

    `customers`: rows by id. Two statements.
    """
    wanted = {each: row for each, row in customers.items() if not row.skip_invoice_custom_sections}
    own = await sections_of(session, CustomerCustomSection, "customer_id", list(wanted))
    entities = sorted({row.billing_entity_id for row in wanted.values()})
    of_entity = await sections_of(session, BillingEntityCustomSection, "billing_entity_id", entities)
    found: dict[UUID, Sequence[Any]] = {}
    for customer_id, row in wanted.items():
        selected = own.get(customer_id, [])
        manual = [each for each in selected if each.section_type == "manual"]
        always = [each for each in selected if each.section_type != "manual"]
        found[customer_id] = [*(manual or of_entity.get(row.billing_entity_id, [])), *always]
    return found
