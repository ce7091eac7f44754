"""Object storage: files by key, in a local folder or in an S3-compatible bucket.

Local by default (`<TARN_DATA_DIR>/storage`); with `LAGO_USE_AWS_S3` in the bucket of `LAGO_AWS_S3_BUCKET`, at AWS or
at any server that speaks its protocol. Files are served by our own signed links, never by the bucket's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import obstore
from obstore.store import LocalStore, S3Store

from infrastructure.settings import Settings, settings

__all__ = ["MAX_OBJECT_BYTES", "InvalidKey", "ObjectNotFound", "delete", "exists", "get", "put"]

MAX_OBJECT_BYTES = 256 * 1024 * 1024
MAX_KEY_LENGTH = 512
# Segments of plain characters, none beginning with a dot: no `..`, no hidden file, no empty segment.
_KEY = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*")


class InvalidKey(ValueError):
    """The key could leave the storage or means different things to different stores."""


class ObjectNotFound(LookupError):
    """No object under this key."""


async def put(key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
    """Stores the bytes under the key, in one step: a reader sees the old object or the new one, never a part.

    Raises InvalidKey, and ValueError above MAX_OBJECT_BYTES."""
    if len(data) > MAX_OBJECT_BYTES:
        raise ValueError(f"an object has at most {MAX_OBJECT_BYTES} bytes")
    store = _store()
    # A folder keeps no content types; the routes that serve files know them.
    attributes = {"Content-Type": content_type} if isinstance(store, S3Store) else None
    await obstore.put_async(store, _checked(key), data, attributes=attributes)


async def get(key: str) -> bytes:
    """The bytes under the key. Raises ObjectNotFound or InvalidKey."""
    try:
        found = await obstore.get_async(_store(), _checked(key))
        return bytes(await found.bytes_async())
    except FileNotFoundError as error:
        raise ObjectNotFound(key) from error


async def exists(key: str) -> bool:
    """Whether an object stands under the key. Raises InvalidKey."""
    try:
        await obstore.head_async(_store(), _checked(key))
    except FileNotFoundError:
        return False
    return True


async def delete(key: str) -> None:
    """Removes the object; removing one that is not there is no error. Raises InvalidKey."""
    try:
        await obstore.delete_async(_store(), _checked(key))
    except FileNotFoundError:
        return


def _checked(key: str) -> str:
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise InvalidKey(f"not a storage key: {key[:80]!r}")
    return key


def _store() -> LocalStore | S3Store:
    current = settings()
    return _bucket(*_bucket_options(current)) if current.use_s3 else _folder(current.data_dir / "storage")


@lru_cache(maxsize=8)
def _folder(path: Path) -> LocalStore:
    return LocalStore(path.absolute(), mkdir=True)


def _bucket_options(current: Settings) -> tuple[str, str, str, str, str, bool]:
    return (
        current.s3_bucket,
        current.s3_region,
        current.s3_access_key_id,
        current.s3_secret_access_key,
        current.s3_endpoint,
        current.s3_path_style,
    )


@lru_cache(maxsize=8)
def _bucket(bucket: str, region: str, key_id: str, secret: str, endpoint: str, path_style: bool) -> S3Store:
    """Without a key id the machine's own credentials are used (instance role, web identity)."""
    credentials = {"access_key_id": key_id, "secret_access_key": secret} if key_id else {}
    place = {"endpoint": endpoint} if endpoint else {}
    return S3Store(
        bucket,
        region=region,
        virtual_hosted_style_request=not path_style,
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "30s"},
        **credentials,  # type: ignore[arg-type]
        **place,  # type: ignore[arg-type]
    )
