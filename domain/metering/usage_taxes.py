"""The tax rates that fees of usage carry. Source: handbook, pricing 13: the first level that names any applies."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["charge_tax_rates"]


def _rate(table: str, owner: str, value: str) -> str:
    return f"""
        (SELECT sum(t.rate) FROM {table} AS x JOIN taxes AS t ON t.id = x.tax_id AND t.deleted_at IS NULL
         WHERE x.{owner} = {value})
    """  # noqa: S608


_RATES = sa.text(
    f"""
    SELECT q.customer_id, ch.id AS charge_id, coalesce(
        {_rate("charge_taxes", "charge_id", "ch.id")}, {_rate("plan_taxes", "plan_id", "ch.plan_id")},
        {_rate("customer_taxes", "customer_id", "c.id")},
        {_rate("billing_entity_taxes", "billing_entity_id", "c.billing_entity_id")}, 0) AS rate
    FROM jsonb_to_recordset(CAST(:pairs AS jsonb)) AS q(customer_id uuid, charge_id uuid)
    JOIN customers AS c ON c.id = q.customer_id
    JOIN charges AS ch ON ch.id = q.charge_id
    WHERE ch.organization_id = :organization_id
    """  # noqa: S608
)


async def charge_tax_rates(work: UnitOfWork, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Decimal]:
    """For each (customer, charge) the sum of its rates in percent: the charge's own taxes, else the plan's, the
    customer's, the billing entity's. One statement."""
    if not pairs:
        return {}
    document = [{"customer_id": customer, "charge_id": charge} for customer, charge in pairs]
    rows = await work.session.execute(
        _RATES, {"pairs": exact_json.dump_text(document), "organization_id": work.organization_id}
    )
    return {(row.customer_id, row.charge_id): Decimal(row.rate) for row in rows}
