"""Reading what a client sent: every wrong field at once, each with its codes.

    read = Reader(params)
    code = read.text("code", mandatory=True)
    interval = read.choice("interval", INTERVALS, mandatory=True)
    read.finish()          # raises ValidationFailed with all that was wrong

Params are a mapping with snake_case keys, from REST or from a GraphQL input alike. An absent key and a null are told
apart with `in read`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from domain.kernel.errors import ValidationFailed
from domain.kernel.ids import parse_id

__all__ = ["MANDATORY", "Params", "Reader", "clean_json", "parse_instant", "storable"]

Params = Mapping[str, Any]

MANDATORY = "value_is_mandatory"
INVALID = "value_is_invalid"
OUT_OF_RANGE = "value_is_out_of_range"
TOO_LONG = "value_is_too_long"
TAKEN = "value_already_exist"

BIGGEST = 2**63 - 1
MAX_TEXT = 10_000
MAX_JSON_DEPTH = 30
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold this text: no NUL and no lone surrogate."""
    return _UNSTORABLE.search(text) is None


def clean_json(value: Any, depth: int = 0) -> bool:
    """Whether a JSON value can be stored: storable texts, depth and digits within reason."""
    if depth > MAX_JSON_DEPTH:
        return False
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and storable(k) and clean_json(v, depth + 1) for k, v in value.items())
    if isinstance(value, list | tuple):
        return all(clean_json(v, depth + 1) for v in value)
    if isinstance(value, Decimal):
        return value.is_finite() and abs(value.adjusted()) < 1000
    if isinstance(value, int):
        return value.bit_length() < 3000
    return True


def parse_instant(value: object) -> datetime | None:
    """An ISO 8601 instant or bare date (midnight UTC), in UTC; None for anything else. A missing zone means UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if not isinstance(value, str) or not 8 <= len(value) <= 40:
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


class Reader:
    """Collects the errors of one set of params while its fields are read."""

    def __init__(self, params: object, errors: dict[str, list[str]] | None = None) -> None:
        self.params: Params = params if isinstance(params, Mapping) else {}
        self.errors: dict[str, list[str]] = errors if errors is not None else {}

    def __contains__(self, name: str) -> bool:
        return name in self.params

    def add(self, name: str, code: str) -> None:
        """Notes that a field is wrong."""
        codes = self.errors.setdefault(name, [])
        if code not in codes:
            codes.append(code)

    def finish(self) -> None:
        """Raises ValidationFailed when anything was wrong."""
        if self.errors:
            raise ValidationFailed(self.errors)

    def _blank(self, name: str, mandatory: bool, code: str = MANDATORY) -> bool:
        value = self.params.get(name)
        blank = value is None or (isinstance(value, str) and not value.strip())
        if blank and mandatory:
            self.add(name, code)
        return blank

    def text(self, name: str, *, mandatory: bool = False, longest: int = 255, default: str | None = None) -> str | None:
        """A text, stripped; blank is None. Numbers are taken as their text, as Rails did."""
        if self._blank(name, mandatory):
            return default
        value = self.params[name]
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not storable(value):
            self.add(name, INVALID)
            return default
        if len(value) > min(longest, MAX_TEXT):
            self.add(name, TOO_LONG)
            return default
        return value.strip()

    def choice(
        self,
        name: str,
        values: Collection[str],
        *,
        mandatory: bool = False,
        default: str | None = None,
        code: str = INVALID,
    ) -> str | None:
        """One of the given texts; anything else is wrong with `code`, as is a missing one that is mandatory."""
        if self._blank(name, mandatory, code):
            return default
        value = self.params[name]
        if not isinstance(value, str) or value not in values:
            self.add(name, code)
            return default
        return value

    def boolean(self, name: str, *, mandatory: bool = False, default: bool | None = None) -> bool | None:
        """True or false, also as the words; anything else is `value_is_invalid`."""
        value = self.params.get(name)
        if value is None:
            if mandatory:
                self.add(name, INVALID)
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        self.add(name, INVALID)
        return default

    def integer(
        self, name: str, *, mandatory: bool = False, least: int = -BIGGEST, most: int = BIGGEST,
        default: int | None = None,
    ) -> int | None:  # fmt: skip
        """A whole number, also as text; out of [least, most] is `value_is_out_of_range`."""
        if self._blank(name, mandatory):
            return default
        value = self.params[name]
        if isinstance(value, str) and len(value) <= 40 and value.strip().lstrip("+-").isascii():
            try:
                value = int(value)
            except ValueError:
                value = None
        elif isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 40 and value == int(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.add(name, INVALID)
            return default
        if not least <= value <= most:
            self.add(name, OUT_OF_RANGE)
            return default
        return value

    def decimal(
        self, name: str, *, mandatory: bool = False, least: Decimal | None = None, most: Decimal = Decimal(10) ** 20,
        default: Decimal | None = None,
    ) -> Decimal | None:  # fmt: skip
        """An exact number, also as text; not finite or beyond the bounds is `value_is_out_of_range`."""
        if self._blank(name, mandatory):
            return default
        value = self.params[name]
        try:
            number = Decimal(str(value)) if not isinstance(value, bool) and len(str(value)) <= 100 else None
        except InvalidOperation:
            number = None
        if number is None or not isinstance(value, int | float | str | Decimal):
            self.add(name, INVALID)
            return default
        if not number.is_finite() or abs(number) > most or (least is not None and number < least):
            self.add(name, OUT_OF_RANGE)
            return default
        return number

    def instant(
        self, name: str, *, mandatory: bool = False, code: str = "invalid_date", default: datetime | None = None
    ) -> datetime | None:
        """An ISO 8601 instant or date, in UTC."""
        if self._blank(name, mandatory):
            return default
        parsed = parse_instant(self.params[name])
        if parsed is None:
            self.add(name, code)
            return default
        return parsed

    def anchor(self, name: str, *, default: datetime | None = None) -> datetime | None:
        """An instant that periods are counted from: `value_is_out_of_range` outside the years 1900 to 9000, since the
        calendar ends where the periods around it are looked for."""
        found = self.instant(name, default=default)
        if found is not None and not 1900 <= found.year <= 9000:
            self.add(name, OUT_OF_RANGE)
            return default
        return found

    def day(self, name: str, *, mandatory: bool = False, default: date | None = None) -> date | None:
        """A calendar date, YYYY-MM-DD."""
        if self._blank(name, mandatory):
            return default
        try:
            return date.fromisoformat(str(self.params[name])[:10])
        except ValueError:
            self.add(name, "invalid_date")
            return default

    def id(self, name: str, *, mandatory: bool = False) -> UUID | None:
        """A UUID; what is not one is None, as an id that does not exist."""
        if self._blank(name, mandatory):
            return None
        return parse_id(self.params[name])

    def json_object(self, name: str, default: Params | None = None) -> Params | None:
        """A JSON object that can be stored."""
        value = self.params.get(name)
        if value is None:
            return default
        if not isinstance(value, Mapping) or not clean_json(value):
            self.add(name, INVALID)
            return default
        return value

    def objects(self, name: str, *, most: int = 1000) -> list[Params] | None:
        """A list of JSON objects; None when absent or null."""
        value = self.params.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            self.add(name, INVALID)
            return None
        if len(value) > most:
            self.add(name, "too_many_values")
            return None
        return value

    def texts(self, name: str, *, most: int = 1000) -> list[str] | None:
        """A list of texts; None when absent or null."""
        value = self.params.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) and storable(item) for item in value):
            self.add(name, INVALID)
            return None
        if len(value) > most:
            self.add(name, "too_many_values")
            return None
        return value
