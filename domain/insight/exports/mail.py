"""The mail that brings the link to a finished export; in English, as the users' own mails are. Source: handbook,
platform 17."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from domain.identity.models import Membership, User
from domain.insight.exports.models import DataExport
from domain.insight.exports.run import file_name
from domain.invoicing.links import download_url
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.emails.letter import Letter, Row, rendered
from infrastructure.mail import Mail
from infrastructure.settings import settings

__all__ = ["export_mail"]

_exports, _users, _memberships = table(DataExport), table(User), table(Membership)


async def export_mail(work: UnitOfWork, export_id: UUID) -> Mail | None:
    """To whoever asked for it; None when the file has expired or they left the organization meanwhile. The link opens
    the file without a login, until it expires."""
    e, m = _exports.c, _memberships.c
    now = clock.wall()
    query = (
        sa.select(*e, _users.c.email)
        .join(_users, _users.c.id == e.user_id)
        .join(_memberships, sa.and_(m.user_id == e.user_id, m.organization_id == e.organization_id))
        .where(e.id == export_id, e.status == "completed", e.expires_at > now, m.status == "active")
    )
    row = (await work.session.execute(query)).first()
    if row is None:
        return None
    what = row.resource_type.replace("_", " ")
    letter = Letter(
        locale="en",
        subject=f"Your export of {what} is ready",
        heading="Tarn",
        amount=f"Your export of {what} is ready",
        rows=[Row("File", file_name(row)), Row("Available until", f"{row.expires_at:%Y-%m-%d %H:%M} UTC")],
        link=download_url(row.organization_id, row.id, "data_export", row.expires_at - now),
        link_text="Download the file",
        closing="Whoever has the link can open the file: do not pass this mail on.",
    )
    text, html = rendered(letter)
    return Mail(
        key=f"data-export-{row.id}", sender=("Tarn", settings().from_email), to=[row.email], subject=letter.subject,
        text=text, html=html,
    )  # fmt: skip
