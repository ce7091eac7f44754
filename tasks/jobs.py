"""Declaring jobs.

    @job("billing.bill_subscriptions", queue="default", dedicated="billing", retries=[lock(25, LockNotAcquired)])
    async def bill(work: UnitOfWork, subscription_ids: list[str], at: str) -> None: ...

A job function stays thin: it turns arguments into types and calls the domain. It runs in one transaction together with
the end of its ledger row (see `tasks.runner`), so it may be started twice and takes effect once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from infrastructure.settings import settings
from tasks.queues import DEDICATED_QUEUES, DEFAULT_QUEUES, route
from tasks.retries import DEFAULT, NEVER, RetryRule

__all__ = ["JOBS", "JobDefinition", "external_job", "job", "queue_for"]

Run = TypeVar("Run", bound=Callable[..., Awaitable[None]])
GivenUp = Callable[..., Awaitable[None]]
TIME_LIMIT = 600.0


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A declared job. `time_limit` in seconds, for one run. `given_up`: see `job`."""

    name: str
    queue: str
    dedicated: str | None
    run: Callable[..., Awaitable[None]]
    retries: tuple[RetryRule, ...]
    unique_while: Literal["done", "start"]
    external: bool
    time_limit: float
    given_up: GivenUp | None = None

    def rule_for(self, error: BaseException) -> RetryRule:
        """The first rule that speaks of this error."""
        return next((rule for rule in self.retries if isinstance(error, rule.on)), NEVER)


# Every job of this process by name; `tasks.app.load` imports the modules that fill it.
JOBS: dict[str, JobDefinition] = {}


def job(
    name: str,
    *,
    queue: str = "default",
    dedicated: str | None = None,
    retries: Sequence[RetryRule] = (DEFAULT,),
    unique_while: Literal["done", "start"] = "done",
    time_limit: float = TIME_LIMIT,
    given_up: GivenUp | None = None,
) -> Callable[[Run], Run]:
    """Declares a job that works in one transaction: a function of a UnitOfWork and the request's arguments.

    unique_while: until when a request's unique key keeps a second one away: until the work is done, or until it
    starts, for work that must be repeated when something changes while it runs.
    given_up: a function like the job itself, called in the transaction in which the last try is noted as failed, for
    what somebody waits for. Not after a refusal, which says that there was nothing to do.
    """

    def declare(run: Run) -> Run:
        _add(JobDefinition(name, queue, dedicated, run, tuple(retries), unique_while, False, time_limit, given_up))
        return run

    return declare


def external_job(
    name: str,
    *,
    queue: str = "default",
    dedicated: str | None = None,
    retries: Sequence[RetryRule] = (DEFAULT,),
    time_limit: float = TIME_LIMIT,
    given_up: GivenUp | None = None,
) -> Callable[[Run], Run]:
    """Declares a job that calls out of the house and holds no transaction meanwhile: a function of a
    `tasks.lease.Lease` and the request's arguments. given_up: a function of a UnitOfWork, as for `job`."""

    def declare(run: Run) -> Run:
        _add(JobDefinition(name, queue, dedicated, run, tuple(retries), "done", True, time_limit, given_up))
        return run

    return declare


def _add(definition: JobDefinition) -> None:
    assert definition.queue in DEFAULT_QUEUES, definition.queue
    assert definition.dedicated is None or definition.dedicated in DEDICATED_QUEUES, definition.dedicated
    assert definition.name not in JOBS, f"two jobs are called {definition.name}"
    JOBS[definition.name] = definition


def queue_for(name: str, fallback: str = "default") -> str:
    """The queue to send a job of this name to, as the flags stand now."""
    definition = JOBS.get(name)
    return route(definition.queue, definition.dedicated, settings()) if definition else fallback
