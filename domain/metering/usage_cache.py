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
VALUES_PER_CALL = 200

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
    """One question about a subscription's usage: `find` it with others before measuring, `keep` them after it."""

    def __init__(self, organization_id: UUID, external_subscription_id: str, question: str) -> None:
        """`question`: a text that is the same only for the same question, periods and all."""
        self._token_key = _token_key(organization_id, external_subscription_id)
        self._question = question
        self._key: str | None = None

    @staticmethod
    async def find(lookups: Sequence[Lookup]) -> list[Sequence[Any] | None]:
        """What was kept for each question since the last event of its subscription, else None. Three round trips at
        most for a few thousand of them."""
        try:
            found: list[Sequence[Any] | None] = []
            for start in range(0, len(lookups), KEYS_PER_CALL):
                found += await _found(lookups[start : start + KEYS_PER_CALL])
        except (RedisError, OSError, exact_json.MalformedJSON) as error:
            log.warning("usage cache not read", error=str(error))
            for lookup in lookups:
                lookup._key = None
            return [None] * len(lookups)
        return found

    @staticmethod
    async def keep(measured: Sequence[tuple[Lookup, Sequence[Any]]]) -> None:
        """Keeps what was measured after `find` came back empty, no longer than an hour. One round trip for a few
        hundred."""
        known = [(lookup._key, values) for lookup, values in measured if lookup._key is not None]
        try:
            for start in range(0, len(known), VALUES_PER_CALL):
                calls = _client().pipeline(transaction=False)
                for key, values in known[start : start + VALUES_PER_CALL]:
                    calls.set(key, exact_json.dump(values), ex=TOKEN_SECONDS)
                await calls.execute()
        except (RedisError, OSError) as error:
            log.warning("usage cache not written", error=str(error))


async def _found(lookups: Sequence[Lookup]) -> list[Sequence[Any] | None]:
    """The tokens are read, or made where there are none; then what stands under them. Raises RedisError."""
    if not lookups:
        return []
    client = _client()
    keys = list(dict.fromkeys(lookup._token_key for lookup in lookups))
    tokens = dict(zip(keys, await client.mget(keys), strict=True))
    fresh = [key for key in keys if tokens[key] is None]
    if fresh:
        calls = client.pipeline(transaction=False)
        for key in fresh:
            calls.set(key, secrets.token_hex(16), nx=True, ex=TOKEN_SECONDS)
        calls.mget(fresh)
        tokens |= zip(fresh, (await calls.execute())[-1], strict=True)
    for lookup in lookups:
        token = tokens[lookup._token_key]
        text = token.decode() if isinstance(token, bytes) else token
        lookup._key = f"tarn:usage:{text}:{lookup._question}" if text else None
    asked = [lookup._key for lookup in lookups if lookup._key is not None]
    kept = dict(zip(asked, await client.mget(asked), strict=True)) if asked else {}
    texts = [kept[lookup._key] if lookup._key is not None else None for lookup in lookups]
    return [exact_json.load(text) if text else None for text in texts]
