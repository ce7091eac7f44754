"""The rates of value added tax in the countries of the EU and in territories with rates of their own.

Percent. A change of rate is a later entry, so that a past day keeps its rate. Sources: Council Directive 2006/112/EC,
articles 6, 104 and 105, and the rates that the member states publish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

__all__ = ["STANDARD_RATES", "TERRITORIES", "Territory", "standard_rate", "territory_of"]

_ALWAYS: Final = date.min


def _rates(*rates: str | tuple[date, str]) -> tuple[tuple[date, Decimal], ...]:
    """The first one is the rate since always."""
    dated = [each if isinstance(each, tuple) else (_ALWAYS, each) for each in rates]
    return tuple((since, Decimal(percent)) for since, percent in dated)


STANDARD_RATES: Final[Mapping[str, tuple[tuple[date, Decimal], ...]]] = {
    "AT": _rates("20"),
    "BE": _rates("21"),
    "BG": _rates("20"),
    "CY": _rates("19"),
    "CZ": _rates("21"),
    "DE": _rates("19"),
    "DK": _rates("25"),
    "EE": _rates("20", (date(2024, 1, 1), "22"), (date(2025, 7, 1), "24")),
    "ES": _rates("21"),
    "FI": _rates("24", (date(2024, 9, 1), "25.5")),
    "FR": _rates("20"),
    "GR": _rates("24"),
    "HR": _rates("25"),
    "HU": _rates("27"),
    "IE": _rates("23"),
    "IT": _rates("22"),
    "LT": _rates("21"),
    "LU": _rates("17", (date(2023, 1, 1), "16"), (date(2024, 1, 1), "17")),
    "LV": _rates("21"),
    "MT": _rates("18"),
    "NL": _rates("21"),
    "PL": _rates("23"),
    "PT": _rates("23"),
    "RO": _rates("19", (date(2025, 8, 1), "21")),
    "SE": _rates("25"),
    "SI": _rates("22"),
    "SK": _rates("20", (date(2025, 1, 1), "23")),
}


@dataclass(frozen=True, slots=True)
class Territory:
    """A part of a country with a rate of its own, known by its postcodes. key: how its tax is named."""

    country: str
    key: str
    name: str
    rate: Decimal
    postcodes: re.Pattern[str]


def _territories() -> Iterator[Territory]:
    for country, key, name, rate, postcodes in (
        ("AT", "jungholz", "Jungholz", "19", r"6691"),
        ("AT", "mittelberg", "Mittelberg", "19", r"699[1-3]"),
        ("DE", "busingen_am_hochrhein", "Büsingen am Hochrhein", "0", r"78266"),
        ("DE", "heligoland", "Heligoland", "0", r"27498"),
        ("ES", "canary_islands", "Canary Islands", "0", r"(35|38)\d{3}"),
        ("ES", "ceuta", "Ceuta", "0", r"51\d{3}"),
        ("ES", "melilla", "Melilla", "0", r"52\d{3}"),
        ("FI", "aland_islands", "Åland Islands", "0", r"22\d{3}"),
        ("FR", "guadeloupe", "Guadeloupe", "8.5", r"971\d{2}"),
        ("FR", "martinique", "Martinique", "8.5", r"972\d{2}"),
        ("FR", "guyane", "Guyane", "0", r"973\d{2}"),
        ("FR", "reunion", "Réunion", "8.5", r"974\d{2}"),
        ("FR", "mayotte", "Mayotte", "0", r"976\d{2}"),
        ("GR", "mount_athos", "Mount Athos", "0", r"6308[67]"),
        ("IT", "campione_d_italia", "Campione d'Italia", "0", r"2206[01]"),
        ("IT", "livigno", "Livigno", "0", r"23030|23041"),
        ("PT", "azores", "Azores", "16", r"9[5-9]\d{2}(\d{3})?"),
        ("PT", "madeira", "Madeira", "22", r"9[0-4]\d{2}(\d{3})?"),
    ):
        yield Territory(country, key, name, Decimal(rate), re.compile(postcodes))


TERRITORIES: Final = tuple(_territories())


def standard_rate(country: str, on: date) -> Decimal:
    """The standard rate of an EU country on a day. Raises KeyError for any other country."""
    return next(rate for since, rate in reversed(STANDARD_RATES[country]) if since <= on)


def territory_of(country: str | None, zipcode: str | None) -> Territory | None:
    """The territory of an address; blanks and dashes in a postcode don't matter."""
    code = re.sub(r"[\s-]", "", zipcode or "")
    return next((each for each in TERRITORIES if each.country == country and each.postcodes.fullmatch(code)), None)
