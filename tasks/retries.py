"""Whether and when a failed job is tried again. Source: handbook, jobs 1.1.

Three kinds of failure: infrastructure (the database or Redis is away, a deadlock) is retried always; a refusal of the
business rules never; everything else as the job declares, then the row stays in the ledger as failed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import redis.exceptions
import sqlalchemy.exc

from domain.kernel import clock

__all__ = ["DEFAULT", "NEVER", "RetryRule", "fixed", "infrastructure_delay", "lock", "polynomial"]

LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class RetryRule:
    """`attempts` runs in total; `wait(k)` seconds after the k-th failed one. Applies to errors of type `on`."""

    attempts: int
    wait: Callable[[int], float]
    on: tuple[type[BaseException], ...] = (Exception,)


def polynomial(attempts: int, *on: type[BaseException], jitter: float = 0.15) -> RetryRule:
    """P(n): k^4 s plus jitter plus 2 s: 3, 18, 83, 258, 627, 1298 ..."""
    return RetryRule(attempts, lambda k: k**4 * (1 + random.uniform(0, jitter)) + 2, on or (Exception,))  # noqa: S311


def fixed(attempts: int, seconds: float, *on: type[BaseException]) -> RetryRule:
    """The same wait each time, e.g. DES: fixed(5, 3)."""
    return RetryRule(attempts, lambda _: seconds, on or (Exception,))


def lock(attempts: int, *on: type[BaseException]) -> RetryRule:
    """LOCK: a random whole wait of 0 to 15 s."""
    return RetryRule(attempts, lambda _: random.randint(0, 15), on or (Exception,))  # noqa: S311


NEVER = RetryRule(1, lambda _: 0)
# About six minutes from the first failure to the last.
DEFAULT = polynomial(5)

_CONFLICTS = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)
# The server's answers to a statement that is itself at fault: the next try would end the same way.
_OWN_FAULT = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
    psycopg.errors.TooManyColumns,
    psycopg.errors.TooManyArguments,
)
_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    sqlalchemy.exc.TimeoutError,  # no connection of the pool became free
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    ConnectionError,
)


def infrastructure_delay(error: BaseException, created_at: datetime) -> timedelta | None:
    """How long to wait after a failure of the infrastructure; None for any other.

    A conflict is over in a moment. Else the wait grows with the age of the job, a quarter of it, from 1 s to 60 s: no
    counter is needed, and the attempts that the job's own rule counts stay untouched.
    """
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None else error
    if isinstance(cause, _CONFLICTS):
        return timedelta(seconds=random.uniform(0.1, 1))  # noqa: S311
    if isinstance(cause, _OWN_FAULT) or not isinstance(cause, _AWAY):
        return None
    age = (clock.wall() - created_at).total_seconds()
    return timedelta(seconds=min(LONGEST_PAUSE, max(1.0, age / 4)) * random.uniform(1, 1.25))  # noqa: S311
