"""The cache Redis: values that can be computed anew. When it cannot be reached, callers go on without it."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import RedisError

from infrastructure.settings import settings

__all__ = ["CACHE_FAILURES", "cache"]

REDIS_SECONDS = 1
CACHE_FAILURES = (RedisError, OSError, TimeoutError)
"""What a caller catches and passes over."""

# Connections belong to the event loop that opened them; API and actors may run several loops in one process.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, Redis]] = WeakKeyDictionary()


def cache() -> Redis:
    """The client of this event loop; answers are bytes."""
    url, loop = settings().cache_redis, asyncio.get_running_loop()
    known = _clients.get(loop)
    if known is None or known[0] != url:
        known = (url, Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS))
        _clients[loop] = known
    return known[1]
