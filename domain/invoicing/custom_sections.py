"""Which custom sections an invoice carries. Pure. Source: handbook, subscriptions-and-invoices 10.4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Chosen", "Inherited", "Section", "applied", "section_rows"]


@dataclass(frozen=True, slots=True)
class Section:
    """A section as it reads now. system: made by the server, not selected by people."""

    code: str
    name: str
    display_name: str | None = None
    details: str | None = None
    system: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one billed row says: that it has none, or sections of its own, or nothing."""

    skips: bool = False
    own: Sequence[Section] = ()


@dataclass(frozen=True, slots=True)
class Inherited:
    """What the customer says, and its billing entity where the customer selected nothing."""

    skips: bool = False
    own: Sequence[Section] = ()
    of_entity: Sequence[Section] = ()

    @property
    def sections(self) -> list[Section]:
        """For what selects nothing itself."""
        if self.skips:
            return []
        manual = [each for each in self.own if not each.system]
        return [*(manual or self.of_entity), *self.always]

    @property
    def always(self) -> list[Section]:
        """Those that the server put on the customer."""
        return [] if self.skips else [each for each in self.own if each.system]


def applied(rows: Iterable[Chosen], customer: Inherited) -> list[Section]:
    """The sections of an invoice of these rows, each once.

    Rows with sections of their own contribute those, rows without what the customer has. None at all where every row
    skips them.
    """
    rows = list(rows)
    if all(row.skips for row in rows):
        return []
    found: dict[str, Section] = {}
    for row in rows:
        if not row.skips:
            for section in row.own or customer.sections:
                found.setdefault(section.code, section)
    for section in customer.always:
        found.setdefault(section.code, section)
    return list(found.values())


def section_rows(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """What an invoice keeps of them."""
    return [
        {"code": each.code, "name": each.name, "display_name": each.display_name, "details": each.details}
        for each in sections
    ]
