"""From the lines of a CSV file to events: exact numbers, exact times, a stable transaction id."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

__all__ = ["Columns", "Line", "UnreadableFile", "read_lines", "unix_seconds"]

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SECONDS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(\.[0-9]+)?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_NAME = 60


class UnreadableFile(Exception):
    """The file is no CSV, or lacks a column that was named."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns mean. properties: column to name of the property."""

    code: str
    timestamp: str
    subscription: str | None
    subscription_column: str | None
    properties: Mapping[str, str]

    def named(self) -> list[str]:
        return [self.timestamp, *([self.subscription_column] if self.subscription_column else []), *self.properties]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file, and its event or why there is none."""

    number: int
    transaction_id: str = ""
    event: Mapping[str, object] | None = None
    problem: str | None = None


def read_lines(path: Path, columns: Columns, read: Callable[[int], None]) -> Iterator[Line]:
    """The lines in order; `read` is told how many bytes were taken. Raises UnreadableFile."""

    def texts() -> Iterator[str]:
        with path.open("rb") as file:
            for number, raw in enumerate(file):
                read(len(raw))
                yield raw.decode("utf-8-sig" if number == 0 else "utf-8")

    reader = csv.reader(texts())
    number = 1
    try:
        header = next(reader, None)
        if not header:
            raise UnreadableFile(f"{path} is empty: its first line must name the columns.")
        missing = [name for name in columns.named() if name not in header]
        if missing:
            raise UnreadableFile(f"{path} has no column {', '.join(missing)}; it has: {', '.join(header)}.")
        places = {name: header.index(name) for name in columns.named()}
        number = reader.line_num
        for cells in reader:
            number = reader.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                yield Line(number, problem=f"{len(cells)} cells where {len(header)} columns are named")
                continue
            yield _line(path, columns, number, cells, {name: cells[place] for name, place in places.items()})
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not UTF-8 after line {number}: {error.reason}.") from None
    except csv.Error as error:
        raise UnreadableFile(f"{path} cannot be read after line {number}: {error}.") from None


def _line(path: Path, columns: Columns, number: int, cells: list[str], cell: Mapping[str, str]) -> Line:
    timestamp = unix_seconds(cell[columns.timestamp].strip())
    if timestamp is None:
        return Line(number, problem=f"{columns.timestamp} is no time: {cell[columns.timestamp][:40]!r}")
    subscription = columns.subscription
    if columns.subscription_column is not None:
        subscription = cell[columns.subscription_column].strip()
        if not subscription:
            return Line(number, problem=f"{columns.subscription_column} is empty")
    content = "\0".join([path.name, columns.code, str(number), *cells])
    transaction_id = f"{path.stem[:MAX_NAME]}-{number}-{sha256(content.encode()).hexdigest()[:24]}"
    event = {
        "transaction_id": transaction_id,
        "code": columns.code,
        "external_subscription_id": subscription,
        "timestamp": timestamp,
        # An empty cell is no property.
        "properties": {name: _value(cell[column]) for column, name in columns.properties.items() if cell[column] != ""},
    }
    return Line(number, transaction_id, event)


def _value(text: str) -> object:
    """A number goes out with the very digits of the file; anything else is a text."""
    stripped = text.strip()
    return msgspec.Raw(stripped.encode()) if _NUMBER.fullmatch(stripped) else text


def unix_seconds(text: str) -> str | None:
    """Unix seconds with every fractional digit that was given; None for what is no instant."""
    if _SECONDS.fullmatch(text):
        return text
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{zone or '+00:00'}")
        seconds = instant.astimezone(UTC) - _EPOCH
    except (ValueError, OverflowError):
        return None
    whole = seconds.days * 86_400 + seconds.seconds
    if whole < 0 and fraction and fraction.strip(".0"):
        # -1.5 s is one second before -0.5 s: the fraction counts forward from the whole second.
        digits = len(fraction) - 1
        part = 10**digits - int(fraction[1:])
        return f"-{-whole - 1}.{part:0{digits}d}"
    return f"{whole}{fraction or ''}"
