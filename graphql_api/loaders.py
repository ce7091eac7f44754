"""Nested objects, loaded together: whatever many rows of one answer point at costs one call per kind.

    @strawberry.field
    async def plan(self, info: Info) -> Plan:
        return await load(info, "plans", fetch_plans, self.plan_id)

`fetch(work, keys)` runs in a transaction of its own, bound to the caller's organization, and answers a mapping; a key
it leaves out is None.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import TypeVar, cast

from strawberry import Info
from strawberry.dataloader import DataLoader

from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.context import current
from graphql_api.operations import read

__all__ = ["load", "load_one"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Fetch = Callable[[UnitOfWork, list[K]], Awaitable[Mapping[K, V]]]


async def load(info: Info, name: str, fetch: Fetch[K, V], key: K) -> V | None:
    """The value of a key. `name` is the same for all calls that share one fetch."""
    loaders = current(info).loaders
    if name not in loaders:

        async def batch(keys: list[K]) -> list[V | None]:
            async with read(info) as work:
                found = await fetch(work, keys)
            return [found.get(key) for key in keys]

        loaders[name] = DataLoader(load_fn=batch)
    return await cast(DataLoader[K, V | None], loaders[name]).load(key)


async def load_one(info: Info, name: str, fetch: Fetch[K, V], key: K) -> V:
    """As `load`, for what must be there because a foreign key says so."""
    value = await load(info, name, fetch, key)
    assert value is not None, f"{name}: {key} is gone"
    return value
