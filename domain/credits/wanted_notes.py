"""The filters of lists and exports of credit notes, by their names in the interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.credits.note_queries import NoteFilter
from domain.kernel.filters import day_of, id_of, ids_of

__all__ = ["wanted_notes"]


def wanted_notes(asked: Mapping[str, Any]) -> NoteFilter:
    """Reads filters that the interface has checked, as they came or as they were stored as JSON. What is absent, null
    or an empty list asks for all; an id that can't exist finds nothing."""
    get = asked.get
    return NoteFilter(
        customer_id=id_of(get("customer_id")),
        external_customer_id=get("customer_external_id"),
        invoice_number=get("invoice_number"),
        purchase_order_number=get("purchase_order_number"),
        reasons=get("reason") or (),
        credit_statuses=get("credit_status") or (),
        refund_statuses=get("refund_status") or (),
        types=get("types") or (),
        currency=get("currency"),
        billing_entity_ids=ids_of(get("billing_entity_ids")),
        issuing_date_from=day_of(get("issuing_date_from")),
        issuing_date_to=day_of(get("issuing_date_to")),
        amount_from=get("amount_from"),
        amount_to=get("amount_to"),
        self_billed=get("self_billed"),
        search_term=get("search_term"),
    )
