"""Rows that are kept for a time and then removed: logs, answers to idempotency keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["CHUNK", "Clean", "cleaning"]

CHUNK: Final = 5_000
"""Rows of one transaction: whoever runs it goes on while it removed so many."""
Clean = Callable[[UnitOfWork], Awaitable[int]]


def cleaning(model: type[SQLModel], column: str, kept: timedelta, now: Callable[[], datetime]) -> Clean:
    """A scheduled job that removes the bound organization's rows whose instant in `column` is older than `kept`, CHUNK
    of them at most; it answers how many. now: `clock.now` for what ages in the organization's time, `clock.wall` for
    what ages in real time."""
    rows = table(model)
    instant = rows.c[column]

    async def clean(work: UnitOfWork) -> int:
        of_organization = rows.c.organization_id == work.organization_id
        oldest = sa.select(rows.c.id).where(of_organization, instant < now() - kept).order_by(instant).limit(CHUNK)
        removed = await work.session.execute(sa.delete(rows).where(of_organization, rows.c.id.in_(oldest)))
        assert isinstance(removed, sa.CursorResult)
        return removed.rowcount

    return clean
