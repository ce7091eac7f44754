"""Signed links to documents: made anew at every read, opened without login until they expire on the wall clock."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from domain.kernel.ids import parse_id
from infrastructure import signing
from infrastructure.settings import settings

__all__ = ["download_url", "read_download_token"]

PURPOSE = "download"
KINDS = (
    "invoice", "invoice_xml", "credit_note", "credit_note_xml", "payment_receipt", "payment_receipt_xml", "data_export",
)  # fmt: skip
"""The PDF of an invoice, its electronic invoice, the same of a credit note and of a receipt; the file of an export."""


def download_url(
    organization_id: UUID, object_id: UUID, kind: str = "invoice", lifetime: timedelta | None = None
) -> str:
    """The address of a file, for `download_link_days` from now or as long as it is said. kind: one of KINDS."""
    lifetime = lifetime or timedelta(days=settings().download_link_days)
    token = signing.sign(PURPOSE, [kind, str(organization_id), str(object_id)], lifetime)
    return f"{settings().api_url.rstrip('/')}/download/{token}"


def read_download_token(token: str) -> tuple[str, UUID, UUID] | None:
    """Kind, organization and id that the token names; None for one that is changed, expired or made for another use."""
    payload = signing.read_list(PURPOSE, token, 3)
    if payload is None or payload[0] not in KINDS:
        return None
    organization_id, invoice_id = parse_id(payload[1]), parse_id(payload[2])
    return (payload[0], organization_id, invoice_id) if organization_id and invoice_id else None
