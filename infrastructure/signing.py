"""Signed tokens: download links, portal access, password resets, invites, SSO state.

A token carries its payload and its end of life, signed with `SECRET_KEY_BASE` under a salt of its purpose: a token
made for one purpose does not open another. The end travels in the token, so that changing a lifetime setting does not
revive or kill links already sent. Payloads are signed, not encrypted: put no secret in one.
"""

from __future__ import annotations

import time
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from itsdangerous import BadData, Signer, URLSafeSerializer

from infrastructure.settings import settings

__all__ = ["Expired", "Invalid", "read", "read_list", "sign"]

# Longer than any token made here; whatever exceeds it is refused before any work.
MAX_TOKEN_LENGTH = 8_192


class Invalid(Exception):
    """The token was not made by this server for this purpose, or was changed."""


class Expired(Exception):
    """The token is genuine but its life is over."""


class _ExactSigner(Signer):
    """Compares signatures as text. Compared as bytes, the last character of a base64 text could be another one that
    decodes to the same bytes, and a changed link would still open."""

    default_digest_method = staticmethod(sha256)

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        given = sig.encode() if isinstance(sig, str) else sig
        return compare_digest(self.get_signature(value), given)


def _serializer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        settings().secret_key_base,
        salt=f"tarn.{purpose}",
        signer=_ExactSigner,
        signer_kwargs={"key_derivation": "hmac"},
    )


def sign(purpose: str, payload: Any, lifetime: timedelta) -> str:
    """A URL-safe token for a JSON payload, good until `lifetime` from now on the wall clock (whole seconds)."""
    if not purpose or lifetime <= timedelta(0):
        raise ValueError("a token needs a purpose and a lifetime above zero")
    token = _serializer(purpose).dumps([int(time.time() + lifetime.total_seconds()), payload])
    text = token if isinstance(token, str) else token.decode()
    if len(text) > MAX_TOKEN_LENGTH:
        raise ValueError("the payload is too long for a token")
    return text


def read(purpose: str, token: str) -> Any:
    """The payload of a token made for this purpose. Raises Invalid (changed, foreign) or Expired."""
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise Invalid("not a token")
    try:
        end, payload = _serializer(purpose).loads(token)
    except (BadData, ValueError, TypeError) as error:
        raise Invalid("the token was changed or made for another purpose") from error
    if time.time() >= end:
        raise Expired("the token's life is over")
    return payload


def read_list(purpose: str, token: str, length: int) -> list[Any] | None:
    """The list of so many items in a token; None for one that is forged, changed, past its end, of another purpose or
    shape: to whoever holds it they all look the same."""
    try:
        payload = read(purpose, token)
    except (Invalid, Expired):
        return None
    return payload if isinstance(payload, list) and len(payload) == length else None
