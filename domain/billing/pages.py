"""Walking over many subscriptions in pages, each in one statement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.models import Subscription

__all__ = ["PAGE", "pages"]

PAGE = 500


async def pages(work: UnitOfWork, query: sa.Select[*tuple[Any, ...]]) -> AsyncIterator[list[Any]]:
    """The rows of a query whose first entity is a Subscription, locked, at most PAGE at a time in the order of ids.

    Rows that another transaction has locked are passed over. The caller looks at the local day of each row: one page
    may hold none whose day has come and the next one may.
    """
    one = query.order_by(col(Subscription.id)).limit(PAGE).with_for_update(of=Subscription, skip_locked=True)
    following = one
    while True:
        page = list(await work.session.execute(following))
        if page:
            yield page
        if len(page) < PAGE:
            return
        following = one.where(col(Subscription.id) > page[-1][0].id)
