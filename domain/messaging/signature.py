"""How a webhook proves where it comes from. Source: handbook, platform 10.3. Pure but for the server's RSA key."""

from __future__ import annotations

import base64
import hashlib
import hmac

from infrastructure import jwt

__all__ = ["headers_of", "hmac_signature"]


def hmac_signature(key: str, payload: bytes) -> str:
    """Base64 of HMAC-SHA256 over the body, under the organization's key."""
    return base64.b64encode(hmac.new(key.encode(), payload, hashlib.sha256).digest()).decode()


def headers_of(webhook_id: object, algorithm: str, payload: str, hmac_key: str, issuer: str) -> dict[str, str]:
    """The headers of one delivery. The unique key is the webhook's id and stays the same over retries."""
    if algorithm == "hmac":
        signature = hmac_signature(hmac_key, payload.encode())
    else:
        signature = jwt.webhook_signature(payload, issuer)
    return {
        "Content-Type": "application/json",
        "X-Lago-Signature": signature,
        "X-Lago-Signature-Algorithm": algorithm,
        "X-Lago-Unique-Key": str(webhook_id),
    }
