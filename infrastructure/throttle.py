"""Failed logins are counted per account and per address; beyond the limit the next try has to wait.

The counters stand in the store Redis, one moving window per scope and key. When Redis cannot be reached nobody is kept
out: the failure is logged and the login goes on (argon2's two threads still bound the rate of guesses).
"""

from __future__ import annotations

import asyncio
import time
from hashlib import sha256
from math import ceil
from typing import Literal
from weakref import WeakKeyDictionary

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from infrastructure.settings import settings

__all__ = ["LIMITS", "Scope", "Throttled", "check", "failed", "reset"]

Scope = Literal["account", "address"]

# Failures allowed in fifteen minutes. An address may be a whole office behind one gateway.
LIMITS: dict[Scope, RateLimitItem] = {
    "account": RateLimitItemPerMinute(10, 15, namespace="tarn-login-account"),
    "address": RateLimitItemPerMinute(100, 15, namespace="tarn-login-address"),
}
REDIS_SECONDS = 1

_log = structlog.get_logger(__name__)
# Connections belong to the event loop that opened them; API and actors may run several loops in one process.
_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, MovingWindowRateLimiter]] = WeakKeyDictionary()


class Throttled(Exception):
    """Too many failed logins. `retry_after`: whole seconds until one more try is allowed."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many failed logins, try again in {retry_after} seconds")
        self.retry_after = retry_after


async def check(scope: Scope, key: str) -> None:
    """Raises Throttled when the failures of this account or address are used up.

    Call it before looking at the password and again after a correct one: the second call is what stops many guesses
    sent at the same moment, all of which passed the first.
    """
    try:
        window = await _limiter().get_window_stats(LIMITS[scope], _hidden(key))
    except (StorageError, OSError) as error:
        _log.warning("login_throttle_unavailable", error=repr(error))
        return
    if window.remaining <= 0:
        raise Throttled(max(1, ceil(window.reset_time - time.time())))


async def failed(scope: Scope, key: str) -> None:
    """Counts one failed login."""
    try:
        await _limiter().hit(LIMITS[scope], _hidden(key))
    except (StorageError, OSError) as error:
        _log.warning("login_throttle_unavailable", error=repr(error))


async def reset(scope: Scope, key: str) -> None:
    """Forgets the failures of an account after a successful login. Addresses are not reset: whoever owns one account
    could otherwise guess at others without end."""
    try:
        await _limiter().clear(LIMITS[scope], _hidden(key))
    except (StorageError, OSError) as error:
        _log.warning("login_throttle_unavailable", error=repr(error))


def _hidden(key: str) -> str:
    """A key of fixed length that shows no e-mail address to readers of Redis."""
    return sha256(key.strip().lower().encode(errors="replace")).hexdigest()


def _limiter() -> MovingWindowRateLimiter:
    url, loop = settings().store_redis, asyncio.get_running_loop()
    known = _limiters.get(loop)
    if known and known[0] == url:
        return known[1]
    address = url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url
    storage = RedisStorage(
        f"async+{address}",
        implementation="redispy",
        wrap_exceptions=True,
        key_prefix="tarn",
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )
    _limiters[loop] = (url, MovingWindowRateLimiter(storage))
    return _limiters[loop][1]
