"""Creating, editing and deleting customers.

A customer is known to its client by `external_id`; POST /customers creates or edits by it (platform handbook, 4.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.customers.customer_terms import LONGEST_EXTERNAL_ID, read_customer_terms
from domain.customers.events import (
    CustomerDeleted,
    CustomerDetailsChanged,
    CustomerInvoiceTermsChanged,
    CustomerUpdated,
)
from domain.customers.make_customer import customer_by_external_id, make_customer
from domain.customers.models import Customer, CustomerCustomSection, CustomerMetadata
from domain.customers.queries import customers_in_use
from domain.customers.reminders import forget_reminders
from domain.identity.custom_sections import Selection, read_selection, select_sections
from domain.identity.models import BillingEntity
from domain.identity.queries import kept_billing_entity_id
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.noted_metadata import SentMetadata, read_metadata, replace_metadata
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Params

__all__ = ["create_customer", "delete_customer", "update_customer", "upsert_customer"]

LONGEST_METADATA_VALUE = 100
ONLY_WHILE_UNUSED = ("external_id", "account_type", "billing_entity_id")

INVOICE_TERMS = frozenset(
    {
        "billing_entity_id",
        "invoice_grace_period",
        "net_payment_term",
        "subscription_invoice_issuing_date_anchor",
        "subscription_invoice_issuing_date_adjustment",
    }
)

# What others who know the customer are told of it.
DETAILS = frozenset(
    {
        "name", "firstname", "lastname", "legal_name", "email", "phone", "address_line1", "address_line2", "city",
        "state", "zipcode", "country",
    }
)  # fmt: skip

_customers, _entities = table(Customer), table(BillingEntity)


async def upsert_customer(work: UnitOfWork, params: Params) -> Customer:
    """Creates the customer with this external id, or changes what is given. Raises ValidationFailed, NotFound."""
    values, metadata, selection = await _read(work, params)
    customer = await customer_by_external_id(work, values["external_id"])
    if customer is None:
        return await _make(work, values, metadata, selection)
    await _change(work, customer, values, metadata, selection)
    return customer


async def create_customer(work: UnitOfWork, params: Params) -> Customer:
    """A new customer. Raises ValidationFailed, also for an external id that is taken; NotFound."""
    values, metadata, selection = await _read(work, params)
    if await customer_by_external_id(work, values["external_id"]) is not None:
        raise ValidationFailed({"external_id": [TAKEN]})
    return await _make(work, values, metadata, selection)


async def update_customer(work: UnitOfWork, customer_id: UUID | None, params: Params) -> Customer:
    """Changes what is given. While the customer has subscriptions or invoices, its external id, account type and
    billing entity are silently left as they are. Raises NotFound, ValidationFailed."""
    customer = await work.session.scalar(
        sa.select(Customer).where(_customers.c.id == customer_id, _customers.c.deleted_at.is_(None)).with_for_update()
    )
    if customer is None:
        raise NotFound("customer")
    values, metadata, selection = await _read(work, {"external_id": customer.external_id, **params})
    await _change(work, customer, values, metadata, selection)
    return customer


async def delete_customer(
    work: UnitOfWork, *, customer_id: UUID | None = None, external_id: str | None = None
) -> Customer:
    """Soft-deletes; what ends its subscriptions follows from the event. The external id can be used again.
    Raises NotFound."""
    wanted = _customers.c.external_id == external_id if external_id is not None else _customers.c.id == customer_id
    customer = await work.session.scalar(
        sa.select(Customer).where(wanted, _customers.c.deleted_at.is_(None)).with_for_update()
    )
    if customer is None:
        raise NotFound("customer")
    customer.deleted_at = clock.now()
    await work.session.flush()
    work.record(CustomerDeleted((customer.id,)))
    return customer


async def _read(work: UnitOfWork, params: Params) -> tuple[dict[str, Any], list[SentMetadata] | None, Selection]:
    """The columns that are sent, external_id always among them, the metadata and the custom sections."""
    values, read = read_customer_terms(params)
    external_id = read.text("external_id", mandatory=True, longest=LONGEST_EXTERNAL_ID)
    metadata = read_metadata(read, longest_value=LONGEST_METADATA_VALUE, flags=("display_in_invoice",))
    selection = await read_selection(work, read, ids_field="configurable_invoice_custom_section_ids")
    entity_code = read.text("billing_entity_code")
    read.finish()
    values["external_id"] = external_id
    entity_id = await kept_billing_entity_id(work, code=entity_code)
    if entity_id is not None:
        values["billing_entity_id"] = entity_id
    if values.get("account_type") == "partner":
        values["exclude_from_dunning_campaign"] = True
    if selection.skip is not None or selection.ids:
        values["skip_invoice_custom_sections"] = bool(selection.skip)
    return values, metadata, selection


async def _make(
    work: UnitOfWork, values: Mapping[str, Any], metadata: list[SentMetadata] | None, selection: Selection
) -> Customer:
    customer = await make_customer(work, values, metadata)
    await _select(work, customer, selection)
    return customer


async def _select(work: UnitOfWork, customer: Customer, selection: Selection) -> None:
    """A customer that has no sections keeps no selection either."""
    if selection.skip or selection.ids is not None:
        ids = [] if selection.skip else selection.ids or []
        await select_sections(work, CustomerCustomSection, "customer_id", customer.id, ids)


async def _change(
    work: UnitOfWork,
    customer: Customer,
    values: Mapping[str, Any],
    metadata: list[SentMetadata] | None,
    selection: Selection,
) -> None:
    changes = {name: value for name, value in values.items() if getattr(customer, name) != value}
    if changes.keys() & {"currency", *ONLY_WHILE_UNUSED} and await customers_in_use(work.session, [customer.id]):
        if "currency" in changes:
            raise ValidationFailed({"currency": ["currencies_does_not_match"]})
        if "account_type" in changes:
            changes.pop("exclude_from_dunning_campaign", None)
        changes = {name: value for name, value in changes.items() if name not in ONLY_WHILE_UNUSED}
    if "external_id" in changes and await customer_by_external_id(work, changes["external_id"]) is not None:
        raise ValidationFailed({"external_id": [TAKEN]})
    terms_change = bool(changes.keys() & INVOICE_TERMS)
    before = await _terms(work, customer) if terms_change else (0, 0)
    for name, value in changes.items():
        setattr(customer, name, value)
    await work.session.flush()
    if "exclude_from_dunning_campaign" in changes:
        await forget_reminders(work, customer_ids=[customer.id])
    if metadata is not None:
        await replace_metadata(work, table(CustomerMetadata), "customer_id", customer.id, metadata)
    await _select(work, customer, selection)
    work.record(CustomerUpdated((customer.id,)))
    if changes.keys() & DETAILS:
        work.record(CustomerDetailsChanged((customer.id,)))
    if terms_change:
        after = await _terms(work, customer)
        work.record(CustomerInvoiceTermsChanged(customer.id, before[0], after[0], before[1], after[1]))


async def _terms(work: UnitOfWork, customer: Customer) -> tuple[int, int]:
    """The effective grace period and payment term, in days."""
    entity = (
        await work.session.execute(
            sa.select(_entities.c.invoice_grace_period, _entities.c.net_payment_term).where(
                _entities.c.id == customer.billing_entity_id
            )
        )
    ).one()
    grace, term = customer.invoice_grace_period, customer.net_payment_term
    return (
        entity.invoice_grace_period if grace is None else grace,
        entity.net_payment_term if term is None else term,
    )
