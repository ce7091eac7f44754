"""What of a call is kept: JSON without secrets, and not more of it than is useful. Pure.

Source of the names: handbook, platform 14.
"""

from __future__ import annotations

import re
from typing import Any, Final

from domain.kernel.validation import clean_json
from infrastructure import exact_json

__all__ = ["FILTERED", "MOST_BYTES", "kept_answer", "kept_body"]

FILTERED: Final = "[FILTERED]"
MOST_BYTES: Final = 64 * 1024
"""Of a body or an answer; of what is larger only its size is kept."""
_SECRET: Final = re.compile("passw|email|secret|token|_key|crypt|salt|certificate|otp|ssn", re.IGNORECASE)


def kept_body(content: Any, size: int, query: dict[str, str]) -> Any:
    """What was sent, from the parsed body of so many bytes and the query string: one object where the body is one."""
    if size > MOST_BYTES:
        return {**_filtered(query), "truncated": True, "bytes": size}
    if query:
        content = {**query, **content} if isinstance(content, dict) else {**query, "body": content}
    return _storable(content, size)


def kept_answer(body: bytes) -> Any:
    """What was answered; None for an answer without a body, or one that is no JSON."""
    if not body:
        return None
    if len(body) > MOST_BYTES:
        return {"truncated": True, "bytes": len(body)}
    try:
        return _storable(exact_json.load(body), len(body))
    except exact_json.MalformedJSON:
        return None


def _storable(content: Any, size: int) -> Any:
    """JSON that PostgreSQL takes, without secrets; what it does not take was refused, so its size will do."""
    return _filtered(content) if clean_json(content) else {"truncated": True, "bytes": size}


def _filtered(content: Any) -> Any:
    """Values whose name is that of a secret are replaced, at any depth. `clean_json` has limited the depth."""
    if isinstance(content, dict):
        return {name: FILTERED if _SECRET.search(name) else _filtered(value) for name, value in content.items()}
    return [_filtered(item) for item in content] if isinstance(content, list) else content
