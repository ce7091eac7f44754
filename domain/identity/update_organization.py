"""Changing an organization's settings, most of which stand on its default billing entity.

REST and GraphQL send the same names in snake case. Only what is given changes. Source: handbook, platform 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from domain.identity.emails import cleaned_email, email_problem
from domain.identity.events import BillingTermsChanged
from domain.identity.logo import store_logo
from domain.identity.models import BillingEntity, Organization
from domain.identity.settings import (
    AUTHENTICATION_METHODS,
    DOCUMENT_LOCALES,
    EMAIL_SETTINGS,
    NUMBERING_OF_BILLING_ENTITY,
)
from domain.identity.slugs import slug_problem
from domain.kernel.countries import COUNTRIES, EU_COUNTRIES
from domain.kernel.currencies import CURRENCIES
from domain.kernel.errors import ValidationFailed
from domain.kernel.timezones import TIMEZONES
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, MANDATORY, TAKEN, TOO_LONG, Params, Reader

__all__ = ["MOST_DAYS", "update_organization"]

# A due date is an issuing date plus days: a century keeps every date inside the calendar.
MOST_DAYS: Final = 36_500
LONGEST_FOOTER: Final = 600
LONGEST_PREFIX: Final = 10
TEXTS: Final = (
    "legal_name", "legal_number", "tax_identification_number", "address_line1", "address_line2", "city", "state",
    "zipcode",
)  # fmt: skip
TERMS: Final = ("invoice_grace_period", "net_payment_term")


async def update_organization(work: UnitOfWork, params: Params) -> Organization:
    """Changes the bound organization. Raises ValidationFailed with every wrong field at once.

    `billing_configuration` holds invoice_footer, invoice_grace_period and document_locale. `logo` is a data URI.
    """
    organization = (
        await work.session.execute(
            select(Organization).where(col(Organization.id) == work.organization_id).with_for_update()
        )
    ).scalar_one()
    entity = (
        await work.session.execute(
            select(BillingEntity).where(col(BillingEntity.id) == work.organization_id).with_for_update()
        )
    ).scalar_one()

    read = Reader(params)
    changes = _entity_changes(read, params)
    changes |= _billing_configuration(params.get("billing_configuration"), read.errors)
    methods, slug = _authentication_methods(read), _slug(read)
    managed = changes.get("eu_tax_management", entity.eu_tax_management)
    if managed and changes.get("country", entity.country) not in EU_COUNTRIES:
        read.add("eu_tax_management", "org_must_be_in_eu")
    read.finish()

    if isinstance(params.get("logo"), str) and params["logo"]:
        changes["logo_key"], changes["logo_content_type"] = await store_logo(entity.organization_id, params["logo"])
    if any(name in changes and changes[name] != getattr(entity, name) for name in TERMS):
        work.record(BillingTermsChanged((entity.id,)))
    for name, value in changes.items():
        setattr(entity, name, value)
    if methods is not None:
        organization.authentication_methods = methods
    if slug is not None and slug != organization.slug:
        await _rename(work, organization, slug)
    await work.session.flush()
    return organization


def _entity_changes(read: Reader, params: Params) -> dict[str, Any]:
    """What changes on the billing entity; errors are collected in `read`."""
    changes: dict[str, Any] = {name: read.text(name) for name in TEXTS if name in read}
    readers: dict[str, Callable[[str], Any]] = {
        "email": lambda name: _email(read, name),
        "country": lambda name: _choice(read, name, COUNTRIES, "not_a_valid_country_code", nullable=True),
        "default_currency": lambda name: _choice(read, name, CURRENCIES, INVALID),
        "timezone": lambda name: _choice(read, name, TIMEZONES, "invalid_timezone"),
        "net_payment_term": lambda name: read.integer(name, mandatory=True, least=0, most=MOST_DAYS),
        "finalize_zero_amount_invoice": lambda name: read.boolean(name, mandatory=True),
        "eu_tax_management": lambda name: read.boolean(name, mandatory=True),
        "document_numbering": lambda name: NUMBERING_OF_BILLING_ENTITY.get(
            str(_choice(read, name, NUMBERING_OF_BILLING_ENTITY, INVALID))
        ),
        "document_number_prefix": lambda name: (read.text(name, mandatory=True, longest=LONGEST_PREFIX) or "").upper(),
        "email_settings": lambda name: _email_settings(read, name),
    }
    changes |= {name: reader(name) for name, reader in readers.items() if name in read}
    if len(changes.get("document_number_prefix", "")) > LONGEST_PREFIX:
        read.add("document_number_prefix", TOO_LONG)
    if params.get("logo") is not None and not isinstance(params["logo"], str):
        read.add("logo", "invalid_content_type")
    return changes


def _choice(read: Reader, name: str, values: Any, code: str, *, nullable: bool = False) -> str | None:
    value = read.params[name]
    if nullable and (value is None or value == ""):
        return None
    if not isinstance(value, str) or value not in values:
        read.add(name, code)
        return None
    return value


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


def _billing_configuration(given: Any, errors: dict[str, list[str]]) -> dict[str, Any]:
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
    return changes


def _authentication_methods(read: Reader) -> list[str] | None:
    """At least one has to remain."""
    if read.params.get("authentication_methods") is None:
        return None
    methods = read.texts("authentication_methods") or []
    if not methods:
        read.add("authentication_methods", MANDATORY)
    elif any(method not in AUTHENTICATION_METHODS for method in methods):
        read.add("authentication_methods", INVALID)
    return [method for method in AUTHENTICATION_METHODS if method in methods]


def _slug(read: Reader) -> str | None:
    if read.params.get("slug") is None:
        return None
    slug = read.text("slug", mandatory=True)
    if slug is not None and (problem := slug_problem(slug)):
        read.add("slug", problem)
    return slug


async def _rename(work: UnitOfWork, organization: Organization, slug: str) -> None:
    """Other organizations' slugs can't be seen from here: the unique index answers."""
    try:
        async with work.session.begin_nested():
            organization.slug = slug
            await work.session.flush()
    except IntegrityError:
        raise ValidationFailed({"slug": [TAKEN]}) from None
