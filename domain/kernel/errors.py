"""What a command refuses, in the terms of the handbook. The edges turn these into REST and GraphQL answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "BadRequest",
    "Forbidden",
    "NotAllowed",
    "NotFound",
    "Refusal",
    "Throttled",
    "Unauthorized",
    "ValidationFailed",
]

Details = Mapping[str, Sequence[str]]


class Refusal(Exception):
    """A business rule said no. Never retried, never logged as a fault; nothing of the command remains."""


class NotFound(Refusal):
    """404. `resource` is the singular name in snake case: `plan`, `billable_metric`."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} not found")
        self.resource = resource


class ValidationFailed(Refusal):
    """422. Maps each wrong field (snake case) to its codes, e.g. {"code": ["value_already_exist"]}.

    `details` may be any JSON value where the interface asks for one: an index-keyed map for event batches, a plain
    sentence for expressions.
    """

    def __init__(self, details: Mapping[str, object] | str, code: str = "validation_errors") -> None:
        super().__init__(str(details))
        self.details = details
        self.code = code


class NotAllowed(Refusal):
    """405: the thing is in a state that does not allow it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Forbidden(Refusal):
    """403 with a specific code."""

    def __init__(self, code: str = "feature_unavailable", message: str = "forbidden") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class Unauthorized(Refusal):
    """401: no valid user or API key."""

    def __init__(self, code: str = "unauthorized") -> None:
        super().__init__(code)
        self.code = code


class BadRequest(Refusal):
    """400: the request has no readable body or lacks its root object."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Throttled(Refusal):
    """429: too many failed tries; `retry_after` in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after
