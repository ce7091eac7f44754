"""What every resolver of a root field does first: check who asks, and open its transaction.

    @strawberry.type
    class PlansQueries:
        @strawberry.field
        @operation(permission="plans:view")
        async def plan(self, info: Info, id: strawberry.ID) -> Plan | None:
            async with read(info) as work:
                return plan_type(await plan_by_id(work, id))

    @strawberry.type
    class PlansMutations:
        @strawberry.mutation
        @operation(permission="plans:create")
        async def create_plan(self, info: Info, input: CreatePlanInput) -> Plan | None:
            async with command(info) as work:
                return plan_type(await create_plan(work, to_params(input)))

The parameter is always named `info`. Refusals of the domain (`NotFound`, `ValidationFailed`, …) are simply raised:
graphql_api/errors.py turns them into the interface's errors and the transaction is rolled back. Inside `read` or
`command` do not open another one: two connections held at once can exhaust the pool.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import strawberry
from strawberry import Info

from domain.customers.portal import PortalAccess
from domain.identity.access import MemberAccess
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import UnitOfWork, tenant_work
from graphql_api.context import Context, current
from graphql_api.errors import AccessDenied
from graphql_api.scalars import exact

__all__ = [
    "command", "member", "operation", "permitted", "portal_only", "public", "read", "to_params", "user_only", "visitor",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")
Resolver = Callable[P, Awaitable[R]]


def _guarded(check: Callable[[Context], None]) -> Callable[[Resolver[P, R]], Resolver[P, R]]:
    def decorate(resolver: Resolver[P, R]) -> Resolver[P, R]:
        @wraps(resolver)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            check(current(kwargs["info"]))  # type: ignore[arg-type]
            return await resolver(*args, **kwargs)

        return guarded

    return decorate


def operation(
    permission: str | tuple[str, ...] | None = None,
) -> Callable[[Resolver[P, R]], Resolver[P, R]]:
    """For members of an organization; with `permission` ("plans:create"; of several, any one) only for those who
    have it. The organization is checked first, then the permission."""
    wanted = (permission,) if isinstance(permission, str) else permission or ()

    def check(context: Context) -> None:
        access = context.access
        if access is None:
            raise AccessDenied("Missing organization id", "forbidden")
        if wanted and not any(access.may(one) for one in wanted):
            raise AccessDenied("Missing permissions", "forbidden", wanted)

    return _guarded(check)


def user_only(resolver: Resolver[P, R]) -> Resolver[P, R]:
    """For anyone who is logged in, organization or not."""

    def check(context: Context) -> None:
        if context.user_id is None:
            raise AccessDenied("unauthorized", "unauthorized")

    return _guarded(check)(resolver)


def portal_only(resolver: Resolver[P, R]) -> Resolver[P, R]:
    """For customers in their portal. Each resolver behind it looks at what is `visitor(info)`'s and nothing else."""

    def check(context: Context) -> None:
        if context.portal is None:
            raise AccessDenied("unauthorized", "unauthorized")

    return _guarded(check)(resolver)


def public(resolver: Resolver[P, R]) -> Resolver[P, R]:
    """For everybody. Does nothing but say so."""
    return resolver


def member(info: Info) -> MemberAccess:
    """The caller's membership, behind `operation`."""
    access = current(info).access
    assert access is not None, "only behind @operation"
    return access


def visitor(info: Info) -> PortalAccess:
    """The customer who is asking, behind `portal_only`."""
    portal = current(info).portal
    assert portal is not None, "only behind @portal_only"
    return portal


def permitted(info: Info, *permissions: str) -> bool:
    """Whether the caller has any of the permissions: for fields that are null and inputs that are dropped without."""
    access = current(info).access
    return access is not None and any(access.may(permission) for permission in permissions)


def _tenant(info: Info) -> Tenant:
    tenant = current(info).tenant
    assert tenant is not None, "only behind @operation or @portal_only"
    return tenant


@asynccontextmanager
async def command(info: Info) -> AsyncIterator[UnitOfWork]:
    """The transaction of a mutation, bound to the caller's organization; committed at the end of the block, or with
    the whole request where that is one transaction."""
    whole = current(info).whole
    if whole is None:
        async with tenant_work(_tenant(info), current(info).author) as work:
            yield work
        return
    async with whole.turn:
        recorded = whole.work.recorded
        try:
            async with whole.work.session.begin_nested():
                yield whole.work
        except BaseException:
            whole.work.forget_since(recorded)
            raise


@asynccontextmanager
async def read(info: Info) -> AsyncIterator[UnitOfWork]:
    """The transaction of a query, bound to the caller's organization."""
    whole = current(info).whole
    if whole is not None:
        async with whole.turn:
            yield whole.work
        return
    async with tenant_work(_tenant(info)) as work:
        yield work


def to_params(input: object) -> dict[str, Any]:
    """An input as a command takes it: snake_case keys, absent ones left out, null kept, enums as their values and
    floats as the Decimals that were sent."""
    value = _plain(input)
    assert isinstance(value, dict)
    value.pop("client_mutation_id", None)
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _plain(item) for name, item in pairs if item is not strawberry.UNSET}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return exact(value) if isinstance(value, float) else value
