"""The frame: what a request must look like, what it may ask for, and what an error carries."""

from __future__ import annotations

import json
import time

import pytest

from domain.identity import queries as identity_queries
from graphql_api.errors import camel
from graphql_api.limits import MAX_COMPLEXITY, MAX_QUERY_LENGTH
from graphql_api.schema import export
from infrastructure.settings import settings
from tests.graphql_api.conftest import Caller


async def test_a_query_is_answered_at_the_address_without_a_redirect(anyone: Caller) -> None:
    response = await anyone.send("{ currentVersion { number } }")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["data"]["currentVersion"]["number"]


async def test_variables_may_come_as_the_text_of_an_object(anyone: Caller) -> None:
    query = "query($on: Boolean!) { currentVersion @include(if: $on) { number } }"

    assert await anyone.data(query, '{"on": false}') == {}


@pytest.mark.parametrize("body", ["{", "", "\x00", '{"query": "\ud800"}', "[" * 100_000])
async def test_a_body_that_is_not_json_gets_a_json_error(anyone: Caller, body: str) -> None:
    response = await anyone.http.post("/graphql", content=body.encode("utf-8", "surrogatepass"))

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"] == {"status": 400, "code": "bad_request"}


async def test_batches_are_refused(anyone: Caller) -> None:
    response = await anyone.http.post("/graphql", json=[{"query": "{ currentVersion { number } }"}])

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "batch_not_supported"


@pytest.mark.parametrize("body", [{}, {"query": None}, {"query": 5}, {"query": "  "}])
async def test_a_missing_query_is_named(anyone: Caller, body: dict[str, object]) -> None:
    response = await anyone.http.post("/graphql", json=body)

    assert response.status_code == 200
    assert response.json()["errors"][0]["extensions"]["code"] == "query_is_missing"


@pytest.mark.parametrize("variables", ["[1]", [1], 5, "nonsense", True])
async def test_variables_that_are_no_object_are_refused(anyone: Caller, variables: object) -> None:
    error = await anyone.error("{ currentVersion { number } }", variables)

    assert error["code"] == "variable_is_invalid"


async def test_a_query_beyond_the_length_limit_is_refused(anyone: Caller) -> None:
    error = await anyone.error("#" * (MAX_QUERY_LENGTH + 1))

    assert (error["status"], error["code"]) == (413, "query_is_too_large")
    assert "15000" in error["message"]
    assert "15001" in error["message"]


async def test_depth_is_limited(anyone: Caller) -> None:
    def asking(depth: int) -> str:
        inner = depth - 5
        return "{ __schema { types { fields { type" + " { ofType" * inner + " { name" + " }" * (inner + 5)

    assert await anyone.data(asking(15))
    error = await anyone.error(asking(16))

    assert (error["status"], error["code"]) == (422, "query_is_too_deep")


async def test_complexity_is_limited_to_the_last_field(anyone: Caller) -> None:
    def asking(fields: int) -> str:
        return "{ currentVersion { " + " ".join(f"a{n}: number" for n in range(fields - 1)) + " } }"

    assert await anyone.data(asking(MAX_COMPLEXITY))
    assert (await anyone.error(asking(MAX_COMPLEXITY + 1)))["code"] == "query_is_too_complex"


async def test_a_field_selected_by_several_fragments_counts_once(anyone: Caller) -> None:
    fields = " ".join(f"a{n}: number" for n in range(200))
    fragments = f"fragment A on CurrentVersion {{ {fields} }} fragment B on CurrentVersion {{ {fields} }}"

    assert await anyone.data("{ currentVersion { ...A ...B } } " + fragments)


@pytest.mark.parametrize(
    "document",
    [
        "{ ...f0 } "
        + " ".join(f"fragment f{n} on Query {{ a {{ ...f{n + 1} }} b {{ ...f{n + 1} }} }}" for n in range(90))
        + " fragment f90 on Query { currentVersion { number } }",
        "{ ...f0 } "
        + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} ...f{n + 1} }}" for n in range(90))
        + " fragment f90 on Query { currentVersion { number } }",
        "{ currentVersion { " + "number " * 2_000 + "} }",
        "{ ...f } fragment f on Query { currentVersion { ...f } ...f }",
        "{" + "a{" * 4_000,
        "{" + "[" * 10_000,
        "query(" + "$a:[Int]" * 1_000 + "){currentVersion{number}}",
        "{currentVersion{" + "n:number@skip(if:true)" * 500 + "}}",
    ],
    ids=["doubling", "spreads", "repeated", "cycle", "nested", "lists", "variables", "directives"],
)
async def test_a_document_made_to_hurt_is_answered_quickly(anyone: Caller, document: str) -> None:
    began = time.process_time()
    await anyone.ask(document[:MAX_QUERY_LENGTH])

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ currentVersion {", "syntax_error"),
        ("{ nonsense }", "undefinedField"),
        ("{ currentVersion(a: 1) { number } }", "argumentNotAccepted"),
        ("{ currentVersion }", "selectionMismatch"),
        ("{ currentVersion { ...Nobody } }", "useOfUndefinedFragment"),
        ("mutation { loginUser { token } }", "missingRequiredArguments"),
        ('mutation { loginUser(input: {email: "a"}) { token } }', "missingRequiredInputObjectAttribute"),
        ('mutation { loginUser(input: {email: 5, password: "a"}) { token } }', "argumentLiteralsIncompatible"),
        ('mutation { loginUser(input: {email: "a", password: "b", c: 1}) { token } }', "argumentNotAccepted"),
        ("query($a: Nonsense) { currentVersion { number } }", "undefinedType"),
        ("query($a: Int) { currentVersion { number } }", "variableNotUsed"),
        ("subscription { anything }", "operation_not_found"),
        ("query A { currentVersion { number } } query B { currentVersion { number } }", "operation_not_found"),
    ],
)
async def test_every_error_of_a_document_carries_status_and_code(anyone: Caller, document: str, code: str) -> None:
    body = await anyone.ask(document)

    assert all(error["extensions"]["status"] in (400, 422) for error in body["errors"])
    assert code in [error["extensions"]["code"] for error in body["errors"]], body


LOGIN = "mutation($input: LoginUserInput!) { loginUser(input: $input) { token } }"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"email": 5, "password": "a"}, ["email"]),
        ({"email": "a", "password": ["b"]}, ["password"]),
        ({"email": "a", "password": None}, ["password"]),
        ({"email": 10**4000, "password": "a"}, ["email"]),
        ({"email": 1.5, "password": "a"}, ["email"]),
    ],
)
async def test_a_wrong_variable_is_named(anyone: Caller, given: object, path: list[str]) -> None:
    error = await anyone.error(LOGIN, {"input": given})

    assert error["code"] == "variable_is_invalid"
    assert error["problems"][0]["path"] == path
    assert len(error["message"]) <= 600


@pytest.mark.parametrize("text", ["a\x00b", "\x00"])
async def test_nul_characters_are_refused_in_variables_and_in_the_document(anyone: Caller, text: str) -> None:
    error = await anyone.error(LOGIN, {"input": {"email": text, "password": "a"}})
    assert (error["status"], error["details"]) == (422, {"email": ["value_is_invalid"]})

    literal = json.dumps(text)
    error = await anyone.error(f'mutation {{ loginUser(input: {{email: {literal}, password: "a"}}) {{ token }} }}')
    assert (error["status"], error["code"]) == (422, "value_is_invalid")


@pytest.mark.parametrize("depth", [100, 400, 800, 950, 990, 1_500])
async def test_variables_nested_to_any_depth_are_refused_and_not_a_fault(anyone: Caller, depth: int) -> None:
    nested = '{"query": "query($a: Int) { currentVersion { number } }", "variables": {"a": %s}}'
    for one, other in (("[", "]"), ('{"a":', "}")):
        body = nested % (one * depth + "1" + other * depth)
        response = await anyone.http.post("/graphql", content=body)

        assert response.status_code in (200, 400)
        assert response.json()["errors"][0]["extensions"]["status"] in (400, 422)


async def test_an_endless_e_mail_costs_no_time(anyone: Caller) -> None:
    began = time.process_time()
    error = await anyone.error(LOGIN, {"input": {"email": "a" * 5_000_000, "password": "a"}})

    assert error["details"] == {"base": ["incorrect_login_or_password"]}
    assert time.process_time() - began < 2


@pytest.mark.parametrize("document", ['{"query": "{ a }", "variables": {"a": ' + "9" * 50_000 + "}}", "[]", "5"])
async def test_absurd_bodies_are_refused_and_not_a_fault(anyone: Caller, document: str) -> None:
    response = await anyone.http.post("/graphql", content=document)

    assert response.status_code == 400


async def test_a_fault_of_ours_shows_nothing_of_the_inside(admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(identity_queries, "organization_row", broken)
    response = await admin.send("{ organization { id } }")

    assert response.status_code == 200
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"status": 500, "code": "internal_error"}
    assert error["path"] == ["organization"]
    assert "secret" not in response.text


async def test_a_browser_gets_the_explorer_in_development_and_nothing_in_production(
    anyone: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graphql_api.app import graphql_routes

    assert (await anyone.http.get("/graphql")).headers["content-type"].startswith("text/html")
    monkeypatch.setattr(settings(), "env", "production")
    assert [route.methods for route in graphql_routes()] == [{"POST"}]


def test_the_exported_schema_is_stable_text() -> None:
    assert export() == export()
    assert "type Query {" in export()
    assert export().endswith("}\n")


def test_names_of_fields_become_camel_case() -> None:
    assert [camel(name) for name in ("external_id", "id", "address_line1")] == ["externalId", "id", "addressLine1"]
