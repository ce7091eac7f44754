"""Unique in the database, answered as a validation error: what a check before the write can't promise in a race."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError

from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN

__all__ = ["unique"]


@asynccontextmanager
async def unique(work: UnitOfWork, indexes: Mapping[str, str], *, code: str = TAKEN) -> AsyncIterator[None]:
    """Flushes what the block adds inside a savepoint.

    indexes: the field that is wrong by the name of its unique index, {"uq_plans_code": "code"}.
    Raises ValidationFailed {field: [code]} for these, IntegrityError for any other constraint.
    """
    try:
        async with work.session.begin_nested():
            yield
            await work.session.flush()
    except IntegrityError as error:
        field = indexes.get(str(getattr(getattr(error.orig, "diag", None), "constraint_name", "")))
        if field is not None:
            raise ValidationFailed({field: [code]}) from None
        raise
