"""Jobs of the identity context: the mail by which a forgotten password is set anew."""

from __future__ import annotations

import aiosmtplib

from domain.identity.team.password_resets import MAIL_JOB, TOKEN_PURPOSE
from domain.messaging.emails.password_reset import password_reset_mail
from infrastructure import mail
from infrastructure.encryption import decrypt
from tasks.jobs import external_job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = ["send_password_reset"]


@external_job(
    MAIL_JOB, queue="mailers", retries=(polynomial(5, aiosmtplib.SMTPResponseException), polynomial(6))
)  # fmt: skip
async def send_password_reset(lease: Lease, reset_id: str, to: str, token: str) -> None:
    """Writes to the user; the token comes sealed, so that the ledger does not show it."""
    await mail.send(password_reset_mail(reset_id, to, decrypt(token, purpose=TOKEN_PURPOSE)))
    async with lease.settle():
        pass
