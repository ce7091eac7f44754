"""Who gets into a portal, and how far: its own customer, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import graphql
import httpx
import pytest
from starlette.applications import Starlette

from domain.customers.portal import PORTAL_PURPOSE
from graphql_api.portal.documents import PORTAL_FIELDS, asks_portal
from graphql_api.schema import schema
from infrastructure import jwt, signing
from rest_api.app import rest_routes
from tests.domain.billing.world import World
from tests.graphql_api.conftest import Caller
from tests.graphql_api.portal.conftest import Visitor, token_of

NOBODY = "00000000-0000-4000-8000-000000000000"
PUBLIC = frozenset(
    {"currentVersion", "invite", "passwordReset", "loginUser", "registerUser", "acceptInvite", "createPasswordReset",
     "resetPassword", "googleAuthUrl", "googleLoginUser", "googleRegisterUser", "googleAcceptInvite", "oktaAuthorize",
     "oktaLogin", "oktaAcceptInvite", "entraIdAuthorize", "entraIdLogin", "entraIdAcceptInvite"}
)  # fmt: skip
"""Operations that ask nobody who they are (handbook, platform 2.4)."""
OPERATIONS = {
    "customerPortalUser": "{ customerPortalUser { id } }",
    "customerPortalOrganization": "{ customerPortalOrganization { id } }",
    "customerPortalInvoices": "{ customerPortalInvoices { metadata { totalCount } } }",
    "customerPortalInvoiceCollections": "{ customerPortalInvoiceCollections { metadata { totalCount } } }",
    "customerPortalOverdueBalances": "{ customerPortalOverdueBalances { metadata { totalCount } } }",
    "customerPortalSubscriptions": "{ customerPortalSubscriptions { metadata { totalCount } } }",
    "customerPortalWallets": "{ customerPortalWallets { metadata { totalCount } } }",
    "customerPortalSubscription":
        "query Q($subscription: ID!) { customerPortalSubscription(id: $subscription) { id } }",
    "customerPortalCustomerUsage":
        "query Q($subscription: ID!) { customerPortalCustomerUsage(subscriptionId: $subscription) { amountCents } }",
    "customerPortalCustomerProjectedUsage":
        "query Q($subscription: ID!)"
        " { customerPortalCustomerProjectedUsage(subscriptionId: $subscription) { amountCents } }",
    "customerPortalWallet": "query Q($wallet: ID!) { customerPortalWallet(id: $wallet) { id } }",
    "updateCustomerPortalCustomer": "mutation { updateCustomerPortalCustomer(input: {}) { id } }",
    "downloadCustomerPortalInvoice":
        "mutation Q($invoice: ID!) { downloadCustomerPortalInvoice(input: {id: $invoice}) { id } }",
    "createCustomerPortalWalletTransaction":
        'mutation Q($wallet: ID!) { createCustomerPortalWalletTransaction(input: {walletId: $wallet, paidCredits: "9"})'
        " { metadata { totalCount } } }",
}  # fmt: skip
MINE = OPERATIONS["customerPortalUser"]


def needed(name: str, ids: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in ids.items() if f"${key}:" in OPERATIONS[name]}


async def test_nothing_of_the_portal_is_answered_without_its_token(
    anyone: Caller, admin: Caller, ids: dict[str, str]
) -> None:
    assert set(OPERATIONS) == PORTAL_FIELDS
    for name in OPERATIONS:
        for caller in (anyone, admin):
            error = await caller.error(OPERATIONS[name], needed(name, ids))
            assert (name, error["code"], error["status"], error["message"]) == (name, *["unauthorized"] * 3)


async def test_bad_tokens_open_nothing(me: Visitor, anyone: Caller, world: World) -> None:
    good = me.portal_token
    named = [str(world.organization_id), me.customer]
    gone = world.customer(external_id="gone", deleted_at=world.now)
    tail = "B" if good[-1] == "A" else "A"
    payload, _, signature = good.rpartition(".")
    hour = timedelta(hours=1)
    bad = {
        "empty": " ", "noise": "noise", "cut": good[:-1], "cut in the middle": good[: len(good) // 2],
        "changed": good[:-1] + tail, "unsigned": payload + ".", "swapped": f"{signature}.{payload}",
        "long": "a" * 9_000, "of another purpose": signing.sign("download", named, hour),
        "of a log-in": jwt.issue(me.customer), "of a deleted customer": token_of(world.organization_id, gone),
        "of nobody": signing.sign(PORTAL_PURPOSE, [named[0], NOBODY], hour),
        "of no organization": signing.sign(PORTAL_PURPOSE, [NOBODY, me.customer], hour),
        "of no ids": signing.sign(PORTAL_PURPOSE, ["a", None], hour),
        "of no pair": signing.sign(PORTAL_PURPOSE, me.customer, hour),
    }  # fmt: skip
    for what, token in bad.items():
        error = await anyone.error(MINE, **{"customer-portal-token": token})
        assert (what, error["code"]) == (what, "unauthorized")


async def test_a_link_is_good_for_twelve_hours_of_real_time(me: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for passed, good in ((12 * 3600 - 60, True), (12 * 3600 + 1, False)):
        at = now + passed
        monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda at=at: at))
        body = await me.ask(MINE)
        assert (body["data"] == {"customerPortalUser": {"id": me.customer}}) is good


async def test_a_link_ends_when_its_customer_is_deleted(me: Visitor, world: World, others: list[Visitor]) -> None:
    leaving = others[0]
    assert (await leaving.data(MINE))["customerPortalUser"]["id"] == leaving.customer
    world.execute("UPDATE customers SET deleted_at = %s WHERE id = %s", world.now, leaving.customer)
    assert (await leaving.error(MINE))["code"] == "unauthorized"
    world.execute("UPDATE customers SET deleted_at = NULL WHERE id = %s", leaving.customer)
    assert (await me.data(MINE))["customerPortalUser"]["id"] == me.customer


async def test_what_others_have_does_not_exist(me: Visitor, others: list[Visitor], world: World) -> None:
    wanted = {
        "customerPortalSubscription": "not_found", "customerPortalWallet": "not_found",
        "downloadCustomerPortalInvoice": "not_found", "customerPortalCustomerUsage": "no_active_subscription",
        "customerPortalCustomerProjectedUsage": "no_active_subscription",
        "createCustomerPortalWalletTransaction": "unprocessable_entity",
    }  # fmt: skip
    theirs = [{"subscription": each.subscription, "invoice": each.invoice, "wallet": each.wallet} for each in others]
    theirs += [dict.fromkeys(("subscription", "invoice", "wallet"), unknown) for unknown in (NOBODY, "x")]
    for name, code in wanted.items():
        refused = [await me.error(OPERATIONS[name], needed(name, ids)) for ids in theirs]
        assert [each["code"] for each in refused] == [code] * 4
        assert all(each == refused[0] for each in refused), "whose it is can't be told"
    assert refused[0]["details"] == {"walletId": ["wallet_not_found"]}
    assert world.rows("wallet_transactions") == []
    for visitor in (me, *others):
        found = await visitor.data("{ customerPortalWallets { collection { id } } customerPortalUser { id } }")
        assert found["customerPortalWallets"]["collection"] == [{"id": visitor.wallet}]
        assert found["customerPortalUser"]["id"] == visitor.customer


def _value(kind: Any) -> str:
    """A literal that is good for an argument of this type."""
    if graphql.is_non_null_type(kind):
        return _value(kind.of_type)
    if graphql.is_list_type(kind):
        return "[]"
    if graphql.is_enum_type(kind):
        return str(next(iter(kind.values)))
    if graphql.is_input_object_type(kind):
        given = [f"{name}: {_value(each.type)}" for name, each in kind.fields.items() if each.type is not None
                 and graphql.is_required_input_field(each)]  # fmt: skip
        return "{" + ", ".join(given) + "}"
    known = {"Int": "1", "Float": "1", "Boolean": "true", "BigInt": "1", "JSON": "{}", "ChargeFilterValues": "{}"}
    known |= {"ISO8601DateTime": '"2024-01-01T00:00:00Z"', "ISO8601Date": '"2024-01-01"'}
    return known.get(kind.name, f'"{NOBODY}"')


def _dashboard() -> Iterator[tuple[str, str]]:
    """A document for every operation that is not the portal's."""
    for word, root in (("query", schema._schema.query_type), ("mutation", schema._schema.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            if name in PORTAL_FIELDS or name in PUBLIC:
                continue
            arguments = [(key, each) for key, each in field.args.items() if graphql.is_required_argument(each)]
            needs = [f"{key}: {_value(each.type)}" for key, each in arguments]
            selected = " { __typename }" if graphql.is_composite_type(graphql.get_named_type(field.type)) else ""
            yield name, f"{word} {{ {name}{'(' + ', '.join(needs) + ')' if needs else ''}{selected} }}"


async def test_a_portal_token_opens_no_operation_of_the_dashboard(me: Visitor, world: World) -> None:
    user_only = set()
    for name, document in _dashboard():
        error = await me.error(document)
        assert (name, error["code"]) in ((name, "forbidden"), (name, "unauthorized"))
        if error["code"] == "unauthorized":
            user_only.add(name)
    assert "currentUser" in user_only
    assert "invoices" not in user_only
    organization = {"x-lago-organization": str(world.organization_id)}
    assert (await me.error("{ organization { id } }", **organization))["message"] == "Missing organization id"
    assert (await me.data("{ currentVersion { number } }"))["currentVersion"]


async def test_a_portal_token_is_no_log_in_and_no_api_key(me: Visitor, anyone: Caller, world: World) -> None:
    bearer = {"authorization": f"Bearer {me.portal_token}", "x-lago-organization": str(world.organization_id)}
    assert (await anyone.error("{ currentUser { id } }", **bearer))["code"] == "unauthorized"
    assert (await anyone.error("{ organization { id } }", **bearer))["code"] == "forbidden"
    transport = httpx.ASGITransport(Starlette(routes=rest_routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://tarn.test") as rest:
        for sent in (bearer, {"customer-portal-token": me.portal_token}):
            assert (await rest.get("/api/v1/customers", headers=sent)).status_code == 401


async def test_a_member_with_a_portal_token_is_one_or_the_other(me: Visitor, admin: Caller, anyone: Caller) -> None:
    token = {"customer-portal-token": me.portal_token}
    organization = "{ organization { id } }"
    assert (await admin.data(organization, **token))["organization"]["id"] == admin.organization_id
    assert (await admin.data(organization, **{"customer-portal-token": "x"}))["organization"]["id"]
    in_fragment = "query { ...F ... { currentVersion { number } } } fragment F on Query { customerPortalUser { id } }"
    for document in (MINE, in_fragment):
        assert (await admin.data(document, **token))["customerPortalUser"]["id"] == me.customer
    both = await admin.ask("{ customerPortalUser { id } organization { id } }", **token)
    assert both["data"] == {"customerPortalUser": {"id": me.customer}, "organization": None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jwt, "time", SimpleNamespace(time=lambda: 0))
        expired = jwt.issue(str(admin.user_id))
    bearer = {"authorization": f"Bearer {expired}"}
    assert (await anyone.data(MINE, **bearer, **token))["customerPortalUser"]["id"] == me.customer
    assert (await anyone.error(organization, **bearer, **token))["code"] == "expired_jwt_token"


def test_which_documents_ask_for_the_portal() -> None:
    loop = "query A { ...F } fragment F on Query { ...G } fragment G on Query { ...F x: customerPortalUser { id } }"
    assert asks_portal(loop, None)
    assert asks_portal("query A { a } query B { ... on Query { customerPortalWallets { b } } }", "B")
    other = "query A { a } query B { customerPortalUser { id } }"
    for document in (other, "{ generateCustomerPortalUrl }", "{", "{ ...F }"):
        assert not asks_portal(document, "A")
