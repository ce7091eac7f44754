"""The custom sections that billing entities, customers and what is billed have selected, for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.invoicing.custom_sections import Section

__all__ = ["Sections", "load_sections"]

Sections = Mapping[UUID, Sequence[Section]]
"""By what selected them: a billing entity, customer, subscription or movement of a wallet."""

_SELECTED = sa.text(
    """
    SELECT chosen.owner_id, s.code, s.name, s.display_name, s.details, s.section_type
    FROM (
        SELECT id, billing_entity_id AS owner_id, section_id FROM billing_entity_custom_sections
        WHERE billing_entity_id = ANY(:entities)
        UNION ALL SELECT id, customer_id, section_id FROM customer_custom_sections WHERE customer_id = ANY(:customers)
        UNION ALL SELECT id, subscription_id, section_id FROM subscription_custom_sections
                  WHERE subscription_id = ANY(:subscriptions)
        UNION ALL SELECT id, wallet_transaction_id, section_id FROM wallet_transaction_custom_sections
                  WHERE wallet_transaction_id = ANY(:wallet_transactions)
    ) chosen JOIN invoice_custom_sections s ON s.id = chosen.section_id
    WHERE s.deleted_at IS NULL
    ORDER BY chosen.owner_id, chosen.id
    """
)


async def load_sections(
    session: AsyncSession,
    *,
    entities: Sequence[UUID],
    customers: Sequence[UUID],
    subscriptions: Sequence[UUID] = (),
    wallet_transactions: Sequence[UUID] = (),
) -> Sections:
    """What each of these selected; one statement."""
    found: dict[UUID, list[Section]] = defaultdict(list)
    parameters = {
        "entities": list(entities),
        "customers": list(customers),
        "subscriptions": list(subscriptions),
        "wallet_transactions": list(wallet_transactions),
    }
    for row in await session.execute(_SELECTED, parameters):
        system = row.section_type == "system_generated"
        found[row.owner_id].append(Section(row.code, row.name, row.display_name, row.details, system))
    return dict(found)
