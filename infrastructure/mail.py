"""Sending e-mail: by SMTP where a server is named, else into a folder of files that any mail program opens.

A message's id is made from its `key`: sent twice after a crash, it is the same message, which most receivers show once.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final

import aiosmtplib
import structlog

from infrastructure.settings import settings

__all__ = ["Attachment", "Mail", "mail_folder", "send", "to_message"]

log = structlog.get_logger(__name__)

SECONDS: Final = 30
MOST_BYTES: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail. media_type: as in "application/pdf"."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A message in text and HTML. `sender`: the name and the address it comes from. `key` names it for good."""

    key: str
    sender: tuple[str, str]
    to: Sequence[str]
    subject: str
    text: str
    html: str
    reply_to: str | None = None
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    attachments: Sequence[Attachment] = ()


def to_message(mail: Mail) -> EmailMessage:
    """The message as it goes over the wire, without its blind copies. Files that would make it too big are left out:
    what a mail says holds a link to each of them."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _line(mail.subject)
    message["From"] = Address(_line(mail.sender[0]), addr_spec=mail.sender[1])
    message["To"] = ", ".join(mail.to)
    if mail.cc:
        message["Cc"] = ", ".join(mail.cc)
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    digest = hashlib.sha256(mail.key.encode()).hexdigest()[:40]
    message["Message-ID"] = f"<{digest}@{mail.sender[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    size = 0
    for file in mail.attachments:
        size += len(file.content)
        if size <= MOST_BYTES:
            main, _, sub = file.media_type.partition("/")
            message.add_attachment(file.content, maintype=main, subtype=sub, filename=_line(file.name))
    return message


async def send(mail: Mail) -> None:
    """Sends one message to all its recipients. Raises aiosmtplib.SMTPException and OSError, which may pass with time.

    Without LAGO_SMTP_ADDRESS it becomes a file in `mail_folder()`; in production it is dropped and logged.
    """
    message, current = to_message(mail), settings()
    recipients = [*mail.to, *mail.cc, *mail.bcc]
    if not current.smtp_address:
        if current.production:
            log.warning("no mail sent: LAGO_SMTP_ADDRESS is not set", subject=mail.subject)
            return
        await asyncio.to_thread(_keep, mail.key, message, mail.bcc)
        return
    await aiosmtplib.send(
        message,
        sender=mail.sender[1],
        recipients=recipients,
        hostname=current.smtp_address,
        port=current.smtp_port,
        local_hostname=current.smtp_domain or None,
        username=current.smtp_username or None,
        password=current.smtp_password or None,
        use_tls=current.smtp_port == 465,
        timeout=SECONDS,
    )


def mail_folder() -> Path:
    """Where messages are kept that no server takes."""
    return settings().data_dir / "mails"


def _keep(key: str, message: EmailMessage, bcc: Sequence[str]) -> None:
    folder = mail_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if bcc:
        message["Bcc"] = ", ".join(bcc)
    (folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', key)[:200]}.eml").write_bytes(message.as_bytes())


def _line(text: str) -> str:
    """On one line: a header ends with it."""
    return " ".join(text.split())
