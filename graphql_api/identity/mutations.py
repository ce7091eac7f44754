"""Mutations of the identity context."""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.catalog.eu_taxes import make_eu_taxes
from domain.identity import queries
from domain.identity.api_keys import create_api_key, destroy_api_key, rotate_api_key, update_api_key
from domain.identity.login import EMAIL_PASSWORD, log_in
from domain.identity.register import register
from domain.identity.update_organization import update_organization
from domain.messaging.endpoints import upsert_first_endpoint
from graphql_api.context import current
from graphql_api.identity.current_organization import CurrentOrganization
from graphql_api.identity.inputs import (
    CreateApiKeyInput,
    DestroyApiKeyInput,
    LoginUserInput,
    RegisterUserInput,
    RotateApiKeyInput,
    UpdateApiKeyInput,
    UpdateOrganizationInput,
)
from graphql_api.identity.loading import user_with_memberships
from graphql_api.identity.types import ApiKey, LoginUser, RegisterUser
from graphql_api.operations import command, operation, permitted, public, to_params
from infrastructure import jwt

__all__ = ["IdentityMutations"]

# Inputs that are dropped without a word when the caller lacks the permission.
_GATED = {
    "webhook_url": "developers:manage",
    "billing_configuration": "organization:invoices:update",
    "email_settings": "organization:emails:update",
}


@strawberry.type
class IdentityMutations:
    @strawberry.mutation
    @public
    async def register_user(self, info: Info, input: RegisterUserInput) -> RegisterUser | None:
        registered = await register(to_params(input), current(info).author)
        user = await user_with_memberships(registered.user.id, EMAIL_PASSWORD)
        token = jwt.issue(str(registered.user.id), login_method=EMAIL_PASSWORD)
        membership = user.memberships[0]
        return RegisterUser(token=token, user=user, organization=membership.organization, membership=membership)

    @strawberry.mutation
    @public
    async def login_user(self, info: Info, input: LoginUserInput) -> LoginUser | None:
        user_id = await log_in(input.email, input.password, current(info).author)
        user = await user_with_memberships(user_id, EMAIL_PASSWORD)
        return LoginUser(token=jwt.issue(str(user_id), login_method=EMAIL_PASSWORD), user=user)

    @strawberry.mutation
    @operation()
    async def update_organization(self, info: Info, input: UpdateOrganizationInput) -> CurrentOrganization | None:
        params = to_params(input)
        for name, permission in _GATED.items():
            if name in params and not permitted(info, permission):
                del params[name]
        async with command(info) as work:
            await update_organization(work, params)
            await make_eu_taxes(work)
            await upsert_first_endpoint(work, params.get("webhook_url"))
            return CurrentOrganization.of(await queries.organization_row(work))

    @strawberry.mutation
    @operation(permission="developers:keys:manage")
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> ApiKey | None:
        async with command(info) as work:
            return ApiKey.of(await create_api_key(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="developers:keys:manage")
    async def update_api_key(self, info: Info, input: UpdateApiKeyInput) -> ApiKey | None:
        async with command(info) as work:
            return ApiKey.of(await update_api_key(work, input.id, to_params(input)))

    @strawberry.mutation
    @operation(permission="developers:keys:manage")
    async def rotate_api_key(self, info: Info, input: RotateApiKeyInput) -> ApiKey | None:
        async with command(info) as work:
            return ApiKey.of(await rotate_api_key(work, input.id, to_params(input)))

    @strawberry.mutation
    @operation(permission="developers:keys:manage")
    async def destroy_api_key(self, info: Info, input: DestroyApiKeyInput) -> ApiKey | None:
        async with command(info) as work:
            return ApiKey.of(await destroy_api_key(work, input.id))
