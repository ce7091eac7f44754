"""The one clock.

`now()` is business time: what rows carry and what rules compare. Inside a request or job bound to a sandbox it stands
where the sandbox's clock was set. `wall()` is real time, for tokens, link expiry, leases, retries and telemetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

__all__ = ["at", "frozen", "now", "wall"]

_frozen_at: ContextVar[datetime | None] = ContextVar("frozen_at", default=None)


def wall() -> datetime:
    """The real time, in UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The business time of the organization this request or job is bound to, in UTC."""
    return _frozen_at.get() or wall()


def frozen() -> bool:
    """Whether business time stands still here: the bound organization is a sandbox."""
    return _frozen_at.get() is not None


@contextmanager
def at(instant: datetime | None) -> Iterator[None]:
    """Lets business time stand at `instant` inside the block; None means real time."""
    token = _frozen_at.set(instant.astimezone(UTC) if instant else None)
    try:
        yield
    finally:
        _frozen_at.reset(token)
