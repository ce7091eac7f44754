"""Who may call what: tokens, organizations, permissions, in that order of checks."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import jwt as pyjwt
import psycopg
import pytest

from infrastructure import jwt
from infrastructure.settings import settings
from tests.graphql_api.conftest import Caller

ME = "{ currentUser { id email } }"
ORGANIZATION = "{ organization { id name } }"
API_KEYS = "{ apiKeys { collection { id } } }"


async def test_the_current_user_answers_without_an_organization(admin: Caller) -> None:
    nobody_chosen = Caller(admin.http, admin.token)

    assert (await nobody_chosen.data(ME))["currentUser"] == {"id": admin.user_id, "email": admin.email}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Bearer " + "x" * 20_000, "Bearer é"])
async def test_a_token_that_is_none_makes_an_anonymous_caller(anyone: Caller, header: str) -> None:
    response = await anyone.http.post("/graphql", json={"query": ME}, headers={b"authorization": header.encode()})

    (error,) = response.json()["errors"]
    assert (response.status_code, error["message"]) == (200, "unauthorized")
    assert error["extensions"] == {"status": "unauthorized", "code": "unauthorized"}


async def test_a_token_of_another_secret_is_no_token(anyone: Caller, admin: Caller) -> None:
    forged = pyjwt.encode({"sub": admin.user_id, "exp": time.time() + 9_000}, "x" * 64, algorithm="HS256")
    unsigned = pyjwt.encode({"sub": admin.user_id, "exp": time.time() + 9_000}, "", algorithm="none")

    for token in (forged, unsigned):
        assert (await anyone.error(ME, authorization=f"Bearer {token}"))["code"] == "unauthorized"


async def test_the_token_of_a_user_who_is_gone_is_unauthorized(anyone: Caller) -> None:
    token = jwt.issue(str(uuid4()), login_method="email_password")

    assert (await anyone.error(ME, authorization=f"Bearer {token}"))["code"] == "unauthorized"


async def test_an_expired_token_is_told_before_any_resolver_runs(anyone: Caller, admin: Caller) -> None:
    claims = {"sub": admin.user_id, "exp": int(time.time()) - 1, "login_method": "email_password"}
    token = pyjwt.encode(claims, settings().secret_key_base, algorithm="HS256")

    body = await anyone.ask("{ currentVersion { number } }", authorization=f"Bearer {token}")

    assert body["data"] == {}
    assert body["errors"][0]["extensions"] == {"status": 401, "code": "expired_jwt_token"}


async def test_a_token_near_its_end_is_renewed_in_a_header(admin: Caller) -> None:
    assert "x-lago-token" not in (await admin.send(ME)).headers

    claims = {"sub": admin.user_id, "exp": int(time.time()) + 3_000, "login_method": "email_password"}
    ending = pyjwt.encode(claims, settings().secret_key_base, algorithm="HS256")
    fresh = (await admin.send(ME, authorization=f"Bearer {ending}")).headers["x-lago-token"]

    assert jwt.decode(fresh).user_id == admin.user_id
    assert jwt.decode(fresh).login_method == "email_password"
    assert jwt.decode(fresh).expires_at > time.time() + 10_000


@pytest.mark.parametrize(
    "organization", [None, "nonsense", "01890a5d-ac96-774b-bcce-b302099a8057", "", "\t", "x" * 5000]
)
async def test_without_an_organization_of_theirs_a_user_is_forbidden(admin: Caller, organization: str | None) -> None:
    error = await Caller(admin.http, admin.token, organization).error(ORGANIZATION)

    assert error == {"message": "Missing organization id", "status": "forbidden", "code": "forbidden"}


async def test_another_tenants_organization_looks_like_an_unknown_one(admin: Caller, stranger: Caller) -> None:
    intruder = Caller(admin.http, admin.token, stranger.organization_id)

    for query in (ORGANIZATION, API_KEYS, "{ memberships { collection { id } } }"):
        assert (await intruder.error(query))["code"] == "forbidden"


async def test_an_anonymous_caller_is_told_of_the_organization_first(anyone: Caller, admin: Caller) -> None:
    nobody = Caller(anyone.http, None, admin.organization_id)

    assert (await nobody.error(ORGANIZATION))["message"] == "Missing organization id"


async def test_a_revoked_member_is_out(sign_up: Callable[..., Awaitable[Caller]], migrated: str) -> None:
    member = await sign_up()
    assert await member.data(ORGANIZATION)

    with psycopg.connect(migrated) as connection:
        connection.execute("UPDATE memberships SET status = 'revoked' WHERE user_id = %s", [member.user_id])

    assert (await member.error(ORGANIZATION))["code"] == "forbidden"
    assert (await member.data("{ currentUser { memberships { id } } }"))["currentUser"]["memberships"] == []


@pytest.mark.parametrize(
    ("role", "may_view_customers", "may_create_customers", "name"),
    [("finance", True, False, "Finance"), ("manager", True, True, "Manager")],
)
async def test_a_predefined_role_has_its_own_permissions_and_no_others(
    sign_up: Callable[..., Awaitable[Caller]],
    migrated: str,
    role: str,
    may_view_customers: bool,
    may_create_customers: bool,
    name: str,
) -> None:
    member = await sign_up()
    with psycopg.connect(migrated) as connection:
        connection.execute(
            "UPDATE membership_roles SET role_id = (SELECT id FROM roles WHERE code = %s AND organization_id IS NULL)"
            " WHERE organization_id = %s",
            [role, member.organization_id],
        )

    query = (
        "{ currentUser { memberships { roles permissions { customersView customersCreate developersKeysManage } } } }"
    )
    (membership,) = (await member.data(query))["currentUser"]["memberships"]
    assert membership == {
        "roles": [name],
        "permissions": {
            "customersView": may_view_customers,
            "customersCreate": may_create_customers,
            "developersKeysManage": False,
        },
    }
    error = await member.error(API_KEYS)
    assert error == {
        "message": "Missing permissions",
        "status": "forbidden",
        "code": "forbidden",
        "required_permissions": ["developers:keys:manage"],
    }


async def test_a_custom_role_named_like_a_predefined_one_inherits_nothing(
    sign_up: Callable[..., Awaitable[Caller]], migrated: str
) -> None:
    member = await sign_up()
    with psycopg.connect(migrated) as connection:
        connection.execute(
            "WITH own AS (INSERT INTO roles"
            " (id, organization_id, code, name, admin, permissions, created_at, updated_at)"
            " VALUES (uuidv7(), %(organization)s, 'admin', 'Admin', false, '{plans:view}', now(), now()) RETURNING id)"
            " UPDATE membership_roles SET role_id = (SELECT id FROM own) WHERE organization_id = %(organization)s",
            {"organization": member.organization_id},
        )

    query = "{ currentUser { memberships { permissions { plansView plansCreate organizationUpdate } } } }"
    (membership,) = (await member.data(query))["currentUser"]["memberships"]
    assert membership["permissions"] == {"plansView": True, "plansCreate": False, "organizationUpdate": False}


async def test_an_admin_has_every_permission(admin: Caller) -> None:
    fields = (await admin.data('{ __type(name: "Permissions") { fields { name } } }'))["__type"]["fields"]
    names = [field["name"] for field in fields]
    query = f"{{ currentUser {{ memberships {{ permissions {{ {' '.join(names)} }} }} }} }}"
    (membership,) = (await admin.data(query))["currentUser"]["memberships"]

    assert len(names) == 130
    assert all(membership["permissions"].values())


async def test_the_roles_are_listed_with_their_permissions_and_members(admin: Caller, stranger: Caller) -> None:
    query = "{ roles { id code name admin permissions memberships { id user { id } } } }"
    roles = (await admin.data(query))["roles"]

    assert {role["code"]: len(role["permissions"]) for role in roles} == {"admin": 130, "finance": 47, "manager": 46}
    by_code = {role["code"]: role for role in roles}
    assert [member["user"]["id"] for member in by_code["admin"]["memberships"]] == [admin.user_id]
    assert "organization_members_view" in by_code["admin"]["permissions"]
    one = await admin.data("query($id: ID!) { role(id: $id) { code } }", {"id": by_code["finance"]["id"]})
    assert one["role"]["code"] == "finance"
    error = await admin.error("query($id: ID!) { role(id: $id) { code } }", {"id": str(uuid4())})
    assert error["details"] == {"role": ["not_found"]}


async def test_members_are_listed_with_the_number_of_admins(admin: Caller) -> None:
    query = """{ memberships(page: 1, limit: 5) {
        collection { status roles revokedAt createdAt user { email premium organizations { id } } organization { id } }
        metadata { adminCount currentPage limitValue totalCount totalPages }
    } }"""
    found = (await admin.data(query))["memberships"]

    (member,) = found["collection"]
    assert member["user"] == {
        "email": admin.email,
        "premium": True,
        "organizations": [{"id": admin.organization_id}],
    }
    assert (member["status"], member["roles"], member["revokedAt"]) == ("active", ["Admin"], None)
    assert found["metadata"] == {
        "adminCount": 1, "currentPage": 1, "limitValue": 5, "totalCount": 1, "totalPages": 1,
    }  # fmt: skip


async def test_what_the_dashboard_asks_at_boot_is_answered(admin: Caller) -> None:
    query = """{ currentUser { id email premium organizations { id name timezone accessibleByCurrentSession }
        memberships { id roles organization { id slug name logoUrl accessibleByCurrentSession } } } }"""
    user = (await admin.data(query))["currentUser"]

    assert user["premium"] is True
    assert user["organizations"] == [
        {"id": admin.organization_id, "name": "Acme", "timezone": "TZ_UTC", "accessibleByCurrentSession": True}
    ]
    assert user["memberships"][0]["organization"]["logoUrl"] is None


async def test_many_organizations_cost_no_more_statements_than_one(
    sign_up: Callable[..., Awaitable[Caller]], statements: list[str]
) -> None:
    member = await sign_up()
    query = (
        "{ currentUser { organizations { id } memberships { roles permissions { plansView } organization { name } } } }"
    )
    statements.clear()
    await member.data(query)
    with_one = len(statements)
    create = "mutation($input: CreateSandboxInput!) { createSandbox(input: $input) { organization { id } } }"
    for _ in range(5):
        await member.data(create, {"input": {"name": "Case", "frozenAt": "2024-01-01"}})
    statements.clear()

    user = (await member.data(query))["currentUser"]
    assert len(user["organizations"]) == 6
    assert len(statements) == with_one
