"""Secrets that are handed out once: of an invitation, of a forgotten password."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["digest_of_token", "new_token"]


def new_token() -> str:
    """Forty hexadecimal characters."""
    return secrets.token_hex(20)


def digest_of_token(token: str) -> str:
    """By what it is found: its SHA-256 in hex."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
