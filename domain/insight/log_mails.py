"""Mails about documents in the activity log. Source: handbook, platform 15.2 (`email.sent`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.note_queries import note_rows
from domain.insight.log_activities import log_mail
from domain.invoicing.queries import invoice_rows
from domain.kernel.authors import SYSTEM, Author
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.receipt_queries import receipt_rows
from infrastructure import exact_json
from infrastructure.mail import Mail

__all__ = ["log_sent_mail"]

PREVIEW: Final = 500
"""Characters of the text that are kept."""

_Rows = Callable[[AsyncSession, Collection[UUID]], Awaitable[Mapping[UUID, Any]]]
_ROWS: Final[Mapping[str, _Rows]] = {
    "invoice": invoice_rows,
    "credit_note": note_rows,
    "payment_receipt": receipt_rows,
}


async def log_sent_mail(
    work: UnitOfWork,
    kind: str,
    object_id: UUID,
    mail: Mail,
    *,
    again: bool = False,
    error: str | None = None,
    by: Mapping[str, str | None] | None = None,
) -> None:
    """Logs that a mail about an invoice, credit note or receipt was sent, sent again, or not, for `error`.

    by: source, user_id and api_key_id of who asked for it, nobody for the system. Mails about other things are not
    logged. Two statements.
    """
    if kind not in _ROWS:
        return
    row = (await _ROWS[kind](work.session, [object_id])).get(object_id)
    if row is None:
        return
    content: dict[str, Any] = {
        "status": "failed" if error is not None else "resent" if again else "sent",
        "email": exact_json.dump_text(
            {
                "subject": mail.subject,
                "to": list(mail.to),
                "cc": list(mail.cc),
                "bcc": list(mail.bcc),
                "body_preview": mail.text[:PREVIEW],
            }
        ),
        "document": exact_json.dump_text({"type": kind, "number": row.number, "lago_id": object_id}),
    }
    if error is not None:
        content["error"] = error
    await log_mail(work, _author(by), kind, object_id, content)


def _author(by: Mapping[str, str | None] | None) -> Author:
    if not by:
        return SYSTEM
    return Author(by["source"] or SYSTEM.source, parse_id(by["user_id"]), parse_id(by["api_key_id"]))
