"""The currencies an amount can be in: exponent and subunits per unit.

The tables are those of the money gem 7.0.2 (pricing handbook, section 16), not today's ISO 4217: HUF, MGA and UGX have
no decimals here, and MRO counts five subunits in a unit. Stored cents depend on them, so a correction of this table
would change the meaning of rows already written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Currency:
    """`exponent`: decimals an amount is rounded to. `subunit_to_unit`: cents in one unit."""

    code: str
    exponent: int
    subunit_to_unit: int


class UnknownCurrencyError(ValueError):
    """The code is not one of the accepted currencies."""


_TABLE = (
    (0, 1, "BIF CLP DJF GNF HUF ISK JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"),
    (1, 5, "MRO"),
    (3, 1000, "BHD JOD KWD"),
    (4, 10000, "CLF"),
    (
        2,
        100,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP "
        "CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG IDR ILS INR IRR JMD "
        "KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
        "NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLL SOS SRD STD SZL THB TJS TOP TRY TTD "
        "TWD TZS UAH USD UYU UZS WST XCD YER ZAR ZMW",
    ),
)

CURRENCIES: Mapping[str, Currency] = MappingProxyType(
    {
        code: Currency(code, exponent, subunit_to_unit)
        for exponent, subunit_to_unit, codes in _TABLE
        for code in codes.split()
    }
)


def currency_of(code: str) -> Currency:
    """The currency of an upper-case ISO code. Raises UnknownCurrencyError."""
    try:
        return CURRENCIES[code]
    except KeyError:
        raise UnknownCurrencyError(f"unknown currency: {code!r}") from None
