"""Idempotency-Key on mutations: one execution, one answer."""

from __future__ import annotations

import asyncio

import pytest

from tests.graphql_api.conftest import Caller

CREATE = """
    mutation Make($input: CreateAddOnInput!) {
        createAddOn(input: $input) { id code organization { id } taxes { id } appliedAddOnsCount }
    }
"""
LIST = "{ addOns { metadata { totalCount } } }"


def add_on(code: str) -> object:
    return {"input": {"name": "A", "code": code, "amountCents": "100", "amountCurrency": "EUR"}}


async def count(admin: Caller) -> int:
    return int((await admin.data(LIST))["addOns"]["metadata"]["totalCount"])


async def test_a_mutation_is_answered_again_and_happens_once(admin: Caller) -> None:
    header = {"idempotency-key": "one"}
    before = await count(admin)
    first = await admin.send(CREATE, add_on("once"), **header)
    again = await admin.send(CREATE, add_on("once"), **header)
    assert first.json()["data"]["createAddOn"]["organization"] == {"id": admin.organization_id}
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await count(admin) == before + 1
    assert (await admin.ask(CREATE, add_on("once")))["errors"][0]["extensions"]["code"] == "unprocessable_entity"


async def test_a_key_with_another_mutation_is_refused(admin: Caller) -> None:
    header = {"idempotency-key": "two"}
    await admin.send(CREATE, add_on("two"), **header)
    before = await count(admin)
    answer = await admin.send(CREATE, add_on("other"), **header)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"] == {
        "status": 422,
        "code": "idempotency_key_reused",
        "details": {"idempotencyKey": ["already_used_with_another_request"]},
    }
    assert await count(admin) == before
    assert await admin.ask(LIST, None, **header) == await admin.ask(LIST)


async def test_of_mutations_at_once_one_is_executed(admin: Caller) -> None:
    before = await count(admin)
    answers = await asyncio.gather(
        *(admin.send(CREATE, add_on("three"), **{"idempotency-key": "three"}) for _ in range(4))
    )
    assert len({answer.text for answer in answers}) == 1
    assert "errors" not in answers[0].json()
    assert await count(admin) == before + 1


async def test_refused_parts_are_undone_and_the_answer_is_kept(admin: Caller) -> None:
    document = """
        mutation Two($a: CreateAddOnInput!, $b: CreateAddOnInput!) {
            first: createAddOn(input: $a) { code } second: createAddOn(input: $b) { code }
        }
    """
    good, bad = add_on("four"), {"input": {"name": " ", "code": "x", "amountCents": "1", "amountCurrency": "EUR"}}
    variables = {"a": bad["input"], "b": good["input"]}  # type: ignore[index]
    before = await count(admin)
    first = await admin.ask(document, variables, **{"idempotency-key": "four"})
    assert first["data"] == {"first": None, "second": {"code": "four"}}
    assert first["errors"][0]["extensions"]["details"] == {"name": ["value_is_mandatory"]}
    assert await admin.ask(document, variables, **{"idempotency-key": "four"}) == first
    assert await count(admin) == before + 1


async def test_after_a_fault_nothing_is_kept(admin: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    header = {"idempotency-key": "five"}
    before = await count(admin)
    with monkeypatch.context() as patch:

        async def broken(*_: object) -> None:
            raise RuntimeError("a defect below the mutation")

        patch.setattr("graphql_api.catalog.add_ons.own_organization", broken)
        answer = await admin.ask(CREATE, add_on("five"), **header)
        assert answer["errors"][0]["extensions"]["code"] == "internal_error"
    assert await count(admin) == before
    assert (await admin.data(CREATE, add_on("five"), **header))["createAddOn"]["code"] == "five"
