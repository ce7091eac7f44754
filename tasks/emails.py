"""E-mails to customers: one job a mail, which calls the mail server without holding a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import aiosmtplib

from domain.insight.log_mails import log_sent_mail
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
    lease: Lease,
    kind: str,
    id: str,
    key: str,
    recipients: Mapping[str, Sequence[str]] | None = None,
    by: Mapping[str, str | None] | None = None,
) -> None:
    """Writes to the customer of an object, or to `recipients` (to, cc, bcc). by: who asked for it, for the log."""
    async with lease.work() as work:
        made = await compose(work, kind, UUID(id), key, recipients)
    again = recipients is not None
    if made is not None:
        try:
            await mail.send(made)
        except (aiosmtplib.SMTPException, OSError) as error:
            # Once, however often it is tried again.
            if lease.claim.attempts == 0:
                async with lease.work() as work:
                    await log_sent_mail(work, kind, UUID(id), made, again=again, error=str(error), by=by)
            raise
    async with lease.settle() as work:
        if made is not None:
            await log_sent_mail(work, kind, UUID(id), made, again=again, by=by)
