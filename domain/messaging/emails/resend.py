"""Sending a mail again by hand. Source: handbook, subscriptions 6 and platform 17."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from domain.customers.queries import customer_rows
from domain.identity.queries import billing_entity_rows
from domain.kernel.errors import NotAllowed
from domain.kernel.ids import new_id_text
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params
from domain.messaging.emails.recipients import read_recipients

__all__ = ["resend"]

MAIL: Final = "messaging.send_mail"


async def resend(work: UnitOfWork, kind: str, row: Any, billing_entity_id: UUID, params: Params) -> None:
    """Asks for one more mail about an invoice, a credit note or a receipt, from its row.

    params: to, cc, bcc. Raises NotAllowed("<kind>_not_finalized"), NotAllowed("email_settings_disabled") and
    ValidationFailed.
    """
    if kind != "payment_receipt" and row.status != "finalized":
        raise NotAllowed(f"{kind}_not_finalized")
    entity = (await billing_entity_rows(work, [billing_entity_id]))[billing_entity_id]
    customer = (await customer_rows(work.session, [row.customer_id]))[row.customer_id]
    recipients = read_recipients(params, kind, entity, customer.email)
    key = f"{kind}-{row.id}-{new_id_text()}"
    author = work.author
    by = {"source": author.source, "user_id": _text(author.user_id), "api_key_id": _text(author.api_key_id)}
    work.enqueue(JobRequest(MAIL, {"kind": kind, "id": str(row.id), "key": key, "recipients": recipients, "by": by}))


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
