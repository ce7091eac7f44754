"""The activity log over GraphQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tasks.app  # noqa: F401  # names all jobs
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import Reactions, install_reactions, installed_reactions
from tasks.jobs import JOBS
from tasks.reactions import requests
from tests.graphql_api.conftest import Caller

FIELDS = """
    activityId activityType activitySource activityObject activityObjectChanges apiKey { id } createdAt loggedAt
    externalCustomerId externalSubscriptionId userEmail organization { id }
    resource { __typename ... on Customer { id displayName } }
"""
LOGS = (
    """
    query Logs($types: [ActivityTypeEnum!], $emails: [String!], $ids: [String!], $from: ISO8601DateTime, $page: Int) {
        activityLogs(activityTypes: $types, userEmails: $emails, activityIds: $ids, fromDatetime: $from, page: $page,
                     resourceTypes: [customer], activitySources: [front], externalCustomerId: "logged", limit: 1) {
            collection {"""
    + FIELDS
    + """} metadata { totalCount currentPage }
        }
    }
"""
)
CREATE = 'mutation { createCustomer(input: { externalId: "logged", name: "One" }) { id } }'


@pytest.fixture
def reacting(admin: Caller) -> Iterator[None]:
    async def dispatch(rows: object) -> None:
        pass

    before = installed_reactions()
    install_reactions(Reactions(requests, dispatch, {name: job.queue for name, job in JOBS.items()}))
    yield
    install_reactions(before)


async def test_what_a_user_does_is_logged_under_their_name(admin: Caller, stranger: Caller, reacting: None) -> None:
    made = (await admin.data(CREATE))["createCustomer"]
    change = "mutation Change($input: UpdateCustomerInput!) { updateCustomer(input: $input) { id } }"
    await admin.data(change, {"input": {"id": made["id"], "externalId": "logged", "name": "Two"}})
    found = (await admin.data(LOGS, {"types": ["customer_created"]}))["activityLogs"]
    (line,) = found["collection"]
    assert (line["activityObject"]["lago_id"], line["activityObject"]["name"]) == (made["id"], "One")
    email = admin.email
    assert email
    shown = {name: line[name] for name in line if name not in ("activityId", "activityObject", "createdAt", "loggedAt")}
    assert shown == {
        "activityType": "customer_created", "activitySource": "front", "activityObjectChanges": None, "apiKey": None,
        "externalCustomerId": "logged", "externalSubscriptionId": None, "userEmail": email,
        "organization": {"id": admin.organization_id},
        "resource": {"__typename": "Customer", "id": made["id"], "displayName": "Two"},
    }  # fmt: skip
    second = (await admin.data(LOGS, {"page": 2, "emails": [email], "from": line["loggedAt"]}))["activityLogs"]
    assert (second["collection"], second["metadata"]) == ([line], {"totalCount": 2, "currentPage": 2})
    for nothing in ({"emails": ["nobody@example.com"]}, {"from": "2999-01-01T00:00:00Z"}, {"ids": [str(new_id())]}):
        assert (await admin.data(LOGS, nothing))["activityLogs"]["collection"] == []
    assert (await stranger.data(LOGS))["activityLogs"]["metadata"]["totalCount"] == 0
    of_customer = """query Of($id: ID!) { customer(id: $id) {
        overdueBalances { currency amountCents } activityLogs { activityType activityObjectChanges }
    } }"""
    shown = (await admin.data(of_customer, {"id": made["id"]}))["customer"]
    assert shown["overdueBalances"] == []
    assert shown["activityLogs"] == [
        {"activityType": "customer_updated", "activityObjectChanges": {"name": ["One", "Two"]}},
        {"activityType": "customer_created", "activityObjectChanges": None},
    ]
    one = "query One($id: ID!) { activityLog(activityId: $id) {" + FIELDS + "} }"
    assert (await admin.data(one, {"id": line["activityId"]}))["activityLog"] == line
    assert (await stranger.error(one, {"id": line["activityId"]}))["code"] == "not_found"
