"""Registration and log-in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import psycopg
import pytest

from infrastructure import jwt
from infrastructure.settings import settings
from infrastructure.throttle import LIMITS
from tests.conftest import RedisUrls
from tests.graphql_api.conftest import REGISTER, Caller

LOGIN = "mutation($input: LoginUserInput!) { loginUser(input: $input) { token user { id memberships { id } } } }"
WRONG = {"base": ["incorrect_login_or_password"]}


def _new(**changes: object) -> dict[str, object]:
    fields = {"email": f"{uuid4().hex}@example.com", "password": "pw", "organizationName": "Acme", **changes}
    return {"input": fields}


async def test_registration_founds_an_organization(anyone: Caller, migrated: str) -> None:
    made = (await anyone.data(REGISTER, _new(organizationName="Crème & Co")))["registerUser"]
    organization_id = made["organization"]["id"]
    caller = Caller(anyone.http, made["token"], organization_id)

    query = """{ organization { name slug documentNumberPrefix documentNumbering defaultCurrency timezone apiKey hmacKey
        finalizeZeroAmountInvoice netPaymentTerm } currentUser { memberships { roles } } }"""
    found = await caller.data(query)

    organization = found["organization"]
    assert organization["slug"].startswith("creme-co")
    assert organization["documentNumberPrefix"] == f"CRÈ-{organization_id[-4:].upper()}"
    assert organization["documentNumbering"] == "per_organization"
    assert (organization["defaultCurrency"], organization["timezone"]) == ("USD", "TZ_UTC")
    assert UUID(organization["hmacKey"])
    assert UUID(organization["apiKey"])
    assert found["currentUser"]["memberships"] == [{"roles": ["Admin"]}]
    with psycopg.connect(migrated) as connection:
        rows = connection.execute(
            "SELECT e.id = e.organization_id, e.code, k.value <> %s,"
            " (SELECT count(*) FROM jsonb_object_keys(k.permissions))"
            " FROM billing_entities e JOIN api_keys k USING (organization_id) WHERE e.organization_id = %s",
            [organization["apiKey"], organization_id],
        ).fetchall()
    assert rows == [(True, "creme_co", True, 38)]


async def test_the_token_names_the_user_and_the_way_they_logged_in(anyone: Caller) -> None:
    made = (await anyone.data(REGISTER, _new()))["registerUser"]

    claims = jwt.decode(made["token"])
    assert (claims.user_id, claims.login_method) == (made["user"]["id"], "email_password")


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"email": ""}, {"email": ["value_is_mandatory"]}),
        ({"email": "nobody"}, {"email": ["invalid_email_format"]}),
        ({"email": "a@b" * 200}, {"email": ["value_is_too_long"]}),
        ({"password": ""}, {"password": ["value_is_mandatory"]}),
        ({"password": "x" * 2_000}, {"password": ["value_is_too_long"]}),
        ({"organizationName": "  "}, {"organizationName": ["value_is_mandatory"]}),
        ({"organizationName": "x" * 300}, {"organizationName": ["value_is_too_long"]}),
        (
            {"email": "", "password": "", "organizationName": ""},
            {
                "email": ["value_is_mandatory"],
                "password": ["value_is_mandatory"],
                "organizationName": ["value_is_mandatory"],
            },
        ),
    ],
)
async def test_every_wrong_field_of_a_registration_is_named(
    anyone: Caller, changes: dict[str, object], details: dict[str, list[str]]
) -> None:
    error = await anyone.error(REGISTER, _new(**changes))

    assert (error["status"], error["code"], error["details"]) == (422, "unprocessable_entity", details)


async def test_an_email_registers_once_also_when_two_come_together(anyone: Caller, migrated: str) -> None:
    variables = _new()
    answers = await asyncio.gather(*(anyone.ask(REGISTER, variables) for _ in range(4)))

    assert sum("errors" not in answer for answer in answers) == 1
    refused = [answer["errors"][0]["extensions"]["details"] for answer in answers if "errors" in answer]
    assert refused == [{"email": ["user_already_exists"]}] * 3
    with psycopg.connect(migrated) as connection:
        orphans = connection.execute(
            "SELECT count(*) FROM organizations o"
            " WHERE NOT EXISTS (SELECT FROM memberships WHERE organization_id = o.id)"
        ).fetchone()
    assert orphans == (0,)


async def test_an_email_is_stored_without_what_nobody_sees(anyone: Caller) -> None:
    name = uuid4().hex
    variables = _new(email=f"  a\u200b\u2011{name}@example.com ")
    made = (await anyone.data(REGISTER, variables))["registerUser"]

    assert made["user"]["email"] == f"a-{name}@example.com"


async def test_organizations_of_one_name_have_slugs_of_their_own(anyone: Caller) -> None:
    register = REGISTER.replace("organization { id }", "organization { id slug }")
    name = f"Same {uuid4().hex[:6]}"
    answers = await asyncio.gather(*(anyone.data(register, _new(organizationName=name)) for _ in range(6)))
    slugs = [answer["registerUser"]["organization"]["slug"] for answer in answers]

    assert len(set(slugs)) == 6
    assert all(re.fullmatch(r"same-[0-9a-f]{6}(-[a-z0-9]{3,})?", slug) for slug in slugs)


async def test_signup_can_be_switched_off(anyone: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "disable_signup", True)

    error = await anyone.error(REGISTER, _new())
    assert (error["status"], error["code"]) == (405, "signup_disabled")


async def test_a_user_logs_in(admin: Caller) -> None:
    given = {"input": {"email": admin.email, "password": admin.password}}
    found = (await Caller(admin.http).data(LOGIN, given))["loginUser"]

    assert found["user"]["id"] == admin.user_id
    assert len(found["user"]["memberships"]) == 1
    assert jwt.decode(found["token"]).user_id == admin.user_id


async def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(admin: Caller, empty_redis: RedisUrls) -> None:
    anyone = Caller(admin.http)
    answers = [
        await anyone.error(LOGIN, {"input": {"email": email, "password": password}})
        for email, password in [
            (admin.email, "wrong"),
            (f"{uuid4().hex}@example.com", "wrong"),
            (admin.email, ""),
            (admin.email, "x" * 5_000),
            ("", ""),
            (f"{admin.email}".upper(), admin.password),
        ]
    ]

    assert {str(answer) for answer in answers} == {str(answers[0])}
    assert (answers[0]["status"], answers[0]["details"]) == (422, WRONG)


async def test_after_too_many_failures_even_the_right_password_has_to_wait(
    sign_up: Callable[..., Awaitable[Caller]], empty_redis: RedisUrls
) -> None:
    member = await sign_up()
    anyone = Caller(member.http)
    guesses = [
        anyone.ask(LOGIN, {"input": {"email": member.email, "password": f"guess {n}"}})
        for n in range(LIMITS["account"].amount)
    ]
    await asyncio.gather(*guesses)

    error = await anyone.error(LOGIN, {"input": {"email": member.email, "password": member.password}})
    assert (error["status"], error["code"]) == (429, "too_many_attempts")
    assert 0 < error["retryAfter"] <= 900


async def test_a_user_without_an_active_membership_cannot_log_in(
    sign_up: Callable[..., Awaitable[Caller]], migrated: str, empty_redis: RedisUrls
) -> None:
    member = await sign_up()
    with psycopg.connect(migrated) as connection:
        connection.execute("UPDATE memberships SET status = 'revoked' WHERE user_id = %s", [member.user_id])

    error = await Caller(member.http).error(LOGIN, {"input": {"email": member.email, "password": member.password}})
    assert error["details"] == WRONG


async def test_an_organization_may_forbid_passwords(sign_up: Callable[..., Awaitable[Caller]]) -> None:
    member = await sign_up()
    await member.data(
        "mutation($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { id } }",
        {"input": {"authenticationMethods": ["google_oauth"]}},
    )

    error = await Caller(member.http).error(LOGIN, {"input": {"email": member.email, "password": member.password}})
    assert error["details"] == {"emailPassword": ["login_method_not_authorized"]}
