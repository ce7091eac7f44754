"""Billing entities with all that is put on them: taxes, custom sections.

Source: handbook, subscriptions-and-invoices 11.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from domain.catalog.applied_taxes import read_tax_codes, set_taxes, taxes_of
from domain.catalog.eu_taxes import make_eu_taxes
from domain.catalog.events import TaxChanged
from domain.catalog.models import BillingEntityTax
from domain.catalog.payloads import tax_payload
from domain.identity.billing_entities import create_billing_entity, update_billing_entity
from domain.identity.custom_sections import read_selection, sections_of, select_sections
from domain.identity.models import BillingEntity, BillingEntityCustomSection
from domain.identity.payloads import billing_entity_payload, custom_section_payload
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params, Reader

__all__ = ["create_entity", "entity_payload", "update_entity"]


SELECTING = ("invoice_custom_section_codes", "invoice_custom_section_ids")


async def create_entity(work: UnitOfWork, params: Params) -> BillingEntity:
    """Another entity that issues invoices. Raises ValidationFailed."""
    entity = await create_billing_entity(work, params)
    await _set_parts(work, entity.id, params)
    await make_eu_taxes(work)
    return entity


async def update_entity(
    work: UnitOfWork, params: Params, *, entity_id: UUID | None = None, code: str | None = None
) -> BillingEntity:
    """Changes what is given. `tax_codes` and `invoice_custom_section_codes` (or `_ids`) replace those before. Raises
    NotFound, ValidationFailed."""
    entity = await update_billing_entity(work, params, entity_id=entity_id, code=code)
    await _set_parts(work, entity.id, params)
    await make_eu_taxes(work)
    return entity


async def _set_parts(work: UnitOfWork, entity_id: UUID, params: Params) -> None:
    read = Reader({name: params[name] for name in SELECTING if params.get(name) is not None})
    selection = await read_selection(work, read)
    read.finish()
    if selection.ids is not None:
        await select_sections(work, BillingEntityCustomSection, "billing_entity_id", entity_id, selection.ids)
    codes = read_tax_codes(params)
    if codes is None:
        return
    before = await taxes_of(work.session, BillingEntityTax, [entity_id])
    await set_taxes(work, BillingEntityTax, entity_id, codes)
    after = await taxes_of(work.session, BillingEntityTax, [entity_id])
    changed = {row.id for row in before.get(entity_id, ())} ^ {row.id for row in after.get(entity_id, ())}
    if changed:
        work.record(TaxChanged(tuple(changed)))


async def entity_payload(work: UnitOfWork, row: Any) -> dict[str, Any]:
    """A billing entity as REST shows it alone, with its taxes and custom sections."""
    taxes = await taxes_of(work.session, BillingEntityTax, [row.id])
    sections = await sections_of(work.session, BillingEntityCustomSection, "billing_entity_id", [row.id])
    return {
        **billing_entity_payload(row),
        "taxes": [tax_payload(tax) for tax in taxes.get(row.id, ())],
        "selected_invoice_custom_sections": [custom_section_payload(each) for each in sections.get(row.id, ())],
    }
