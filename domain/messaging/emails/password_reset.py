"""The mail by which a forgotten password is set anew; in English, as the users' own mails are. Source: handbook,
platform 17."""

from __future__ import annotations

from domain.messaging.emails.letter import Letter, rendered
from infrastructure.mail import Mail
from infrastructure.settings import settings

__all__ = ["password_reset_mail"]


def password_reset_mail(reset_id: str, to: str, token: str) -> Mail:
    """A link to the front's page for a new password, good for half an hour."""
    current = settings()
    letter = Letter(
        locale="en",
        subject="Set a new password",
        heading="Tarn",
        amount="Set a new password",
        text=f"Somebody asked for a new password of {to}. The link is good for 30 minutes, and once.",
        rows=[],
        link=f"{current.front_url or current.api_url}/reset-password/{token}",
        link_text="Set a new password",
        closing="You did not ask for it? Then do nothing: your password stays as it is.",
    )
    text, html = rendered(letter)
    return Mail(
        key=f"password-reset-{reset_id}", sender=("Tarn", current.from_email), to=[to], subject=letter.subject,
        text=text, html=html,
    )  # fmt: skip
