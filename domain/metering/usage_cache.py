"""Measured usage kept in the cache Redis, for reads of current usage only; invoices are always measured anew.

Every subscription that was looked at has a token, a random text. What is kept is found only through the token that
stood there before it was measured, and whoever stores events deletes the token after the commit, before the client is
answered. So a value measured without an event can never be found once that event was acknowledged. Post-processing
deletes the token once more, for a server that was killed between commit and answer. Losing this Redis is harmless:
reads fall through.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infrastructure import exact_json
from infrastructure.settings import settings

__all__ = ["Lookup", "close", "drop"]

REDIS_SECONDS = 0.5
TOKEN_SECONDS = 3_600
KEYS_PER_CALL = 5_000

log = structlog.get_logger(__name__)
# Connections belong to the event loop that opened them.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, Redis]] = WeakKeyDictionary()


def _client() -> Redis:
    url, loop = settings().cache_redis, asyncio.get_running_loop()
    known = _clients.get(loop)
    if known is None or known[0] != url:
        client = Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
        known = _clients[loop] = (url, client)
    return known[1]


async def close() -> None:
    """Gives the connections of this event loop back."""
    known = _clients.pop(asyncio.get_running_loop(), None)
    if known:
        await known[1].aclose()


def _token_key(organization_id: UUID | str, external_subscription_id: str) -> str:
    return f"tarn:usage-token:{organization_id}:{external_subscription_id}"


async def drop(touched: Iterable[tuple[UUID | str, str]]) -> bool:
    """Forgets what was measured for these (organization, external subscription id); False when Redis is away."""
    keys = [_token_key(*pair) for pair in touched]
    try:
        for start in range(0, len(keys), KEYS_PER_CALL):
            await _client().unlink(*keys[start : start + KEYS_PER_CALL])
    except (RedisError, OSError) as error:
        log.warning("cached usage not dropped", error=str(error), subscriptions=len(keys))
        return False
    return True


class Lookup:
    """One look at the cache for a subscription: `find` before measuring, `keep` after it."""

    def __init__(self, organization_id: UUID, external_subscription_id: str, question: str) -> None:
        """`question`: a text that is the same only for the same question, periods and all."""
        self._token_key = _token_key(organization_id, external_subscription_id)
        self._question = question
        self._key: str | None = None

    async def find(self) -> Sequence[Any] | None:
        """What was kept for this question since the last event of the subscription, else None."""
        try:
            client = _client()
            token = await client.get(self._token_key)
            if token is None:
                fresh = secrets.token_hex(16)
                made = await client.set(self._token_key, fresh, nx=True, ex=TOKEN_SECONDS)
                token = fresh.encode() if made else await client.get(self._token_key)
            if token is None:
                return None
            text = token.decode() if isinstance(token, bytes) else token
            self._key = f"tarn:usage:{text}:{self._question}"
            kept = await client.get(self._key)
            return exact_json.load(kept) if kept else None
        except (RedisError, OSError, exact_json.MalformedJSON) as error:
            log.warning("usage cache not read", error=str(error))
            self._key = None
            return None

    async def keep(self, measured: Sequence[Any]) -> None:
        """Keeps what was measured after `find` came back empty, no longer than an hour."""
        if self._key is None:
            return
        try:
            await _client().set(self._key, exact_json.dump(measured), ex=TOKEN_SECONDS)
        except (RedisError, OSError) as error:
            log.warning("usage cache not written", error=str(error))
