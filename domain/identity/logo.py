"""The logo of a billing entity: taken as a data URI, kept in the object storage, shown by a signed link."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import new_id
from infrastructure import signing, storage
from infrastructure.settings import settings

__all__ = ["LOGO_PURPOSE", "MOST_LOGO_BYTES", "logo_url", "store_logo"]

MOST_LOGO_BYTES: Final = 800 * 1024
LOGO_PURPOSE: Final = "logo"
_DATA_URI: Final = re.compile(r"data:(image/[a-z+.-]+);base64,")
# What the first bytes of each kind are; the type that a client claims is not believed.
_KINDS: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def _refused(code: str) -> ValidationFailed:
    return ValidationFailed({"logo": [code]})


async def store_logo(organization_id: UUID, data_uri: str) -> tuple[str, str]:
    """Stores the image under a key of its own and returns the key and the content type.

    Raises ValidationFailed on `logo`: `invalid_content_type` for anything but PNG and JPEG, `file_too_large` above
    800 kB. A file whose transaction fails afterwards stays behind, unused.
    """
    head = _DATA_URI.match(data_uri)
    if head is None:
        raise _refused("invalid_content_type")
    kind = "image/jpeg" if head.group(1) == "image/jpg" else head.group(1)
    if kind not in _KINDS:
        raise _refused("invalid_content_type")
    if len(data_uri) > MOST_LOGO_BYTES * 4 // 3 + 100:
        raise _refused("file_too_large")
    try:
        image = b64decode(data_uri[head.end() :], validate=True)
    except (NotBase64, ValueError):
        raise _refused("invalid_content_type") from None
    if len(image) > MOST_LOGO_BYTES:
        raise _refused("file_too_large")
    if not image.startswith(_KINDS[kind]):
        raise _refused("invalid_content_type")
    key = f"logos/{organization_id}/{new_id()}"
    await storage.put(key, image, kind)
    return key, kind


def logo_url(key: str | None, content_type: str | None) -> str | None:
    """A link to the logo, signed anew at every read."""
    if not key:
        return None
    token = signing.sign(
        LOGO_PURPOSE, {"key": key, "type": content_type}, timedelta(days=settings().download_link_days)
    )
    return f"{settings().api_url.rstrip('/')}/logos/{token}"
