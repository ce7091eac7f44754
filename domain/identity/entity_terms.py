"""The values that the settings of a billing entity may take, wherever they are sent to: an organization's own settings
stand on its default entity. Source: handbook, subscriptions-and-invoices 11 and platform 6.

Only what was sent is read: an absent field stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.identity.emails import cleaned_email, email_problem
from domain.identity.settings import DOCUMENT_LOCALES, EMAIL_SETTINGS
from domain.kernel.countries import COUNTRIES, EU_COUNTRIES
from domain.kernel.currencies import CURRENCIES
from domain.kernel.timezones import TIMEZONES
from domain.kernel.validation import INVALID, TOO_LONG, Reader

__all__ = ["ADJUSTMENTS", "ANCHORS", "MOST_DAYS", "TERMS", "check_country_rules", "read_entity_terms"]

# A due date is an issuing date plus days: a century keeps every date inside the calendar.
MOST_DAYS: Final = 36_500
LONGEST_FOOTER: Final = 600
LONGEST_PREFIX: Final = 10
TEXTS: Final = (
    "legal_name", "legal_number", "tax_identification_number", "phone", "address_line1", "address_line2", "city",
    "state", "zipcode",
)  # fmt: skip
ANCHORS: Final = ("current_period_end", "next_period_start")
ADJUSTMENTS: Final = ("align_with_finalization_date", "keep_anchor")
EINVOICING_COUNTRIES: Final = ("DE", "FR")
TERMS: Final = (
    "invoice_grace_period", "net_payment_term", "subscription_invoice_issuing_date_anchor",
    "subscription_invoice_issuing_date_adjustment",
)  # fmt: skip
"""What drafts follow when it changes."""


def read_entity_terms(read: Reader, numberings: Mapping[str, str]) -> dict[str, Any]:
    """The columns to change; what is wrong is noted in `read`. numberings: the stored name of each that may be sent."""
    params = read.params
    changes: dict[str, Any] = {name: read.text(name) for name in TEXTS if name in read}
    readers: dict[str, Callable[[str], Any]] = {
        "email": lambda name: _email(read, name),
        "country": lambda name: _country(read, name),
        "default_currency": lambda name: _choice(read, name, CURRENCIES, INVALID),
        "timezone": lambda name: _choice(read, name, TIMEZONES, "invalid_timezone"),
        "net_payment_term": lambda name: read.integer(name, mandatory=True, least=0, most=MOST_DAYS),
        "finalize_zero_amount_invoice": lambda name: read.boolean(name, mandatory=True),
        "eu_tax_management": lambda name: read.boolean(name, mandatory=True),
        "einvoicing": lambda name: read.boolean(name, mandatory=True),
        "document_numbering": lambda name: _numbering(read, name, numberings),
        "document_number_prefix": lambda name: (read.text(name, mandatory=True, longest=LONGEST_PREFIX) or "").upper(),
        "email_settings": lambda name: _email_settings(read, name),
    }
    changes |= {name: reader(name) for name, reader in readers.items() if name in read}
    if len(changes.get("document_number_prefix", "")) > LONGEST_PREFIX:
        read.add("document_number_prefix", TOO_LONG)
    if params.get("logo") is not None and not isinstance(params["logo"], str):
        read.add("logo", "invalid_content_type")
    changes |= _billing_configuration(params.get("billing_configuration"), read.errors, numberings)
    return changes


def check_country_rules(read: Reader, values: Mapping[str, Any], *, outside_eu: str) -> None:
    """Notes what the country does not allow. values: the entity as it will be; outside_eu: the code of the error."""
    country = values.get("country")
    if values.get("eu_tax_management") and country not in EU_COUNTRIES:
        read.add("eu_tax_management", outside_eu)
    if values.get("einvoicing") and country not in EINVOICING_COUNTRIES:
        read.add("einvoicing", "country_not_supported" if country else "country_must_be_present")


def _choice(read: Reader, name: str, values: Any, code: str) -> str | None:
    value = read.params[name]
    if not isinstance(value, str) or value not in values:
        read.add(name, code)
        return None
    return value


def _country(read: Reader, name: str) -> str | None:
    value = read.params[name]
    code = value.strip().upper() if isinstance(value, str) else value
    if code in (None, ""):
        return None
    if not isinstance(code, str) or code not in COUNTRIES:
        read.add(name, "not_a_valid_country_code")
        return None
    return code


def _numbering(read: Reader, name: str, numberings: Mapping[str, str]) -> str | None:
    return numberings.get(str(_choice(read, name, numberings, INVALID)))


def _email(read: Reader, name: str) -> str | None:
    text = read.text(name)
    email = cleaned_email(text) if text else None
    if email and (problem := email_problem(email)):
        read.add(name, problem)
    return email


def _email_settings(read: Reader, name: str) -> list[str]:
    values = read.texts(name) or []
    if any(value not in EMAIL_SETTINGS for value in values):
        read.add(name, "unsupported_value")
    return [value for value in EMAIL_SETTINGS if value in values]


def _billing_configuration(given: Any, errors: dict[str, list[str]], numberings: Mapping[str, str]) -> dict[str, Any]:
    read = Reader(given, errors)
    if given is not None and read.params is not given:
        read.add("billing_configuration", INVALID)
    changes: dict[str, Any] = {}
    if "invoice_footer" in read:
        changes["invoice_footer"] = read.text("invoice_footer", longest=LONGEST_FOOTER)
    if "invoice_grace_period" in read:
        changes["invoice_grace_period"] = read.integer("invoice_grace_period", mandatory=True, least=0, most=MOST_DAYS)
    if "document_locale" in read:
        changes["document_locale"] = _choice(read, "document_locale", DOCUMENT_LOCALES, "not_a_valid_language_code")
    if read.params.get("document_numbering") is not None:
        changes["document_numbering"] = _numbering(read, "document_numbering", numberings)
    for name, allowed in (
        ("subscription_invoice_issuing_date_anchor", ANCHORS),
        ("subscription_invoice_issuing_date_adjustment", ADJUSTMENTS),
    ):
        if read.params.get(name) is not None:
            changes[name] = read.choice(name, allowed)
    return changes
