"""Invitations, roles and forgotten passwords: types and inputs. Source: handbook, platform 5 and 7."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET

from domain.identity.team.models import INVITE_STATUSES
from graphql_api.enums import PermissionEnum, named
from graphql_api.identity.types import Membership, Organization, User
from graphql_api.pagination import CollectionMetadata
from graphql_api.scalars import ISO8601DateTime

__all__ = [
    "AcceptInviteInput", "CreateInviteInput", "CreatePasswordResetInput", "CreatePasswordResetPayload",
    "CreateRoleInput", "DestroyRoleInput", "Invite", "InviteCollection", "InviteStatusTypeEnum", "ResetPassword",
    "ResetPasswordInput", "RevokeInviteInput", "RevokeMembershipInput", "UpdateInviteInput", "UpdateMembershipInput",
    "UpdateRoleInput",
]  # fmt: skip


@strawberry.enum
class InviteStatusTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, INVITE_STATUSES)


@strawberry.type
class Invite:
    """`roles` are codes. `recipient`: the member it made; asked for before anybody accepted, it is an error."""

    id: strawberry.ID
    email: str
    token: str
    status: InviteStatusTypeEnum
    roles: list[str]
    accepted_at: ISO8601DateTime | None
    revoked_at: ISO8601DateTime | None
    organization: Organization
    recipient: Membership

    @classmethod
    def of(cls, row: Any, organization: Organization, recipient: Membership | None = None) -> Invite:
        return cls(
            id=row.id,
            email=row.email,
            token=row.token,
            status=InviteStatusTypeEnum(row.status),
            roles=list(row.roles),
            accepted_at=row.accepted_at,
            revoked_at=row.revoked_at,
            organization=organization,
            recipient=recipient,  # type: ignore[arg-type]  # the interface declares it non-null, and so it fails
        )


@strawberry.type
class InviteCollection:
    collection: list[Invite]
    metadata: CollectionMetadata


@strawberry.type
class ResetPassword:
    """`expireAt`: until then the password can be set."""

    id: strawberry.ID
    token: str
    expire_at: ISO8601DateTime
    user: User


@strawberry.type
class CreatePasswordResetPayload:
    id: str
    client_mutation_id: str | None = None


@strawberry.input
class CreateInviteInput:
    email: str
    roles: list[str]
    client_mutation_id: str | None = UNSET


@strawberry.input
class UpdateInviteInput:
    id: strawberry.ID
    roles: list[str]
    client_mutation_id: str | None = UNSET


@strawberry.input
class RevokeInviteInput:
    id: strawberry.ID
    client_mutation_id: str | None = UNSET


@strawberry.input
class AcceptInviteInput:
    email: str
    password: str
    token: str
    client_mutation_id: str | None = UNSET


@strawberry.input
class UpdateMembershipInput:
    id: strawberry.ID
    roles: list[str]
    client_mutation_id: str | None = UNSET


@strawberry.input
class RevokeMembershipInput:
    id: strawberry.ID
    client_mutation_id: str | None = UNSET


@strawberry.input
class CreateRoleInput:
    code: str
    name: str
    permissions: list[PermissionEnum]
    description: str | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.input
class UpdateRoleInput:
    id: strawberry.ID
    name: str | None = UNSET
    description: str | None = UNSET
    permissions: list[PermissionEnum] | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.input
class DestroyRoleInput:
    id: strawberry.ID
    client_mutation_id: str | None = UNSET


@strawberry.input
class CreatePasswordResetInput:
    email: str
    client_mutation_id: str | None = UNSET


@strawberry.input
class ResetPasswordInput:
    new_password: str
    token: str
    client_mutation_id: str | None = UNSET
