"""Who works in an organization: invited, given roles, sent away; roles of one's own; a password that was forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.identity.team.password_resets import MAIL_JOB, TOKEN_PURPOSE
from domain.kernel.events import DomainEvent
from domain.kernel.unit_of_work import Reactions, UnitOfWork, install_reactions
from domain.messaging.emails.password_reset import password_reset_mail
from infrastructure.encryption import decrypt
from tests.graphql_api.conftest import Caller

INVITE = "id email token status roles acceptedAt revokedAt organization { id name }"
CREATE = f"mutation($input: CreateInviteInput!) {{ createInvite(input: $input) {{ {INVITE} }} }}"
UPDATE = f"mutation($input: UpdateInviteInput!) {{ updateInvite(input: $input) {{ {INVITE} }} }}"
REVOKE = f"mutation($input: RevokeInviteInput!) {{ revokeInvite(input: $input) {{ {INVITE} }} }}"
SHOW = f"query($token: String!) {{ invite(token: $token) {{ {INVITE} }} }}"
LIST = f"{{ invites {{ collection {{ {INVITE} }} metadata {{ totalCount }} }} }}"
ACCEPT = """mutation($input: AcceptInviteInput!) { acceptInvite(input: $input) {
    token user { id email } organization { id } membership { id roles status } } }"""
LOGIN = "mutation($input: LoginUserInput!) { loginUser(input: $input) { token user { id } } }"
MEMBERS = "{ memberships { collection { id roles user { email } } metadata { adminCount totalCount } } }"
GIVE = "mutation($input: UpdateMembershipInput!) { updateMembership(input: $input) { id roles } }"
SEND_AWAY = "mutation($input: RevokeMembershipInput!) { revokeMembership(input: $input) { id status revokedAt } }"
ROLE = "id code name description permissions admin memberships { id }"
CREATE_ROLE = f"mutation($input: CreateRoleInput!) {{ createRole(input: $input) {{ {ROLE} }} }}"
UPDATE_ROLE = f"mutation($input: UpdateRoleInput!) {{ updateRole(input: $input) {{ {ROLE} }} }}"
DESTROY_ROLE = f"mutation($input: DestroyRoleInput!) {{ destroyRole(input: $input) {{ {ROLE} }} }}"
ASK_RESET = """mutation($input: CreatePasswordResetInput!) {
    createPasswordReset(input: $input) { id clientMutationId } }"""
SHOW_RESET = "query($token: String!) { passwordReset(token: $token) { id token expireAt user { email } } }"
RESET = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { token user { id } } }"

PASSWORD = "a new password"


@pytest.fixture
async def owner(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    """The admin of a new organization."""
    return await sign_up()


def _address() -> str:
    return f"{uuid4().hex}@example.com"


async def _invite(owner: Caller, *roles: str, email: str | None = None) -> dict[str, Any]:
    sent = {"input": {"email": email or _address(), "roles": roles or ("finance",)}}
    return dict((await owner.data(CREATE, sent))["createInvite"])


async def _join(owner: Caller, anyone: Caller, *roles: str) -> tuple[Caller, str]:
    """A new user who accepted; the membership's id."""
    invite = await _invite(owner, *roles)
    sent = {"input": {"email": invite["email"], "password": PASSWORD, "token": invite["token"]}}
    made = (await anyone.data(ACCEPT, sent))["acceptInvite"]
    caller = Caller(anyone.http, made["token"], made["organization"]["id"], made["user"]["id"], invite["email"])
    return caller, made["membership"]["id"]


async def test_whoever_is_invited_becomes_a_member_with_these_roles(owner: Caller, anyone: Caller) -> None:
    invite = await _invite(owner, "finance", "manager")
    assert len(invite["token"]) == 40
    assert (invite["status"], invite["roles"]) == ("pending", ["finance", "manager"])
    assert (await anyone.data(SHOW, {"token": invite["token"]}))["invite"] == invite
    assert (await owner.data(LIST))["invites"] == {"collection": [invite], "metadata": {"totalCount": 1}}

    sent = {"input": {"email": invite["email"], "password": PASSWORD, "token": invite["token"]}}
    made = (await anyone.data(ACCEPT, sent))["acceptInvite"]
    assert made["organization"]["id"] == owner.organization_id
    assert (made["membership"]["roles"], made["membership"]["status"]) == (["Finance", "Manager"], "active")
    assert (await owner.data(MEMBERS))["memberships"]["metadata"] == {"adminCount": 1, "totalCount": 2}
    assert (await anyone.data(LOGIN, {"input": {"email": invite["email"], "password": PASSWORD}}))["loginUser"]

    assert (await owner.data(LIST))["invites"]["metadata"]["totalCount"] == 0
    assert (await anyone.error(SHOW, {"token": invite["token"]}))["details"] == {"invite": ["not_found"]}
    assert (await anyone.error(ACCEPT, sent))["status"] == 404
    assert (await owner.error(UPDATE, {"input": {"id": invite["id"], "roles": ["admin"]}}))["status"] == 404


async def test_two_who_accept_at_once_make_one_member(owner: Caller, anyone: Caller) -> None:
    invite = await _invite(owner)
    sent = {"input": {"email": invite["email"], "password": PASSWORD, "token": invite["token"]}}
    bodies = await asyncio.gather(*(anyone.ask(ACCEPT, sent) for _ in range(4)))
    assert sum("errors" not in body for body in bodies) == 1
    assert (await owner.data(MEMBERS))["memberships"]["metadata"]["totalCount"] == 2


async def test_an_invitation_is_for_the_address_it_names(owner: Caller, anyone: Caller, stranger: Caller) -> None:
    """Else the link would open the account of anybody who left all organizations."""
    invite = await _invite(owner)
    sent = {"email": stranger.email, "password": PASSWORD, "token": invite["token"]}
    assert (await anyone.error(ACCEPT, {"input": sent}))["details"] == {"email": ["invite_email_mismatch"]}
    empty = {"email": invite["email"], "password": "", "token": invite["token"]}
    assert (await anyone.error(ACCEPT, {"input": empty}))["details"] == {"password": ["value_is_mandatory"]}


async def test_a_user_of_another_organization_keeps_the_password(
    owner: Caller, anyone: Caller, sign_up: Callable[..., Awaitable[Caller]]
) -> None:
    other = await sign_up("Elsewhere")
    invite = await _invite(owner, email=other.email)
    sent = {"email": other.email, "password": "something else", "token": invite["token"]}
    made = (await anyone.data(ACCEPT, {"input": sent}))["acceptInvite"]
    assert made["user"]["id"] == other.user_id
    assert await anyone.data(LOGIN, {"input": {"email": other.email, "password": other.password}})
    assert "errors" in await anyone.ask(LOGIN, {"input": {"email": other.email, "password": "something else"}})


@pytest.mark.parametrize(
    ("email", "roles", "details"),
    [
        ("not an address", ["finance"], {"email": ["invalid_email_format"]}),
        ("a@example.com", [], {"roles": ["invalid_role"]}),
        ("a@example.com", ["finance", "nobody"], {"roles": ["invalid_role"]}),
        ("", ["nobody"], {"email": ["value_is_mandatory"], "roles": ["invalid_role"]}),
    ],
)
async def test_what_makes_no_invitation_is_named(
    owner: Caller, email: str, roles: list[str], details: dict[str, list[str]]
) -> None:
    assert (await owner.error(CREATE, {"input": {"email": email, "roles": roles}}))["details"] == details


async def test_nobody_is_invited_twice(owner: Caller, anyone: Caller) -> None:
    invite = await _invite(owner)
    again = {"input": {"email": invite["email"], "roles": ["finance"]}}
    assert (await owner.error(CREATE, again))["details"] == {"invite": ["invite_already_exists"]}
    member = {"input": {"email": owner.email, "roles": ["finance"]}}
    assert (await owner.error(CREATE, member))["details"] == {"email": ["email_already_used"]}

    changed = (await owner.data(UPDATE, {"input": {"id": invite["id"], "roles": ["manager"]}}))["updateInvite"]
    assert changed["roles"] == ["manager"]
    revoked = (await owner.data(REVOKE, {"input": {"id": invite["id"]}}))["revokeInvite"]
    assert revoked["status"] == "revoked"
    assert revoked["revokedAt"] is not None
    assert (await owner.error(REVOKE, {"input": {"id": invite["id"]}}))["status"] == 404
    assert (await anyone.error(SHOW, {"token": invite["token"]}))["status"] == 404
    assert (await _invite(owner, email=invite["email"]))["id"] != invite["id"]


async def test_a_stranger_sees_and_changes_no_invitation_and_no_member(
    owner: Caller, stranger: Caller, anyone: Caller
) -> None:
    invite = await _invite(owner)
    _, membership_id = await _join(owner, anyone)
    assert (await stranger.data(LIST))["invites"]["metadata"]["totalCount"] == 0
    for query, sent in (
        (REVOKE, {"id": invite["id"]}),
        (UPDATE, {"id": invite["id"], "roles": ["finance"]}),
        (GIVE, {"id": membership_id, "roles": ["finance"]}),
        (SEND_AWAY, {"id": membership_id}),
    ):
        assert (await stranger.error(query, {"input": sent}))["status"] == 404


async def test_only_an_admin_makes_admins(owner: Caller, anyone: Caller) -> None:
    permissions = ["organization_members_create", "organization_members_update", "organization_members_delete"]
    role = {"input": {"code": "people", "name": "People", "permissions": permissions}}
    await owner.data(CREATE_ROLE, role)
    people, membership_id = await _join(owner, anyone, "people")
    refused = {"status": 403, "code": "cannot_grant_admin"}
    for query, sent in (
        (CREATE, {"email": _address(), "roles": ["admin"]}),
        (GIVE, {"id": membership_id, "roles": ["people", "admin"]}),
    ):
        assert (await people.error(query, {"input": sent})).items() >= refused.items()
    given = await owner.data(GIVE, {"input": {"id": membership_id, "roles": ["admin", "people"]}})
    assert given["updateMembership"]["roles"] == ["Admin", "People"]


async def test_one_admin_always_remains(owner: Caller, anyone: Caller) -> None:
    mine = next(one for one in (await owner.data(MEMBERS))["memberships"]["collection"])
    assert (await owner.error(GIVE, {"input": {"id": mine["id"], "roles": ["finance"]}}))["code"] == "last_admin"
    assert (await owner.error(GIVE, {"input": {"id": mine["id"], "roles": ["x"]}}))["details"] == {
        "role": ["not_found"]
    }
    assert (await owner.error(SEND_AWAY, {"input": {"id": mine["id"]}}))["code"] == "cannot_revoke_own_membership"

    second, second_id = await _join(owner, anyone, "admin")
    # Each sends the other away at the same moment: one of the two stays.
    bodies = await asyncio.gather(
        owner.ask(SEND_AWAY, {"input": {"id": second_id}}), second.ask(SEND_AWAY, {"input": {"id": mine["id"]}})
    )
    assert sum("errors" not in body for body in bodies) == 1


async def test_who_was_sent_away_gets_in_no_more_and_can_be_invited_again(owner: Caller, anyone: Caller) -> None:
    member, membership_id = await _join(owner, anyone, "admin")
    sent = await owner.data(SEND_AWAY, {"input": {"id": membership_id}})
    assert sent["revokeMembership"]["status"] == "revoked"
    assert (await member.error(MEMBERS))["code"] == "forbidden"
    assert "errors" in await anyone.ask(LOGIN, {"input": {"email": member.email, "password": PASSWORD}})

    invite = await _invite(owner, email=member.email)
    back = {"email": member.email, "password": "yet another one", "token": invite["token"]}
    assert (await anyone.data(ACCEPT, {"input": back}))["acceptInvite"]["user"]["id"] == member.user_id
    assert await anyone.data(LOGIN, {"input": {"email": member.email, "password": "yet another one"}})


async def test_an_organization_makes_roles_of_its_own(owner: Caller, anyone: Caller, stranger: Caller) -> None:
    sent = {"code": "support", "name": " First   line ", "permissions": ["plans_view", "customers_view"]}
    role = (await owner.data(CREATE_ROLE, {"input": {**sent, "description": "answers"}}))["createRole"]
    assert (role["code"], role["name"], role["description"]) == ("support", "First line", "answers")
    assert role["permissions"] == ["customers_view", "plans_view"]
    member, membership_id = await _join(owner, anyone, "support")
    assert "errors" not in await member.ask("{ plans { metadata { totalCount } } }")
    assert (await member.error("{ coupons { metadata { totalCount } } }"))["code"] == "forbidden"

    change = {"id": role["id"], "name": "Second line", "permissions": ["coupons_view"]}
    changed = (await owner.data(UPDATE_ROLE, {"input": change}))["updateRole"]
    assert (changed["name"], changed["permissions"], changed["description"]) == (
        "Second line", ["coupons_view"], "answers",
    )  # fmt: skip
    assert changed["memberships"] == [{"id": membership_id}]
    assert "errors" not in await member.ask("{ coupons { metadata { totalCount } } }")
    assert (await stranger.error(UPDATE_ROLE, {"input": change}))["status"] == 404

    assert (await owner.error(DESTROY_ROLE, {"input": {"id": role["id"]}}))["code"] == "role_assigned_to_members"
    await owner.data(GIVE, {"input": {"id": membership_id, "roles": ["finance"]}})
    assert (await owner.data(DESTROY_ROLE, {"input": {"id": role["id"]}}))["destroyRole"]["id"] == role["id"]
    assert (await owner.error(DESTROY_ROLE, {"input": {"id": role["id"]}}))["status"] == 404
    assert (await owner.data(CREATE_ROLE, {"input": sent}))["createRole"]["id"] != role["id"]


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"code": "admin"}, {"code": ["value_already_exist"]}),
        ({"code": "First line"}, {"code": ["value_is_invalid"]}),
        ({"code": "x" * 101, "name": "x" * 101}, {"code": ["value_is_too_long"], "name": ["value_is_too_long"]}),
        ({"name": "  ", "permissions": []}, {"name": ["value_is_mandatory"], "permissions": ["value_is_mandatory"]}),
        ({"description": "x" * 256}, {"description": ["value_is_too_long"]}),
    ],
)
async def test_what_makes_no_role_is_named(
    owner: Caller, changes: dict[str, Any], details: dict[str, list[str]]
) -> None:
    sent = {"code": "support", "name": "Support", "permissions": ["plans_view"], **changes}
    assert (await owner.error(CREATE_ROLE, {"input": sent}))["details"] == details


async def test_predefined_roles_stay_as_they_are(owner: Caller) -> None:
    roles = (await owner.data("{ roles { id code admin } }"))["roles"]
    assert [role["code"] for role in roles] == ["admin", "finance", "manager"]
    for role in roles:
        assert (await owner.error(DESTROY_ROLE, {"input": {"id": role["id"]}}))["code"] == "predefined_role"
        assert (await owner.error(UPDATE_ROLE, {"input": {"id": role["id"], "name": "x"}}))["code"] == "predefined_role"


@pytest.fixture
def mailed(nothing_follows: None) -> Any:
    """The arguments of the mails that were asked for."""
    asked: list[dict[str, Any]] = []

    async def requests(work: UnitOfWork, happened: Sequence[DomainEvent]) -> list[Any]:
        return []

    async def dispatch(rows: Sequence[Any]) -> None:
        asked.extend(rows)

    install_reactions(Reactions(requests, dispatch, {MAIL_JOB: "mailers"}))
    return asked


async def test_a_forgotten_password_is_set_anew_by_a_link(
    owner: Caller, anyone: Caller, mailed: list[Any], migrated: str
) -> None:
    asked = {"input": {"email": owner.email, "clientMutationId": "7"}}
    answer = (await anyone.data(ASK_RESET, asked))["createPasswordReset"]
    assert answer["clientMutationId"] == "7"
    with psycopg.connect(migrated) as connection:
        row = connection.execute("SELECT arguments FROM jobs WHERE actor = %s ORDER BY id DESC", [MAIL_JOB]).fetchone()
    assert row is not None
    assert (row[0]["reset_id"], row[0]["to"]) == (answer["id"], owner.email)
    token = decrypt(row[0]["token"], purpose=TOKEN_PURPOSE)
    mail = password_reset_mail(answer["id"], row[0]["to"], token)
    assert f"/reset-password/{token}" in mail.text
    assert f"/reset-password/{token}" in mail.html

    shown = (await anyone.data(SHOW_RESET, {"token": token}))["passwordReset"]
    assert (shown["id"], shown["token"], shown["user"]["email"]) == (answer["id"], token, owner.email)
    left = datetime.fromisoformat(shown["expireAt"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)

    made = (await anyone.data(RESET, {"input": {"newPassword": PASSWORD, "token": token}}))["resetPassword"]
    assert made["user"]["id"] == owner.user_id
    assert await anyone.data(LOGIN, {"input": {"email": owner.email, "password": PASSWORD}})
    assert "errors" in await anyone.ask(LOGIN, {"input": {"email": owner.email, "password": owner.password}})
    used = await anyone.error(RESET, {"input": {"newPassword": "once more", "token": token}})
    assert used["details"] == {"passwordReset": ["not_found"]}


async def test_a_link_ends_with_its_time_and_with_the_next_one(
    owner: Caller, anyone: Caller, mailed: list[Any], migrated: str
) -> None:
    tokens = []
    for _ in range(2):
        await anyone.data(ASK_RESET, {"input": {"email": owner.email}})
        with psycopg.connect(migrated) as connection:
            row = connection.execute("SELECT arguments FROM jobs ORDER BY id DESC LIMIT 1").fetchone()
        assert row is not None
        tokens.append(decrypt(row[0]["token"], purpose=TOKEN_PURPOSE))
    assert (await anyone.error(SHOW_RESET, {"token": tokens[0]}))["status"] == 404
    assert await anyone.data(SHOW_RESET, {"token": tokens[1]})
    with psycopg.connect(migrated) as connection:
        connection.execute("UPDATE password_resets SET expires_at = now()")
    assert (await anyone.error(RESET, {"input": {"newPassword": "x", "token": tokens[1]}}))["status"] == 404


async def test_what_a_reset_lacks_is_named(anyone: Caller) -> None:
    assert (await anyone.error(ASK_RESET, {"input": {"email": _address()}}))["details"] == {"user": ["not_found"]}
    wrong = await anyone.error(RESET, {"input": {"newPassword": "", "token": ""}})
    assert wrong["details"] == {"newPassword": ["missing_password"], "token": ["missing_token"]}
    unknown = await anyone.error(RESET, {"input": {"newPassword": "x", "token": "0" * 40}})
    assert unknown["status"] == 404
