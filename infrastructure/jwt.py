"""JSON web tokens: the logins of users (HS256) and the signatures of webhooks (RS256).

Users' tokens carry `sub` (the user's id), `exp` (3 hours after issue) and `login_method`, signed with
`SECRET_KEY_BASE`; nothing is stored, so a token lives until it expires. Source: handbook, platform 2.3 and 10.3.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode, encodebytes
from binascii import Error as NotBase64
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from infrastructure.settings import settings

__all__ = [
    "Claims",
    "Expired",
    "Invalid",
    "KeyProblem",
    "decode",
    "issue",
    "public_key_base64",
    "public_key_pem",
    "renewed",
    "webhook_signature",
]

LIFETIME_SECONDS = 10_800
RENEWAL_SECONDS = 3_600
MAX_TOKEN_LENGTH = 8_192


class Invalid(Exception):
    """Not a token of this server. The request goes on as anonymous."""


class Expired(Exception):
    """A genuine token past its end. The answer is `expired_jwt_token`."""


class KeyProblem(Exception):
    """`RSA_PRIVATE_KEY` is missing or not a PEM private key of RSA."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who logged in and how; `expires_at` in seconds since 1970, `extra` everything else the token carries."""

    user_id: str
    expires_at: int
    extra: dict[str, Any]

    @property
    def login_method(self) -> str | None:
        method = self.extra.get("login_method")
        return method if isinstance(method, str) else None


def issue(user_id: str, **extra: str) -> str:
    """A login token for three hours, e.g. `issue(user_id, login_method="email_password")`."""
    claims = {**extra, "sub": user_id, "exp": int(time.time()) + LIFETIME_SECONDS}
    return jwt.encode(claims, settings().secret_key_base, algorithm="HS256")


def decode(token: str) -> Claims:
    """The claims of a login token. Raises Expired or Invalid."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise Invalid("the token is too long")
    try:
        claims = jwt.decode(
            token, settings().secret_key_base, algorithms=["HS256"], options={"require": ["exp", "sub"]}
        )
    except jwt.ExpiredSignatureError as error:
        raise Expired("the token's life is over") from error
    except (jwt.InvalidTokenError, ValueError) as error:
        raise Invalid("not a token of this server") from error
    return Claims(user_id=claims.pop("sub"), expires_at=int(claims.pop("exp")), extra=claims)


def renewed(token: str) -> str | None:
    """A fresh token with the same extra claims when this one ends in under an hour, else None.

    Raises Expired or Invalid."""
    claims = decode(token)
    if claims.expires_at - time.time() >= RENEWAL_SECONDS:
        return None
    return issue(claims.user_id, **claims.extra)


def webhook_signature(payload: str, issuer: str) -> str:
    """The RS256 signature of a webhook: claims `data` (the body as sent, a JSON text) and `iss`; it never expires."""
    return jwt.encode({"data": payload, "iss": issuer}, _private_key(), algorithm="RS256")


def public_key_pem() -> str:
    """The public half of the webhook key, for receivers to check signatures with."""
    return _private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_key_base64() -> str:
    """The PEM in base64 with line breaks, as the interface hands it out."""
    return encodebytes(public_key_pem().encode()).decode()


def _private_key() -> RSAPrivateKey:
    return _parsed(settings().rsa_private_key)


@lru_cache(maxsize=4)
def _parsed(text: str) -> RSAPrivateKey:
    """Reads a PEM, a PEM whose line breaks were written as `\\n` in an environment file, or base64 of a PEM."""
    pem = text.strip().replace("\\n", "\n")
    if not pem:
        raise KeyProblem("RSA_PRIVATE_KEY is missing: set a PEM private key, or base64 of one")
    try:
        data = pem.encode() if pem.startswith("-----BEGIN") else b64decode(re.sub(r"\s", "", pem), validate=True)
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, NotBase64) as error:
        raise KeyProblem("RSA_PRIVATE_KEY cannot be read: give a PEM private key, or base64 of one") from error
    if not isinstance(key, RSAPrivateKey):
        raise KeyProblem("RSA_PRIVATE_KEY is not an RSA key")
    return key
