"""Who asks: built once per request from its headers, before any resolver runs.

A request speaks for a member of an organization or for a customer in its portal, never for both.
Source: handbook, platform 2.2 and 2.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from starlette.requests import Request
from strawberry import Info

from domain.customers.portal import PortalAccess, portal_access
from domain.identity.access import MemberAccess, member_access
from domain.kernel.authors import Author, Origin
from domain.kernel.ids import parse_id
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import jwt

__all__ = ["Context", "WholeRequest", "context_of", "current"]


@dataclass(slots=True)
class WholeRequest:
    """One transaction for all resolvers of a request, which take turns in it."""

    work: UnitOfWork
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Context:
    """The caller of one request.

    user_id: of a valid token, None for anonymous callers. access: the active membership named by the
    x-lago-organization header, with its permissions. portal: the customer of a valid customer-portal-token; there is
    no user and no access then. response_headers: sent with the answer.
    loaders: place for the data loaders of this request, by name. whole: where all of it is one transaction.
    """

    request: Request
    user_id: UUID | None = None
    login_method: str | None = None
    access: MemberAccess | None = None
    portal: PortalAccess | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    loaders: dict[str, Any] = field(default_factory=dict)
    whole: WholeRequest | None = None

    @property
    def tenant(self) -> Tenant | None:
        speaks = self.access or self.portal
        return speaks.tenant if speaks else None

    @property
    def author(self) -> Author:
        """Who asks, for the logs and for throttling."""
        address = self.request.client.host if self.request.client else "unknown"
        return Author("front", self.user_id, origin=Origin(self.request.headers.get("user-agent", ""), address))


def current(info: Info) -> Context:
    """The context of a resolver's request."""
    return cast(Context, info.context)


async def context_of(request: Request, asks_portal: Callable[[], bool]) -> Context:
    """Reads the headers. Raises jwt.Expired for a token past its end; any other bad token is an anonymous caller.

    asks_portal: whether the document asks for something of the portal. It decides who is asking where a request carries
    both tokens.
    """
    context = Context(request)
    token = request.headers.get("authorization", "").rpartition(" ")[2]
    portal_token = request.headers.get("customer-portal-token", "").strip()
    if portal_token and (not token or asks_portal()):
        context.portal = await portal_access(portal_token)
        return context
    if not token:
        return context
    try:
        claims = jwt.decode(token)
    except jwt.Invalid:
        return context
    context.user_id = parse_id(claims.user_id)
    if context.user_id is None:
        return context
    context.login_method = claims.login_method
    renewed = jwt.renewed(token)
    if renewed:
        context.response_headers["x-lago-token"] = renewed
    organization_id = parse_id(request.headers.get("x-lago-organization"))
    if organization_id:
        context.access = await member_access(context.user_id, organization_id)
    return context
