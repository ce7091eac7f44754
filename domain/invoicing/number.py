"""Giving invoices their numbers: the last thing a transaction does, so that locks on the counters are short.

A counter is raised in the transaction of the invoices that it numbers, so a rollback leaves no gap and no number is
given twice. Source: subscriptions handbook, section 5.5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.invoicing.numbering import number_per_billing_entity, number_per_customer
from domain.kernel import clock
from domain.kernel.ids import new_id_text
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["DRAFT_SUFFIX", "Unnumbered", "number_invoices", "write_draft_numbers"]

DRAFT_SUFFIX: Final = "DRAFT"


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """An invoice that is being finalized."""

    id: UUID
    customer_id: UUID
    billing_entity_id: UUID
    self_billed: bool = False


# Rows are raised in one order, so that two transactions never wait for each other in a circle.
_RAISE: Final = sa.text(
    """
    INSERT INTO invoice_number_counters (id, organization_id, billing_entity_id, customer_id, last_number, created_at,
                                         updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.billing_entity_id, row.customer_id, row.taken, :now, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, billing_entity_id uuid, customer_id uuid, taken bigint)
    ORDER BY row.billing_entity_id, row.customer_id
    ON CONFLICT (billing_entity_id, customer_id) DO UPDATE
        SET last_number = invoice_number_counters.last_number + excluded.last_number, updated_at = excluded.updated_at
    RETURNING billing_entity_id, customer_id, last_number
    """
)
# A billing entity without a counter of its own starts from the count of what it has issued so far.
_RAISE_ENTITIES: Final = sa.text(
    """
    INSERT INTO invoice_number_counters (id, organization_id, billing_entity_id, customer_id, last_number, created_at,
                                         updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.billing_entity_id, NULL, row.taken + CASE
        WHEN EXISTS (SELECT FROM invoice_number_counters k
                     WHERE k.billing_entity_id = row.billing_entity_id AND k.customer_id IS NULL) THEN 0
        ELSE (SELECT count(*) FROM invoices i
              WHERE i.billing_entity_id = row.billing_entity_id AND i.status IN ('finalized', 'voided')
                AND NOT i.self_billed AND i.number <> '' AND i.finalized_at IS NOT NULL) END, :now, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, billing_entity_id uuid, taken bigint)
    ORDER BY row.billing_entity_id
    ON CONFLICT (billing_entity_id, customer_id) DO UPDATE
        SET last_number = invoice_number_counters.last_number + :raised, updated_at = excluded.updated_at
    RETURNING billing_entity_id, last_number
    """
)
# What a billing entity numbers by customer counts as well when it turns to its own sequence, or back to it.
_FORGET_ENTITIES: Final = sa.text(
    "DELETE FROM invoice_number_counters WHERE customer_id IS NULL AND billing_entity_id = ANY(:ids)"
)
_ENTITIES: Final = sa.text(
    "SELECT id, document_numbering, document_number_prefix, timezone FROM billing_entities WHERE id = ANY(:ids)"
)
_CUSTOMERS: Final = sa.text("SELECT id, sequential_id FROM customers WHERE id = ANY(:ids)")
_NUMBER: Final = sa.text(
    """
    UPDATE invoices SET number = row.number, sequential_id = row.sequential_id,
        billing_entity_sequential_id = row.entity_sequential_id, status = 'finalized', finalized_at = :now,
        updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json))
         AS row(id uuid, number text, sequential_id bigint, entity_sequential_id bigint)
    WHERE invoices.id = row.id
    """
)
_DRAFT_NUMBER: Final = sa.text(
    f"""
    UPDATE invoices SET number = upper(e.document_number_prefix) || '-{DRAFT_SUFFIX}'
    FROM billing_entities e WHERE e.id = invoices.billing_entity_id AND invoices.id = ANY(:ids)
    """  # noqa: S608
)


async def number_invoices(work: UnitOfWork, invoices: Sequence[Unnumbered]) -> None:
    """Finalizes the invoices in the order given: numbers without gap or double, `finalized_at` now.

    Five statements, one more for each billing entity that numbers all its invoices in one sequence.
    """
    if not invoices:
        return
    session = work.session
    found = await session.execute(_ENTITIES, {"ids": _distinct(invoices, "billing_entity_id")})
    entities = {row.id: row for row in found}
    found = await session.execute(_CUSTOMERS, {"ids": _distinct(invoices, "customer_id")})
    customers: dict[UUID, int] = {row.id: row.sequential_id for row in found}
    scopes = Counter((invoice.billing_entity_id, invoice.customer_id) for invoice in invoices)
    rows = [{"id": new_id_text(), "billing_entity_id": e, "customer_id": c, "taken": n} for (e, c), n in scopes.items()]
    raised = await session.execute(_RAISE, _parameters(work, rows))
    next_of = {(entity, customer): last - scopes[entity, customer] for entity, customer, last in raised}
    by_customer = [entity.id for entity in entities.values() if entity.document_numbering == "per_customer"]
    await session.execute(_FORGET_ENTITIES, {"ids": by_customer})
    next_of_entity = await _raise_entities(work, invoices, entities)

    numbered = []
    for invoice in invoices:
        entity = entities[invoice.billing_entity_id]
        scope = (invoice.billing_entity_id, invoice.customer_id)
        next_of[scope] += 1
        in_sequence: int | None = None
        if _numbers_by_entity(invoice, entities):
            next_of_entity[entity.id] += 1
            in_sequence = next_of_entity[entity.id]
            today = clock.now().astimezone(ZoneInfo(entity.timezone)).date()
            number = number_per_billing_entity(entity.document_number_prefix, today, in_sequence)
        else:
            number = number_per_customer(entity.document_number_prefix, customers[invoice.customer_id], next_of[scope])
        numbered.append(
            {
                "id": invoice.id,
                "number": number,
                "sequential_id": next_of[scope],
                "entity_sequential_id": in_sequence,
            }
        )
    await session.execute(_NUMBER, {"rows": exact_json.dump_text(numbered), "now": clock.now()})


async def write_draft_numbers(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> None:
    """What a draft shows instead of a number: its billing entity's prefix and "-DRAFT"."""
    if invoice_ids:
        await work.session.execute(_DRAFT_NUMBER, {"ids": list(invoice_ids)})


async def _raise_entities(
    work: UnitOfWork, invoices: Sequence[Unnumbered], entities: Mapping[UUID, Any]
) -> dict[UUID, int]:
    """The number before the first one taken, by billing entity."""
    taken = Counter(invoice.billing_entity_id for invoice in invoices if _numbers_by_entity(invoice, entities))
    found = {}
    for entity, count in sorted(taken.items()):
        row = {"id": new_id_text(), "billing_entity_id": entity, "taken": count}
        result = await work.session.execute(_RAISE_ENTITIES, {**_parameters(work, [row]), "raised": count})
        found[entity] = result.one().last_number - count
    return found


def _numbers_by_entity(invoice: Unnumbered, entities: Mapping[UUID, Any]) -> bool:
    """Self-billed invoices are always numbered by customer."""
    entity = entities[invoice.billing_entity_id]
    return entity.document_numbering == "per_billing_entity" and not invoice.self_billed


def _parameters(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"rows": exact_json.dump_text(rows), "organization_id": work.organization_id, "now": clock.now()}


def _distinct(invoices: Sequence[Unnumbered], name: str) -> list[UUID]:
    return sorted({getattr(invoice, name) for invoice in invoices})
