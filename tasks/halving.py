"""A chunk that fails is halved until the one bad row stands alone; the others are done. Source: the design, law 2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from tasks.retries import infrastructure_delay

__all__ = ["do_or_halve"]

log = structlog.get_logger(__name__)
Item = TypeVar("Item")


async def do_or_halve(
    work: UnitOfWork,
    items: Sequence[Item],
    do: Callable[[Sequence[Item]], Awaitable[object]],
    part: Callable[[Sequence[Item]], JobRequest],
) -> None:
    """Does the items together; if that fails asks for two jobs of half of them (`part` makes the request).

    A single item that fails, and a failure of the infrastructure, are raised as they are.
    """
    before = work.recorded
    try:
        async with work.session.begin_nested():
            await do(items)
            await work.session.flush()
    except Exception as error:
        if len(items) < 2 or infrastructure_delay(error, clock.wall()) is not None:
            raise
        log.warning("chunk failed and is halved", size=len(items), error=f"{type(error).__name__}: {error}")
        work.forget_since(before)
        middle = len(items) // 2
        for half in (items[:middle], items[middle:]):
            work.enqueue(part(half))
