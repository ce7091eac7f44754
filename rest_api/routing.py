"""Routes whose path parameters are codes chosen by clients.

Codes may contain dots, spaces and slashes. A path is matched as it was sent, before percent-decoding, so that
`/plans/a%2Fcharges` is the plan "a/charges" and not the charges of the plan "a".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

__all__ = ["PREFIX", "ResourceRoute", "delete", "get", "patch", "post", "put"]

PREFIX = "/api/v1"

Endpoint = Callable[[Request], Awaitable[Response]]


class ResourceRoute(Route):
    """A route matched on the undecoded path; a trailing slash does not count."""

    def matches(self, scope: MutableMapping[str, Any]) -> tuple[Match, MutableMapping[str, Any]]:
        raw = scope.get("raw_path")
        if scope["type"] != "http" or raw is None:
            return super().matches(scope)
        path = raw.decode("latin-1")
        match, child = super().matches({**scope, "path": path.rstrip("/") or "/"})
        if match is not Match.NONE:
            child["path_params"] = {
                name: unquote(value) if isinstance(value, str) else value
                for name, value in child["path_params"].items()
            }
        return match, child


def get(path: str, endpoint: Endpoint) -> ResourceRoute:
    """GET under /api/v1."""
    return ResourceRoute(PREFIX + path, endpoint, methods=["GET"])


def post(path: str, endpoint: Endpoint) -> ResourceRoute:
    """POST under /api/v1."""
    return ResourceRoute(PREFIX + path, endpoint, methods=["POST"])


def put(path: str, endpoint: Endpoint) -> ResourceRoute:
    """PUT and PATCH under /api/v1: updates answer both alike."""
    return ResourceRoute(PREFIX + path, endpoint, methods=["PUT", "PATCH"])


def patch(path: str, endpoint: Endpoint) -> ResourceRoute:
    """PATCH alone under /api/v1: where it merges and another verb replaces."""
    return ResourceRoute(PREFIX + path, endpoint, methods=["PATCH"])


def delete(path: str, endpoint: Endpoint) -> ResourceRoute:
    """DELETE under /api/v1."""
    return ResourceRoute(PREFIX + path, endpoint, methods=["DELETE"])
