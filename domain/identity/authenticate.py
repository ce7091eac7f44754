"""From the value of an API key to the organization it speaks for.

Values are found by their SHA-256; the row holds the value itself only encrypted. Whether a key is still good is asked
on the wall clock, also for a sandbox.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select

from domain.identity.api_key_usage import remember_usage
from domain.identity.models import ApiKey, Organization
from domain.kernel import clock
from domain.kernel.errors import Forbidden, Unauthorized
from domain.kernel.rows import table
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import door_work

__all__ = ["ApiKeyIdentity", "authenticate_api_key", "digest_of"]

CACHED_SECONDS = 5.0
MOST_CACHED = 10_000
LONGEST_VALUE = 255

_key, _organization = table(ApiKey), table(Organization)


@dataclass(frozen=True, slots=True)
class ApiKeyIdentity:
    """Who calls the REST interface: the organization with its clock, the key and what the key may do."""

    tenant: Tenant
    api_key_id: UUID
    permissions: Mapping[str, list[str]]
    expires_at: datetime | None = None

    def require(self, resource: str, mode: str) -> None:
        """Raises Forbidden when the key lacks `mode` ("read" or "write") of the resource."""
        if mode not in self.permissions.get(resource, ()):
            raise Forbidden(f"{mode}_action_not_allowed_for_{resource}")


def digest_of(value: str) -> str:
    """By what a key is found."""
    return sha256(value.encode()).hexdigest()


# Digest to (seconds of the monotonic clock when it goes stale, identity); the oldest leave first.
_cached: OrderedDict[str, tuple[float, ApiKeyIdentity]] = OrderedDict()


async def authenticate_api_key(value: str, cached: bool = False) -> ApiKeyIdentity:
    """The identity behind a key. Raises Unauthorized for an unknown or expired one.

    `cached`: an answer up to five seconds old is good enough, and the use of the key is not noted: for the ingestion
    of events. A key that was revoked stops working everywhere within that time. Sandboxes are never cached, because
    their clock may be moved between two calls.
    """
    if not value or len(value) > LONGEST_VALUE:
        raise Unauthorized
    digest = digest_of(value)
    if cached:
        known = _cached.get(digest)
        if known and known[0] > time.monotonic() and not _expired(known[1]):
            return known[1]
        # When an entry goes stale, all requests that wait for it share one look-up. Not for a key seen first: it may
        # be a sandbox's, whose clock could have been moved since a look-up under way began.
        identity = await (_shared_look_up(digest) if known else _look_up(digest))
    else:
        identity = await _look_up(digest)
    if not cached:
        await remember_usage(identity.api_key_id)
    elif not identity.tenant.sandbox:
        _cached[digest] = (time.monotonic() + CACHED_SECONDS, identity)
        _cached.move_to_end(digest)
        if len(_cached) > MOST_CACHED:
            _cached.popitem(last=False)
    return identity


_under_way: dict[str, asyncio.Task[ApiKeyIdentity]] = {}


async def _shared_look_up(digest: str) -> ApiKeyIdentity:
    task = _under_way.get(digest)
    if task is None:
        task = _under_way[digest] = asyncio.create_task(_look_up(digest))
        task.add_done_callback(lambda _: _under_way.pop(digest, None))
    # One caller that goes away must not take the look-up from the others.
    return await asyncio.shield(task)


def _expired(identity: ApiKeyIdentity) -> bool:
    return identity.expires_at is not None and identity.expires_at <= clock.wall()


_BY_DIGEST = select(
    _key.c.id, _key.c.organization_id, _key.c.permissions, _key.c.expires_at, _organization.c.frozen_at
).join_from(_key, _organization, _organization.c.id == _key.c.organization_id)


async def _look_up(digest: str) -> ApiKeyIdentity:
    async with door_work(Door.LOGIN) as work:
        row = (await work.session.execute(_BY_DIGEST.where(_key.c.value_digest == digest))).one_or_none()
    if row is None:
        raise Unauthorized
    identity = ApiKeyIdentity(Tenant(row.organization_id, row.frozen_at), row.id, row.permissions, row.expires_at)
    if _expired(identity):
        raise Unauthorized
    return identity
