"""Taxes of a billing entity over GraphQL."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.graphql_api.conftest import Caller

TAX = "mutation($input: TaxCreateInput!) { createTax(input: $input) { id code appliedToOrganization } }"
APPLY = """mutation($input: ApplyTaxesInput!) {
    billingEntityApplyTaxes(input: $input) { clientMutationId appliedTaxes { code appliedToOrganization } } }"""
REMOVE = """mutation($input: RemoveTaxesInput!) {
    billingEntityRemoveTaxes(input: $input) { removedTaxes { code } } }"""
LISTED = """query($id: ID!) { billingEntityTaxes(billingEntityId: $id) {
    collection { code } metadata { totalCount currentPage } } }"""


async def tax(caller: Caller) -> str:
    code = f"tax-{uuid4().hex[:8]}"
    await caller.data(TAX, {"input": {"name": "Tax", "code": code, "rate": 5}})
    return code


async def test_taxes_are_put_on_an_entity_and_taken_off(admin: Caller) -> None:
    async def listed() -> list[str]:
        found = (await admin.data(LISTED, {"id": admin.organization_id}))["billingEntityTaxes"]
        assert found["metadata"]["totalCount"] == len(found["collection"])
        return [one["code"] for one in found["collection"]]

    before, first, second = await listed(), await tax(admin), await tax(admin)
    entity: dict[str, Any] = {"billingEntityId": admin.organization_id}
    answer = await admin.data(APPLY, {"input": {**entity, "taxCodes": [first, second], "clientMutationId": "m"}})
    assert answer["billingEntityApplyTaxes"] == {
        "clientMutationId": "m",
        "appliedTaxes": [{"code": code, "appliedToOrganization": True} for code in (first, second)],
    }
    again = await admin.data(APPLY, {"input": {**entity, "taxCodes": [second]}})
    assert [one["code"] for one in again["billingEntityApplyTaxes"]["appliedTaxes"]] == [second]
    assert await listed() == [*before, first, second]
    gone = await admin.data(REMOVE, {"input": {**entity, "taxCodes": [first, "unknown"]}})
    assert gone["billingEntityRemoveTaxes"]["removedTaxes"] == [{"code": first}]
    assert await listed() == [*before, second]


async def test_the_organization_lists_its_taxes(admin: Caller) -> None:
    applied, other = await tax(admin), await tax(admin)
    await admin.data(APPLY, {"input": {"billingEntityId": admin.organization_id, "taxCodes": [applied]}})
    query = "query($on: Boolean) { organization { taxes(appliedToOrganization: $on, limit: 100) { code } } }"
    found = {on: (await admin.data(query, {"on": on}))["organization"]["taxes"] for on in (True, False, None)}
    assert {"code": applied} in found[True]
    assert {"code": other} not in found[True]
    assert {"code": other} in found[False]
    assert len(found[None]) == len(found[True]) + len(found[False])


async def test_unknown_entities_and_taxes_are_not_found(admin: Caller, stranger: Caller) -> None:
    code, theirs = await tax(admin), await tax(stranger)
    for entity_id, codes, missing in (
        (admin.organization_id, [code, theirs], "tax"),
        (stranger.organization_id, [code], "billingEntity"),
        ("nonsense", [code], "billingEntity"),
    ):
        error = await admin.error(APPLY, {"input": {"billingEntityId": entity_id, "taxCodes": codes}})
        assert (error["status"], error["details"]) == (404, {missing: ["not_found"]})
