"""Mail over a real SMTP server, and into a folder where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from infrastructure.mail import Attachment, Mail, mail_folder, send, to_message
from infrastructure.process import free_port
from infrastructure.settings import settings

MAIL = Mail(
    key="invoice-1",
    sender=("Hooli, Inc.", "billing@hooli.com"),
    reply_to="billing@hooli.com",
    to=["ada@example.com", "bea@example.com"],
    cc=["cleo@example.com"],
    bcc=["books@example.com"],
    subject="Your invoice\nBcc: evil@example.com",
    text="Blåbær: 5 €",
    html="<p>Blåbær: 5 €</p>",
    attachments=[Attachment("HOO-1.pdf", b"%PDF-1.7", "application/pdf")],
)


class Received:
    """A mail server that keeps what it gets, or refuses it."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return self.answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    received, port = Received(), free_port()
    controller = Controller(received, hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv("LAGO_SMTP_ADDRESS", "127.0.0.1")
    monkeypatch.setenv("LAGO_SMTP_PORT", str(port))
    settings.cache_clear()
    yield received
    controller.stop()
    monkeypatch.undo()
    settings.cache_clear()


async def test_a_mail_reaches_all_its_recipients_and_shows_the_blind_ones_to_nobody(server: Received) -> None:
    await send(MAIL)
    (envelope,) = server.envelopes
    assert envelope.mail_from == "billing@hooli.com"
    assert envelope.rcpt_tos == ["ada@example.com", "bea@example.com", "cleo@example.com", "books@example.com"]
    assert isinstance(envelope.content, bytes)
    message: Any = message_from_bytes(envelope.content, policy=default)
    assert (message["From"], message["To"], message["Cc"], message["Bcc"]) == (
        '"Hooli, Inc." <billing@hooli.com>', "ada@example.com, bea@example.com", "cleo@example.com", None,
    )  # fmt: skip
    # A header ends with its line, whatever a name holds.
    assert message["Subject"] == "Your invoice Bcc: evil@example.com"
    assert message.get_body(("plain",)).get_content().strip() == "Blåbær: 5 €"
    assert "Blåbær" in message.get_body(("html",)).get_content()
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "HOO-1.pdf", "application/pdf", b"%PDF-1.7",
    )  # fmt: skip


async def test_the_same_mail_is_the_same_message(server: Received) -> None:
    await send(MAIL)
    await send(MAIL)
    first, second = (
        message_from_bytes(each.content)["Message-ID"] for each in server.envelopes if isinstance(each.content, bytes)
    )
    assert first == second
    assert first.endswith("@hooli.com>")


async def test_a_server_that_refuses_is_told_to_the_caller(server: Received) -> None:
    server.answer = "451 try again later"
    with pytest.raises(aiosmtplib.SMTPResponseException):
        await send(MAIL)


async def test_without_a_server_the_mail_is_a_file_that_opens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TARN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    await send(MAIL)
    await send(MAIL)
    (file,) = mail_folder().iterdir()
    assert file.name == "invoice-1.eml"
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert message["Bcc"] == "books@example.com"
    monkeypatch.undo()
    settings.cache_clear()


def test_files_that_make_a_mail_too_big_are_left_out() -> None:
    big = Attachment("big.pdf", b"x" * 20_000_000, "application/pdf")
    message = to_message(Mail("k", ("A", "a@b.co"), ["c@d.co"], "s", "t", "h", attachments=[big, *MAIL.attachments]))
    assert [part.get_filename() for part in message.iter_attachments()] == ["big.pdf"]
