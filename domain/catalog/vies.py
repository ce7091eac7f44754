"""Asking the EU's register of VAT numbers. Source: VIES, "checkVat" of its REST interface."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from infrastructure import exact_json, outbound
from infrastructure.settings import settings

__all__ = ["Answer", "Unavailable", "ask_register", "pause_after"]

SECONDS: Final = 20
LONGEST_ERROR: Final = 500
_INVALID: Final = frozenset({"INVALID", "INVALID_INPUT"})
_PAUSES: Final = (5, 5, 10, 20, 40)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register says of a number."""

    valid: bool
    country_code: str
    vat_number: str
    name: str | None = None
    address: str | None = None


class Unavailable(Exception):
    """The register, or that of the member state, did not answer; the text says how."""


async def ask_register(number: str) -> Answer:
    """Whether a number is known, as `eu_tax_rules.vat_number` writes it. Raises Unavailable."""
    country, rest = number[:2], number[2:]
    address = f"{settings().vies_url.rstrip('/')}/ms/{country}/vat/{rest}"
    try:
        # The operator chose the address, so it may be a private one.
        async with asyncio.timeout(2 * SECONDS), outbound.client(SECONDS, allow_private=True) as client:
            response = await client.get(address, headers={"Accept": "application/json"})
        body = exact_json.load(response.content)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, exact_json.MalformedJSON) as error:
        raise Unavailable(f"{type(error).__name__}: {error}"[:LONGEST_ERROR]) from error
    return _answer(country, rest, response.status_code, body)


def _answer(country: str, number: str, status: int, body: Any) -> Answer:
    said = body.get("userError") if isinstance(body, dict) else None
    if said == "VALID" and body.get("isValid") is True:
        return Answer(True, country, number, _text(body.get("name")), _text(body.get("address")))
    if said in _INVALID or (status == httpx.codes.OK and isinstance(body, dict) and body.get("isValid") is False
                            and said is None):  # fmt: skip
        return Answer(False, country, number)
    raise Unavailable(f"the register answered {status} {said or ''}".strip()[:LONGEST_ERROR])


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip("- ") else None


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many calls that failed: 5, 5, 10, 20, 40 minutes, then an hour."""
    return timedelta(minutes=_PAUSES[attempts - 1] if attempts <= len(_PAUSES) else 60)
