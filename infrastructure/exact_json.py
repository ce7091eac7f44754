"""JSON with exact numbers: what was sent as 1.10 stays 1.10, and no number passes through a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

__all__ = ["MalformedJSON", "dump", "dump_text", "load"]

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class MalformedJSON(ValueError):
    """The text is not JSON, or nested too deep."""


def load(data: bytes | str) -> Any:
    """Objects, lists, texts, integers of any size, Decimals, booleans, None. Raises MalformedJSON."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedJSON(str(error)) from None


def dump(value: Any) -> bytes:
    """Compact JSON; Decimals as numbers, dates as ISO 8601, UUIDs as text."""
    return _encoder.encode(value)


def dump_text(value: Any) -> str:
    """As `dump`, as text."""
    return _encoder.encode(value).decode()
