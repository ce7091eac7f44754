"""From what went wrong to the error that the client gets: every error carries extensions with a status and a code.

Source: handbook, platform 2.4 and 2.5.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from domain.kernel.errors import (
    BadRequest,
    Forbidden,
    NotAllowed,
    NotFound,
    Refusal,
    Throttled,
    Unauthorized,
    ValidationFailed,
)

__all__ = ["AccessDenied", "camel", "error_body", "is_fault", "plain_error", "refusal_body"]

MAX_MESSAGE = 600


class AccessDenied(Exception):
    """The caller may not use this operation. `status` is text here, as the interface has it."""

    def __init__(self, message: str, code: str, required_permissions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.required_permissions = required_permissions


def camel(name: str) -> str:
    """`external_id` as `externalId`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _refused(refusal: Refusal) -> tuple[str, dict[str, Any]]:
    """Message and extensions of a business error."""
    match refusal:
        case NotFound():
            details = {camel(refusal.resource): ["not_found"]}
            return "Resource not found", {"status": 404, "code": "not_found", "details": details}
        case ValidationFailed():
            extensions: dict[str, Any] = {
                "status": 422,
                "code": "unprocessable_entity" if refusal.code == "validation_errors" else refusal.code,
            }
            if isinstance(refusal.details, Mapping):
                extensions["details"] = {camel(str(key)): codes for key, codes in refusal.details.items()}
            elif refusal.details:
                extensions["details"] = {"base": [refusal.details]}
            return "Unprocessable Entity", extensions
        case NotAllowed():
            return "Method Not Allowed", {"status": 405, "code": refusal.code}
        case Forbidden():
            return refusal.message, {"status": 403, "code": refusal.code}
        case Unauthorized():
            return "unauthorized", {"status": "unauthorized", "code": refusal.code}
        case Throttled():
            extensions = {"status": 429, "code": "too_many_attempts", "retryAfter": refusal.retry_after}
            return "Too many attempts", extensions
        case BadRequest():
            return refusal.message, {"status": 400, "code": "bad_request"}
    return "Unprocessable Entity", {"status": 422, "code": "unprocessable_entity"}


# What the checks of a document say, and the code that the interface has for it.
_DOCUMENT_CODES = (
    (re.compile(r"Syntax Error"), "syntax_error"),
    (re.compile(r"Cannot query field"), "undefinedField"),
    (re.compile(r"Unknown argument"), "argumentNotAccepted"),
    (re.compile(r"Argument .* is required"), "missingRequiredArguments"),
    (re.compile(r"Expected value of type .* to include required field"), "missingRequiredInputObjectAttribute"),
    (re.compile(r"Expected value of type .* not to include unknown field"), "argumentNotAccepted"),
    (re.compile(r"Unknown type"), "undefinedType"),
    (re.compile(r"Unknown fragment"), "useOfUndefinedFragment"),
    (re.compile(r"Unknown directive"), "undefinedDirective"),
    (re.compile(r"Variable .* (got invalid value|has invalid value|of required type|of non-null type)"),
     "variable_is_invalid"),
    (re.compile(r"Variable .* is not defined"), "variableNotDefined"),
    (re.compile(r"Variable .* is never used"), "variableNotUsed"),
    (re.compile(r"Variable .* of type .* used in position"), "variableMismatch"),
    (re.compile(r".*must have a (selection|sub selection)|.*must not have a selection"), "selectionMismatch"),
    (re.compile(r".*cannot represent|.*cannot contain|.*cannot hold|Expected value of type|Value .* does not exist in"),
     "argumentLiteralsIncompatible"),
)  # fmt: skip
_FIELD = re.compile(r"Expected value of type '\w+!?' (?:not to include unknown|to include required) field '(\w+)'")
_AT = re.compile(r" has invalid value at \.?([\w.\[\]]+?):? ")


def _document_error(error: GraphQLError) -> dict[str, Any]:
    """Extensions for an error of the document or its variables."""
    code = next((code for pattern, code in _DOCUMENT_CODES if pattern.match(error.message)), "invalid_document")
    extensions: dict[str, Any] = {"status": 400, "code": code}
    if code == "variable_is_invalid":
        at = _AT.search(error.message)
        path = re.findall(r"\w+", at.group(1)) if at else []
        path += _FIELD.findall(error.message[:MAX_MESSAGE])[:1]
        extensions["problems"] = [{"path": path, "explanation": _short(error.message)}]
    return extensions


def _short(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def _cause(error: GraphQLError) -> BaseException | None:
    """The exception behind an error, below GraphQL's own wrappers."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def is_fault(error: GraphQLError) -> bool:
    """Whether this is a defect of ours, to be logged with its traceback."""
    cause = _cause(error)
    if cause is None:
        # What a resolver gave could not be written as its type says; arguments are the client's.
        return error.path is not None and not error.message.startswith("Argument")
    return not isinstance(cause, Refusal | AccessDenied)


def error_body(error: GraphQLError) -> dict[str, Any]:
    """The error as the client gets it."""
    cause = _cause(error)
    if isinstance(cause, Refusal):
        message, extensions = _refused(cause)
    elif isinstance(cause, AccessDenied):
        message, extensions = cause.message, {"status": cause.code, "code": cause.code}
        if cause.required_permissions:
            extensions["required_permissions"] = list(cause.required_permissions)
    elif is_fault(error):
        message, extensions = "Internal error", {"status": 500, "code": "internal_error"}
    else:
        message = _short(error.message)
        extensions = dict(error.extensions or {}) or _document_error(error)
    body: dict[str, Any] = {"message": message}
    if error.locations:
        body["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        body["path"] = list(error.path)
    body["extensions"] = extensions
    return body


def refusal_body(refusal: Refusal) -> dict[str, Any]:
    """A whole answer that is one refusal, given before anything was run."""
    message, extensions = _refused(refusal)
    return {"data": {}, "errors": [{"message": message, "extensions": extensions}]}


def plain_error(message: str, status: int, code: str) -> dict[str, Any]:
    """A whole answer that is one error, given before anything was run."""
    return {"data": {}, "errors": [{"message": message, "extensions": {"status": status, "code": code}}]}
