"""The filters of lists and exports of invoices, by their names in the interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.invoicing.queries import InvoiceFilter
from domain.kernel.filters import day_of, id_of, ids_of

__all__ = ["wanted_invoices"]


def wanted_invoices(asked: Mapping[str, Any]) -> InvoiceFilter:
    """Reads filters that the interface has checked, as they came or as they were stored as JSON. What is absent, null
    or an empty list asks for all; an id that can't exist finds nothing."""
    get = asked.get
    return InvoiceFilter(
        customer_id=id_of(get("customer_id")),
        external_customer_id=get("customer_external_id"),
        subscription_id=id_of(get("subscription_id")),
        statuses=get("status") or (),
        payment_statuses=get("payment_status") or (),
        invoice_types=get("invoice_type") or (),
        billing_entity_ids=ids_of(get("billing_entity_ids")),
        currency=get("currency"),
        amount_from=get("amount_from"),
        amount_to=get("amount_to"),
        issuing_date_from=day_of(get("issuing_date_from")),
        issuing_date_to=day_of(get("issuing_date_to")),
        partially_paid=get("partially_paid"),
        payment_dispute_lost=get("payment_dispute_lost"),
        payment_overdue=get("payment_overdue"),
        positive_due_amount=get("positive_due_amount"),
        purchase_order_number=get("purchase_order_number"),
        self_billed=get("self_billed"),
        search_term=get("search_term"),
        settled_by_credit_notes=bool(get("settlements")),
    )
