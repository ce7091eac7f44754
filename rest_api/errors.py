"""What a refusal looks like on the REST interface (platform handbook, section 4.2)."""

from __future__ import annotations

from starlette.responses import Response

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
from infrastructure import exact_json

__all__ = ["refusal_answer"]


def refusal_answer(refusal: Refusal) -> Response:
    """The status and body for a refusal. Raises it again when it is of a kind this interface does not know."""
    headers: dict[str, str] = {}
    match refusal:
        case BadRequest(message=message):
            status, body = 400, {"error": f"BadRequest: {message}"}
        case Unauthorized():
            status, body = 401, {"error": "Unauthorized"}
        case Forbidden(code=code):
            status, body = 403, {"error": "Forbidden", "code": code}
        case NotFound(resource=resource):
            status, body = 404, {"error": "Not Found", "code": f"{resource}_not_found"}
        case NotAllowed(code=code):
            status, body = 405, {"error": "Method Not Allowed", "code": code}
        case ValidationFailed(details=details, code=code):
            status, body = 422, {"error": "Unprocessable Entity", "code": code}
            if details:
                body["error_details"] = details  # type: ignore[assignment]
        case Throttled(retry_after=seconds):
            status, body = 429, {"error": "Too Many Requests", "code": "too_many_requests"}
            headers["retry-after"] = str(seconds)
        case _:
            raise refusal
    return Response(exact_json.dump({"status": status, **body}), status, headers, "application/json")
