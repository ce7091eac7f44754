"""Encryption at rest: AES-256-GCM for the few columns that hold secrets of others.

A token reads `v1.<key id>.<base64url(nonce + ciphertext + tag)>`. The key id tells which primary key wrote it, so keys
can be rotated: the current key writes, the previous ones (`ENCRYPTION_PREVIOUS_KEYS`) are only read. Version, key id
and purpose are authenticated with the text, so that a value copied from one column to another does not decrypt.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from sqlalchemy import Column, Dialect, Table, Text, bindparam, column, func, select, type_coerce, update, values
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeDecorator

from infrastructure.settings import settings

__all__ = ["DecryptionError", "EncryptedString", "decrypt", "encrypt", "needs_rotation", "rotate"]

VERSION = "v1"
NONCE_BYTES = 12
# The keys are secrets of at least 16 characters, not human passwords; the work below slows a guess of a weak one.
DERIVATION_ROUNDS = 100_000
BATCH = 500


class DecryptionError(Exception):
    """The token was changed, belongs to another purpose, or its key is not known here. Carries no part of the text."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    cipher: AESGCM


@lru_cache(maxsize=32)
def _derived(secret: str, salt: str) -> _Key:
    derivation = PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt.encode(), iterations=DERIVATION_ROUNDS)
    material = derivation.derive(secret.encode())
    return _Key(id=sha256(b"tarn key id" + material).hexdigest()[:12], cipher=AESGCM(material))


def _current() -> _Key:
    return _derived(settings().encryption_primary_key, settings().encryption_key_derivation_salt)


def _known(key_id: str) -> _Key:
    current = _current()
    if current.id == key_id:
        return current
    for secret in filter(None, map(str.strip, settings().encryption_previous_keys.split(","))):
        key = _derived(secret, settings().encryption_key_derivation_salt)
        if key.id == key_id:
            return key
    raise DecryptionError("the key that wrote this value is neither ENCRYPTION_PRIMARY_KEY nor a previous key")


def _bound(key_id: str, purpose: str) -> bytes:
    return f"{VERSION}.{key_id}.{purpose}".encode()


def encrypt(plain: str, *, purpose: str) -> str:
    """The token for `plain` under the current key; two calls never give the same token."""
    key, nonce = _current(), os.urandom(NONCE_BYTES)
    sealed = nonce + key.cipher.encrypt(nonce, plain.encode(), _bound(key.id, purpose))
    return f"{VERSION}.{key.id}.{urlsafe_b64encode(sealed).decode()}"


def decrypt(token: str, *, purpose: str) -> str:
    """The text of a token made for the same purpose. Raises DecryptionError."""
    version, _, rest = token.partition(".")
    key_id, _, body = rest.partition(".")
    if version != VERSION or not key_id or not body:
        raise DecryptionError("not an encrypted value")
    key = _known(key_id)
    try:
        sealed = urlsafe_b64decode(body)
        return key.cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(key_id, purpose)).decode()
    except (InvalidTag, NotBase64, ValueError) as error:
        raise DecryptionError("the value was changed or belongs to another purpose") from error


def needs_rotation(token: str) -> bool:
    """Whether the token was written by another key than the current one."""
    return not token.startswith(f"{VERSION}.{_current().id}.")


class EncryptedString(TypeDecorator[str]):
    """A text column whose values are encrypted on the way in and decrypted on the way out; NULL stays NULL.

    Two equal texts have different tokens: such a column cannot be searched, compared or made unique.
    """

    impl = Text
    cache_ok = True

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else encrypt(value, purpose=self.purpose)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else decrypt(value, purpose=self.purpose)


async def rotate(connection: AsyncConnection, columns: Sequence[tuple[Table, Column[Any]]]) -> int:
    """Writes every value of the columns anew under the current key; returns how many were written.

    Works through each table by its (single) primary key, `BATCH` rows in two statements, holding those rows' locks so
    that a secret saved meanwhile is not overwritten. The caller owns the transaction; run again, it finds nothing.
    Raises DecryptionError at a value that no known key wrote, and TypeError for a column that is not encrypted.
    """
    written = 0
    for table, encrypted in columns:
        if not isinstance(encrypted.type, EncryptedString):
            raise TypeError(f"{table.name}.{encrypted.name} is not an encrypted column")
        written += await _rotate_column(connection, table, encrypted, encrypted.type)
    return written


async def _rotate_column(
    connection: AsyncConnection, table: Table, encrypted: Column[Any], kind: EncryptedString
) -> int:
    (key,) = table.primary_key.columns
    token = type_coerce(encrypted, Text)
    stale = (
        select(key, token)
        .where(encrypted.is_not(None), ~func.starts_with(token, f"{VERSION}.{_current().id}."))
        .order_by(key)
        .limit(BATCH)
        .with_for_update()
    )
    written, last = 0, None
    while True:
        page = stale if last is None else stale.where(key > bindparam("last", last, key.type))
        rows = (await connection.execute(page)).all()
        if not rows:
            return written
        renewed = values(column("key", key.type), column("token", Text), name="renewed").data(
            [(row[0], encrypt(decrypt(row[1], purpose=kind.purpose), purpose=kind.purpose)) for row in rows]
        )
        # An expression, not a bound value: the column's own encryption must not run a second time.
        change = update(table).where(key == renewed.c.key).values({encrypted: renewed.c.token})
        await connection.execute(change)
        written, last = written + len(rows), rows[-1][0]
