"""Enums that several contexts use, made from the lists of the domain, so that the two can't drift.

A resolver may return the plain value ("EUR", "Europe/Paris"); an input arrives as a member, and `to_params` makes it
the value again. Dots and colons of a value become underscores in its name. Another enum from a list is made so:

    @strawberry.enum
    class PlanInterval(Enum):
        _ignore_ = ["members"]
        members = vars()
        named(members, INTERVALS)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from enum import Enum
from typing import Any

import strawberry

from domain.identity.permissions import PERMISSIONS
from domain.identity.settings import (
    AUTHENTICATION_METHODS,
    EMAIL_SETTINGS,
    FEATURE_FLAGS,
    ORGANIZATION_NUMBERINGS,
    PREMIUM_INTEGRATIONS,
)
from domain.kernel.countries import COUNTRIES
from domain.kernel.currencies import CURRENCIES
from domain.kernel.timezones import TIMEZONES

__all__ = [
    "AuthenticationMethodsEnum",
    "CountryCode",
    "CurrencyEnum",
    "DocumentNumberingEnum",
    "EmailSettingsEnum",
    "EventsStoreEnum",
    "FeatureFlagEnum",
    "MembershipStatus",
    "PermissionEnum",
    "PremiumIntegrationTypeEnum",
    "TimezoneEnum",
    "named",
]


def named(members: MutableMapping[str, Any], values: Iterable[str]) -> None:
    """Puts one member per value into the body of an enum."""
    for value in values:
        members[re.sub(r"[^A-Za-z0-9]+", "_", value)] = value


@strawberry.enum
class CurrencyEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, sorted(CURRENCIES))


@strawberry.enum
class CountryCode(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, COUNTRIES)


@strawberry.enum
class TimezoneEnum(Enum):
    """IANA names in capitals: TZ_EUROPE_PARIS is Europe/Paris."""

    _ignore_ = ["members", "zone"]
    members = vars()
    for zone in TIMEZONES:
        members["TZ_" + re.sub(r"[^A-Z0-9]+", "_", zone.upper())] = zone


@strawberry.enum
class PermissionEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, PERMISSIONS)


@strawberry.enum
class AuthenticationMethodsEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, AUTHENTICATION_METHODS)


@strawberry.enum
class PremiumIntegrationTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, PREMIUM_INTEGRATIONS)


@strawberry.enum
class FeatureFlagEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, FEATURE_FLAGS)


@strawberry.enum
class EmailSettingsEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, EMAIL_SETTINGS)


@strawberry.enum
class DocumentNumberingEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, ORGANIZATION_NUMBERINGS)


@strawberry.enum
class EventsStoreEnum(Enum):
    postgres = "postgres"
    clickhouse = "clickhouse"


@strawberry.enum
class MembershipStatus(Enum):
    active = "active"
    revoked = "revoked"
