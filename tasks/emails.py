"""E-mails to customers: one job a mail, which calls the mail server without holding a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import aiosmtplib

from domain.messaging.emails.compose import FilesNotReady, compose
from infrastructure import mail
from tasks.jobs import external_job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = ["MAIL", "send_mail"]

MAIL = "messaging.send_mail"


@external_job(
    MAIL,
    queue="mailers",
    retries=(polynomial(8, FilesNotReady), polynomial(25, aiosmtplib.SMTPResponseException), polynomial(6)),
)
async def send_mail(
    lease: Lease, kind: str, id: str, key: str, recipients: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Writes to the customer of an object, or to `recipients` (to, cc, bcc)."""
    async with lease.work() as work:
        made = await compose(work, kind, UUID(id), key, recipients)
    if made is not None:
        await mail.send(made)
    async with lease.settle():
        pass
