"""Output types of the identity context. They hold rows; fields without I/O are plain functions of them."""

from __future__ import annotations

import re
from dataclasses import make_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING, Any

import strawberry

from domain.identity.logo import logo_url
from domain.identity.permissions import PERMISSIONS, granted
from graphql_api.enums import CurrencyEnum, MembershipStatus, PermissionEnum, TimezoneEnum
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import JSON, ISO8601DateTime

__all__ = [
    "ApiKey",
    "CurrentVersion",
    "LoginUser",
    "Membership",
    "MembershipCollection",
    "Metadata",
    "Organization",
    "OrganizationBillingConfiguration",
    "Permissions",
    "RegisterUser",
    "Role",
    "SanitizedApiKey",
    "SanitizedApiKeyCollection",
    "User",
    "current_version",
    "permissions_type",
]

if TYPE_CHECKING:

    class Permissions:
        """One boolean per permission: `organization:members:view` is organizationMembersView."""

else:
    Permissions = strawberry.type(
        make_dataclass("Permissions", [(re.sub(r"\W", "_", permission), bool) for permission in PERMISSIONS])
    )


def permissions_type(held: frozenset[str]) -> Permissions:
    """A boolean for each of the 130 permissions."""
    return Permissions(**{re.sub(r"\W", "_", permission): permission in held for permission in PERMISSIONS})


@strawberry.type
class CurrentVersion:
    github_url: str
    number: str


@cache
def current_version() -> CurrentVersion:
    """What is installed; without package metadata both are empty."""
    try:
        about = metadata("tarn")
    except PackageNotFoundError:
        return CurrentVersion(github_url="", number="")
    links = dict(link.split(", ", 1) for link in about.get_all("Project-URL", []))
    return CurrentVersion(github_url=links.get("Source", ""), number=about["Version"])


@strawberry.type
class OrganizationBillingConfiguration:
    """The id is made up, for the client's cache."""

    id: strawberry.ID
    document_locale: str | None
    invoice_footer: str | None
    invoice_grace_period: int

    @classmethod
    def of(cls, row: Any) -> OrganizationBillingConfiguration:
        return cls(
            id=strawberry.ID(f"{row.id}-c0nf"),
            document_locale=row.document_locale,
            invoice_footer=row.invoice_footer,
            invoice_grace_period=row.invoice_grace_period,
        )


@strawberry.type
class Organization:
    row: strawberry.Private[Any]
    login_method: strawberry.Private[str | None]
    shows_billing: strawberry.Private[bool]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(self.row.id))

    @strawberry.field
    def name(self) -> str:
        return str(self.row.name)

    @strawberry.field
    def slug(self) -> str:
        return str(self.row.slug)

    @strawberry.field
    def logo_url(self) -> str | None:
        return logo_url(self.row.logo_key, self.row.logo_content_type)

    @strawberry.field
    def timezone(self) -> TimezoneEnum | None:
        return TimezoneEnum(self.row.timezone)

    @strawberry.field
    def default_currency(self) -> CurrencyEnum:
        return CurrencyEnum(self.row.default_currency)

    @strawberry.field
    def accessible_by_current_session(self) -> bool:
        """Whether the organization allows the method by which the caller logged in."""
        return self.login_method in self.row.authentication_methods

    @strawberry.field
    def can_create_billing_entity(self) -> bool:
        """There may be any number of them."""
        return True

    @strawberry.field
    def billing_configuration(self) -> OrganizationBillingConfiguration | None:
        return OrganizationBillingConfiguration.of(self.row) if self.shows_billing else None


@strawberry.type
class User:
    id: strawberry.ID
    email: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    organizations: list[Organization]
    memberships: list[Membership]
    # Everything that a licence would open is open.
    premium: bool = True


@strawberry.type
class Membership:
    """`roles` are names, not codes."""

    id: strawberry.ID
    user: User
    organization: Organization
    roles: list[str]
    permissions: Permissions
    status: MembershipStatus
    revoked_at: ISO8601DateTime | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime


@strawberry.type
class Metadata:
    admin_count: int
    current_page: int
    limit_value: int
    total_count: int
    total_pages: int


@strawberry.type
class MembershipCollection:
    collection: list[Membership]
    metadata: Metadata


@strawberry.type
class Role:
    row: strawberry.Private[Any]
    memberships: list[Membership]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(self.row.id))

    @strawberry.field
    def code(self) -> str:
        return str(self.row.code)

    @strawberry.field
    def name(self) -> str:
        return str(self.row.name)

    @strawberry.field
    def description(self) -> str | None:
        return self.row.description  # type: ignore[no-any-return]

    @strawberry.field
    def admin(self) -> bool:
        return bool(self.row.admin)

    @strawberry.field
    def created_at(self) -> ISO8601DateTime:
        return ISO8601DateTime(self.row.created_at)

    @strawberry.field
    def permissions(self) -> list[PermissionEnum]:
        held = granted(self.row.code, self.row.organization_id is None, self.row.permissions)
        return [PermissionEnum(permission) for permission in PERMISSIONS if permission in held]


@strawberry.type
class RegisterUser:
    token: str
    user: User
    organization: Organization
    membership: Membership


@strawberry.type
class LoginUser:
    token: str
    user: User


@strawberry.type
class ApiKey:
    id: strawberry.ID
    name: str | None
    value: str
    permissions: JSON
    expires_at: ISO8601DateTime | None
    last_used_at: ISO8601DateTime | None
    created_at: ISO8601DateTime

    @classmethod
    def of(cls, row: Any) -> ApiKey:
        return cls(
            id=row.id,
            name=row.name,
            value=row.value,
            permissions=row.permissions,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            created_at=row.created_at,
        )


@strawberry.type
class SanitizedApiKey:
    id: strawberry.ID
    name: str | None
    value: str
    permissions: JSON
    expires_at: ISO8601DateTime | None
    last_used_at: ISO8601DateTime | None
    created_at: ISO8601DateTime

    @classmethod
    def of(cls, row: Any) -> SanitizedApiKey:
        return cls(
            id=row.id,
            name=row.name,
            value="•" * 8 + row.value[-3:],
            permissions=row.permissions,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            created_at=row.created_at,
        )


@strawberry.type
class SanitizedApiKeyCollection:
    collection: list[SanitizedApiKey]
    metadata: CollectionMetadata
