"""POST …/resend_email: a mail about an invoice, a credit note or a receipt once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from domain.credits.note_queries import note_row
from domain.invoicing.queries import invoice_row
from domain.kernel.errors import ValidationFailed
from domain.kernel.validation import clean_json
from domain.messaging.emails.resend import resend
from domain.payments.receipt_queries import receipt_row
from rest_api.frame import Call, empty_answer, endpoint
from rest_api.routing import post

__all__ = ["routes"]


@endpoint(resource="invoice")
async def invoice(call: Call) -> Response:
    row = await invoice_row(call.work.session, call.path["id"])
    await resend(call.work, "invoice", row, row.billing_entity_id, _fields(call))
    return empty_answer()


@endpoint(resource="credit_note")
async def credit_note(call: Call) -> Response:
    row = await note_row(call.work.session, call.path["id"])
    billed = await invoice_row(call.work.session, row.invoice_id)
    await resend(call.work, "credit_note", row, billed.billing_entity_id, _fields(call))
    return empty_answer()


@endpoint(resource="payment_receipt")
async def payment_receipt(call: Call) -> Response:
    row = await receipt_row(call.work.session, call.path["id"])
    await resend(call.work, "payment_receipt", row, row.billing_entity_id, _fields(call))
    return empty_answer()


def _fields(call: Call) -> Mapping[str, Any]:
    """to, cc and bcc stand in the body itself. Raises ValidationFailed for texts that can't be stored."""
    body = call.body if isinstance(call.body, Mapping) else {}
    if not clean_json(body):
        raise ValidationFailed({"base": ["value_is_invalid"]})
    return body


routes = [
    post("/invoices/{id}/resend_email", invoice),
    post("/credit_notes/{id}/resend_email", credit_note),
    post("/payment_receipts/{id}/resend_email", payment_receipt),
]
