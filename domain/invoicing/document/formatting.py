"""Dates, numbers and money as a locale writes them (CLDR through Babel). Pure functions; no float on the way."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from domain.kernel.currencies import currency_of
from domain.kernel.money import from_cents, round_half_up

__all__ = ["Formatter", "formatter_for"]

BABEL_LOCALES = {"pt-BR": "pt_BR", "zh-TW": "zh_Hant_TW"}
# A unit price may be finer than the currency; more decimals than this are cut by the charge's own precision before.
MAX_DECIMALS = 15
PLACES = 6
_LETTER_AND_FIGURE = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


class Formatter:
    """How one locale and currency write values. Money is given in minor units, prices in the currency itself."""

    def __init__(self, locale: str, currency: str) -> None:
        self._locale = Locale.parse(BABEL_LOCALES.get(locale, locale))
        self._currency = currency
        pattern = self._locale.currency_formats["standard"].pattern
        decimals = currency_of(currency).exponent
        self._money = _with_decimals(pattern, "0" * decimals)
        self._price = _with_decimals(pattern, "0" * decimals + "#" * (MAX_DECIMALS - decimals))

    def date(self, day: date) -> str:
        text = format_date(day, "medium", self._locale)
        # The first of a month is an ordinal in French, which the locale data do not know.
        return f"1er{text[1:]}" if self._locale.language == "fr" and day.day == 1 else text

    def number(self, value: Decimal) -> str:
        return _signed(format_decimal(value, locale=self._locale, decimal_quantization=False))

    def rate(self, percent: Decimal) -> str:
        """A rate given in percent: Decimal("5.5") is 5.5 %."""
        pattern: str = self._locale.percent_formats[None].pattern
        return pattern.replace("#,##0", self.number(percent))

    def money(self, minor_units: int) -> str:
        return self._currency_text(from_cents(minor_units, self._currency), self._money)

    def price(self, value: Decimal) -> str:
        """A unit price. The average of tiers or days is a fraction without end, of which six places say enough: behind
        the point, or of the first figures where it is below one."""
        places = PLACES if not value or abs(value) >= 1 else PLACES - 1 - value.adjusted()
        return self._currency_text(round_half_up(value, min(places, MAX_DECIMALS)), self._price)

    def _currency_text(self, value: Decimal, pattern: str) -> str:
        text = format_currency(
            value,
            self._currency,
            format=pattern,
            locale=self._locale,
            currency_digits=False,
            decimal_quantization=False,
        )
        return _apart(_signed(text))


def _signed(text: str) -> str:
    """A minus as wide as a figure, in the place of a hyphen."""
    return text.replace("-", "\u2212")


def _apart(text: str) -> str:
    """A currency without a sign of its own stands apart from the figures: KWD 5, not KWD5."""
    return _LETTER_AND_FIGURE.sub("\u00a0", text)


def _with_decimals(pattern: str, decimals: str) -> str:
    return re.sub(r"0\.0+", f"0.{decimals}" if decimals else "0", pattern)


@lru_cache(maxsize=512)
def formatter_for(locale: str, currency: str) -> Formatter:
    """The formatter of a document locale and an ISO currency. Raises UnknownCurrencyError."""
    return Formatter(locale, currency)
