"""Which taxes apply to what a run bills, the nearest level first. Source: subscriptions handbook, section 5.7."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoicing.calculation.state import Tax

__all__ = ["TaxFacts", "Taxes", "load_taxes", "nearest"]

Taxes = Mapping[UUID, Sequence["TaxFacts"]]
"""By what they are put on: a charge, fixed charge, commitment, plan, customer or billing entity."""


@dataclass(frozen=True, slots=True)
class TaxFacts:
    id: UUID
    code: str
    name: str
    description: str | None
    tax: Tax


_TAXES = sa.text(
    """
    SELECT put.owner_id, t.id, t.code, t.name, t.description, t.rate
    FROM (
        SELECT id, billing_entity_id AS owner_id, tax_id FROM billing_entity_taxes
        WHERE billing_entity_id = ANY(:entities)
        UNION ALL SELECT id, customer_id, tax_id FROM customer_taxes WHERE customer_id = ANY(:customers)
        UNION ALL SELECT id, plan_id, tax_id FROM plan_taxes WHERE plan_id = ANY(:plans)
        UNION ALL SELECT x.id, x.charge_id, x.tax_id
                  FROM charges c JOIN charge_taxes x ON x.charge_id = c.id WHERE c.plan_id = ANY(:plans)
        UNION ALL SELECT x.id, x.fixed_charge_id, x.tax_id
                  FROM fixed_charges c JOIN fixed_charge_taxes x ON x.fixed_charge_id = c.id
                  WHERE c.plan_id = ANY(:plans)
        UNION ALL SELECT x.id, x.commitment_id, x.tax_id
                  FROM commitments c JOIN commitment_taxes x ON x.commitment_id = c.id WHERE c.plan_id = ANY(:plans)
    ) put JOIN taxes t ON t.id = put.tax_id
    WHERE t.deleted_at IS NULL
    ORDER BY put.owner_id, put.id
    """
)


async def load_taxes(
    session: AsyncSession, *, entities: Sequence[UUID], customers: Sequence[UUID], plans: Sequence[UUID]
) -> Taxes:
    """The taxes on these, and on what the plans charge for; one statement."""
    found: dict[UUID, list[TaxFacts]] = defaultdict(list)
    known: dict[UUID, TaxFacts] = {}
    parameters = {"entities": list(entities), "customers": list(customers), "plans": list(plans)}
    for row in await session.execute(_TAXES, parameters):
        tax = known.get(row.id)
        if tax is None:
            tax = known[row.id] = TaxFacts(row.id, row.code, row.name, row.description, Tax(row.id, row.rate))
        found[row.owner_id].append(tax)
    return dict(found)


def nearest(taxes: Taxes, *owners: UUID | None) -> Sequence[TaxFacts]:
    """The taxes of the first of these that has any; levels are never mixed."""
    for owner in owners:
        if owner is not None and owner in taxes:
            return taxes[owner]
    return ()
