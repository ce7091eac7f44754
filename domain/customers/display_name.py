"""What a customer is called on screens and documents."""

from __future__ import annotations

__all__ = ["display_name"]


def display_name(name: str | None, legal_name: str | None, firstname: str | None, lastname: str | None) -> str:
    """The legal name, else the name; then the person: "Hooli Inc. - Gavin Belson". Empty when nothing is known."""
    company = legal_name or name
    person = " ".join(part for part in (firstname, lastname) if part)
    return " - ".join(part for part in (company, person) if part)
