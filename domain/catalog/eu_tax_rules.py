"""Which EU tax a customer has. Pure. Source: handbook, subscriptions-and-invoices 5.7.

Every answer is the code of a tax that `eu_taxes` makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from stdnum.eu import vat

from domain.catalog.eu_vat_rates import STANDARD_RATES, TERRITORIES, Territory, standard_rate, territory_of

__all__ = [
    "PREFIX", "REVERSE_CHARGE", "TAX_EXEMPT", "Address", "EuTax", "all_taxes", "code_after_check", "code_without_check",
    "vat_number",
]  # fmt: skip

PREFIX: Final = "lago_eu_"
REVERSE_CHARGE: Final = f"{PREFIX}reverse_charge"
TAX_EXEMPT: Final = f"{PREFIX}tax_exempt"
# Greek numbers begin with the country's name in Greek.
_COUNTRY_OF_PREFIX: Final = {"EL": "GR"}


@dataclass(frozen=True, slots=True)
class EuTax:
    """A tax to be made: rate in percent."""

    code: str
    name: str
    description: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Address:
    """What decides: the country as ISO 3166 code, the postcode and the tax number as the client gave them."""

    country: str | None
    zipcode: str | None
    number: str | None


def all_taxes(on: date) -> Iterator[EuTax]:
    """Every EU tax with its rate on a day."""
    for country in sorted(STANDARD_RATES):
        name = f"VAT {country}"
        yield EuTax(_standard(country), name, f"Standard rate of {country}", standard_rate(country, on))
    for territory in TERRITORIES:
        about = f"Rate of {territory.name}"
        yield EuTax(_exception(territory), f"VAT {territory.country} {territory.name}", about, territory.rate)
    yield EuTax(REVERSE_CHARGE, "Reverse charge", "The recipient accounts for the tax", Decimal(0))
    yield EuTax(TAX_EXEMPT, "Tax exempt", "Outside the scope of EU tax", Decimal(0))


def vat_number(number: str | None) -> str | None:
    """A number as the register knows it, country first; None for what is not written like one of its country."""
    if not number or len(number) > 50 or not vat.is_valid(number):
        return None
    compact = str(vat.compact(number))
    return f"EL{compact[2:]}" if compact.startswith("GR") else compact


def code_without_check(entity_country: str, address: Address) -> str | None:
    """The tax of a customer; None when its number is to be checked with the register first.

    A number that can't be one is as none.
    """
    number = vat_number(address.number)
    territory = territory_of(address.country, address.zipcode)
    if territory is not None and (territory.country != "FR" or number):
        return _exception(territory)
    return None if number else _by_country(entity_country, address)


def code_after_check(entity_country: str, address: Address, *, valid: bool) -> str:
    """The tax of a customer whose number the register knows or not."""
    number = vat_number(address.number)
    if not valid or number is None:
        return _by_country(entity_country, address)
    country = _COUNTRY_OF_PREFIX.get(number[:2], number[:2])
    return _standard(entity_country) if country == entity_country else REVERSE_CHARGE


def _by_country(entity_country: str, address: Address) -> str:
    country = address.country or entity_country
    return _standard(country) if country in STANDARD_RATES else TAX_EXEMPT


def _standard(country: str) -> str:
    return f"{PREFIX}{country.lower()}_standard"


def _exception(territory: Territory) -> str:
    return f"{PREFIX}{territory.country.lower()}_exception_{territory.key}"
