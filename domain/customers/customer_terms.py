"""Which values a customer may have (platform handbook 2.6; interface CustomerCreateInput).

Only what was sent is read: an absent field stays as it is, null clears it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from domain.customers.provider_terms import read_provider_terms
from domain.identity.settings import DOCUMENT_LOCALES
from domain.kernel.countries import COUNTRIES
from domain.kernel.currencies import CURRENCIES
from domain.kernel.timezones import TIMEZONES
from domain.kernel.validation import INVALID, Params, Reader

__all__ = [
    "ACCOUNT_TYPES", "ADJUSTMENTS", "ANCHORS", "CUSTOMER_TYPES", "LONGEST_EXTERNAL_ID", "ZERO_AMOUNT_RULES",
    "emails_are_valid", "read_customer_terms",
]  # fmt: skip

CUSTOMER_TYPES: Final = ("company", "individual")
ACCOUNT_TYPES: Final = ("customer", "partner")
ZERO_AMOUNT_RULES: Final = ("inherit", "skip", "finalize")
ANCHORS: Final = ("current_period_end", "next_period_start")
ADJUSTMENTS: Final = ("align_with_finalization_date", "keep_anchor")
LONGEST_EXTERNAL_ID: Final = 255
LONGEST_ADDRESS: Final = 2_048
MOST_DAYS: Final = 36_500

TEXTS: Final = (
    "name", "firstname", "lastname", "phone", "legal_name", "legal_number", "tax_identification_number",
    "address_line1", "address_line2", "city", "state", "zipcode", "external_salesforce_id",
)  # fmt: skip
ADDRESS: Final = ("address_line1", "address_line2", "city", "state", "zipcode")
UNSUPPORTED_FIELDS: Final[Mapping[str, object]] = {"integration_customers": None}
UNSUPPORTED_BILLING: Final[Mapping[str, object]] = {"vat_rate": None}

_HOST_AND_PORT = re.compile(r"(?:localhost|[^/?#:@]+\.[^/?#:@]+):[0-9]{1,5}(?:[/?#]|$)")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")


def read_customer_terms(params: Params) -> tuple[dict[str, Any], Reader]:
    """The columns to change, and the reader with what was wrong so far; the caller adds its own and calls finish."""
    read = Reader(params)
    values: dict[str, Any] = {name: read.text(name) for name in TEXTS if name in read}
    _web_addresses(read, values)
    _emails(read, values)
    _country(read, values, "country", "country")
    if "currency" in read:
        values["currency"] = read.choice("currency", CURRENCIES)
    if read.params.get("exclude_from_dunning_campaign") is not None:
        values["exclude_from_dunning_campaign"] = read.boolean("exclude_from_dunning_campaign")
    if "timezone" in read:
        values["timezone"] = _listed(read, "timezone", TIMEZONES, "invalid_timezone")
    if "customer_type" in read:
        values["customer_type"] = read.choice("customer_type", CUSTOMER_TYPES)
    if params.get("account_type") is not None:
        values["account_type"] = read.choice("account_type", ACCOUNT_TYPES, mandatory=True)
    if params.get("finalize_zero_amount_invoice") is not None:
        values["finalize_zero_amount_invoice"] = read.choice(
            "finalize_zero_amount_invoice", ZERO_AMOUNT_RULES, mandatory=True
        )
    for name in ("net_payment_term", "invoice_grace_period"):
        if name in read:
            values[name] = read.integer(name, least=0, most=MOST_DAYS)
    _shipping_address(read, values)
    _billing_configuration(read, values)
    values.update(read_provider_terms(read.params, read).columns)
    _refuse(read, read.params, UNSUPPORTED_FIELDS)
    return values, read


def _shipping_address(read: Reader, values: dict[str, Any]) -> None:
    address = Reader(read.json_object("shipping_address"), read.errors)
    for name in ADDRESS:
        if name in address:
            values[f"shipping_{name}"] = address.text(name)
    _country(address, values, "country", "shipping_country")


def _billing_configuration(read: Reader, values: dict[str, Any]) -> None:
    configuration = Reader(read.json_object("billing_configuration"), read.errors)
    if "invoice_grace_period" in configuration:
        values["invoice_grace_period"] = configuration.integer("invoice_grace_period", least=0, most=MOST_DAYS)
    if "document_locale" in configuration:
        values["document_locale"] = _listed(
            configuration, "document_locale", DOCUMENT_LOCALES, "not_a_valid_language_code"
        )
    for name, allowed in (
        ("subscription_invoice_issuing_date_anchor", ANCHORS),
        ("subscription_invoice_issuing_date_adjustment", ADJUSTMENTS),
    ):
        if name in configuration:
            values[name] = configuration.choice(name, allowed)
    _refuse(read, configuration.params, UNSUPPORTED_BILLING)


def _refuse(read: Reader, params: Params, fields: Mapping[str, object]) -> None:
    """`unsupported_value` for fields this server does not act on, unless they ask for nothing."""
    for name, default in fields.items():
        value = params.get(name)
        if value not in (None, "", [], {}) and value is not default:
            read.add(name, "unsupported_value")


def _listed(read: Reader, name: str, allowed: tuple[str, ...], code: str) -> str | None:
    value = read.params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in allowed:
        read.add(name, code)
        return None
    return value


def _country(read: Reader, values: dict[str, Any], name: str, column: str) -> None:
    if name not in read:
        return
    value = read.params[name]
    code = value.strip().upper() if isinstance(value, str) else value
    if code in (None, ""):
        values[column] = None
    elif isinstance(code, str) and code in COUNTRIES:
        values[column] = code
    else:
        read.add(name, "not_a_valid_country_code")


def _emails(read: Reader, values: dict[str, Any]) -> None:
    """One address or several with commas between."""
    if "email" not in read:
        return
    values["email"] = email = read.text("email")
    if email is not None and not emails_are_valid(email):
        read.add("email", "invalid_email_format")


def emails_are_valid(text: str) -> bool:
    """Whether this is one address, or several with commas between."""
    return all(_EMAIL.fullmatch(one.strip()) for one in text.split(","))


def _web_addresses(read: Reader, values: dict[str, Any]) -> None:
    """With or without a scheme; a scheme that a browser would run or read files with is refused."""
    for name in ("url", "logo_url"):
        if name not in read:
            continue
        values[name] = address = read.text(name, longest=LONGEST_ADDRESS)
        if address is None:
            continue
        try:
            scheme = urlsplit(address).scheme.lower()
        except ValueError:
            scheme = INVALID
        host_and_port = _HOST_AND_PORT.match(address)
        if re.search(r"\s", address) or (scheme not in ("", "http", "https") and not host_and_port):
            read.add(name, "url_is_invalid")
