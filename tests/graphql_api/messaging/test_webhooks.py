"""Endpoints and webhooks as the dashboard asks for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa

from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import install_reactions, installed_reactions, tenant_work
from domain.messaging.event_types import KNOWN, SENT
from domain.messaging.models import Webhook
from infrastructure.database import engine
from tests.graphql_api.conftest import Caller

URL = "https://example.com/hooks"
FIELDS = """id name webhookUrl signatureAlgo eventTypes createdAt updatedAt
    organization { id name accessibleByCurrentSession }"""
CREATE = f"mutation($input: WebhookEndpointCreateInput!) {{ createWebhookEndpoint(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation($input: WebhookEndpointUpdateInput!) {{ updateWebhookEndpoint(input: $input) {{ {FIELDS} }} }}"
DESTROY = "mutation($input: DestroyWebhookEndpointInput!) { destroyWebhookEndpoint(input: $input) { id } }"
SHOW = f"query($id: ID!) {{ webhookEndpoint(id: $id) {{ {FIELDS} }} }}"
LIST = f"""query($page: Int, $limit: Int, $searchTerm: String) {{
    webhookEndpoints(page: $page, limit: $limit, searchTerm: $searchTerm) {{
        collection {{ {FIELDS} }} metadata {{ currentPage totalPages totalCount limitValue }} }} }}"""
WEBHOOK_FIELDS = """id endpoint httpStatus lastRetriedAt objectType payload response retries status webhookType
    createdAt updatedAt webhookEndpoint { id webhookUrl }"""
WEBHOOK = f"query($id: ID!) {{ webhook(id: $id) {{ {WEBHOOK_FIELDS} }} }}"
WEBHOOKS = """query($id: String!, $page: Int, $limit: Int, $searchTerm: String, $status: WebhookStatusEnum,
        $statuses: [WebhookStatusEnum!], $eventTypes: [String!], $httpStatuses: [String!],
        $fromDate: ISO8601DateTime, $toDate: ISO8601DateTime) {
    webhooks(webhookEndpointId: $id, page: $page, limit: $limit, searchTerm: $searchTerm, status: $status,
        statuses: $statuses, eventTypes: $eventTypes, httpStatuses: $httpStatuses, fromDate: $fromDate, toDate: $toDate)
    { collection { id response status webhookEndpoint { id } } metadata { totalCount } } }"""
RETRY = f"mutation($input: RetryWebhookInput!) {{ retryWebhook(input: $input) {{ {WEBHOOK_FIELDS} }} }}"


@pytest_asyncio.fixture(loop_scope="session")
async def someone(sign_up: Callable[..., Awaitable[Caller]]) -> Caller:
    """The admin of a new organization."""
    return await sign_up("Hooli")


async def create(caller: Caller, **params: Any) -> dict[str, Any]:
    made = await caller.data(CREATE, {"input": {"webhookUrl": URL, **params}})
    return dict(made["createWebhookEndpoint"])


async def test_an_endpoint_is_made_read_changed_and_deleted(someone: Caller) -> None:
    made = await create(
        someone, name="One", signatureAlgo="hmac", eventTypes=["plan_created", "payment_requires_action"]
    )
    assert (made["name"], made["webhookUrl"], made["signatureAlgo"]) == ("One", URL, "hmac")
    assert made["eventTypes"] == ["plan_created", "payment_requires_action"]
    assert made["organization"] == {
        "id": someone.organization_id, "name": "Hooli", "accessibleByCurrentSession": True,
    }  # fmt: skip
    assert (await someone.data(SHOW, {"id": made["id"]}))["webhookEndpoint"] == made

    change = {"id": made["id"], "webhookUrl": f"{URL}/2", "eventTypes": ["all"]}
    changed = (await someone.data(UPDATE, {"input": change}))["updateWebhookEndpoint"]
    assert (changed["webhookUrl"], changed["eventTypes"], changed["name"]) == (f"{URL}/2", None, "One")

    gone = await someone.data(DESTROY, {"input": {"id": made["id"]}})
    assert gone == {"destroyWebhookEndpoint": {"id": made["id"]}}
    assert (await someone.error(SHOW, {"id": made["id"]}))["details"] == {"webhookEndpoint": ["not_found"]}


async def test_defaults_are_jwt_and_everything(someone: Caller) -> None:
    made = await create(someone)
    assert (made["signatureAlgo"], made["eventTypes"], made["name"]) == ("jwt", None, None)
    nothing = await create(someone, webhookUrl=f"{URL}/2", eventTypes=[])
    assert nothing["eventTypes"] == []


async def test_what_is_wrong_is_named(someone: Caller) -> None:
    error = await someone.error(CREATE, {"input": {"webhookUrl": "nothing"}})
    assert (error["status"], error["code"]) == (422, "unprocessable_entity")
    assert error["details"] == {"webhookUrl": ["url_is_invalid"]}
    await create(someone)
    assert (await someone.error(CREATE, {"input": {"webhookUrl": URL}}))["details"] == {
        "webhookUrl": ["value_already_exist"]
    }
    unknown = await someone.error(CREATE, {"input": {"webhookUrl": URL, "eventTypes": ["plan_painted"]}})
    assert unknown["code"] == "variable_is_invalid"


async def test_the_eleventh_endpoint_is_refused(someone: Caller) -> None:
    for number in range(10):
        await create(someone, webhookUrl=f"{URL}/{number}")
    assert list((await someone.error(CREATE, {"input": {"webhookUrl": URL}}))["details"]) == ["base"]


async def test_anothers_endpoint_is_not_there(someone: Caller, stranger: Caller) -> None:
    made = await create(someone)
    for query, variables in (
        (SHOW, {"id": made["id"]}),
        (UPDATE, {"input": {"id": made["id"], "webhookUrl": f"{URL}/2"}}),
        (DESTROY, {"input": {"id": made["id"]}}),
        (WEBHOOKS, {"id": made["id"]}),
        (SHOW, {"id": "nothing"}),
    ):
        error = await stranger.error(query, variables)
        assert (error["status"], error["code"], error["details"]) == (
            404,
            "not_found",
            {"webhookEndpoint": ["not_found"]},
        )
    assert (await someone.data(SHOW, {"id": made["id"]}))["webhookEndpoint"] == made


@pytest.mark.parametrize(
    ("term", "found"),
    [("alpha", ["alpha"]), ("ALPHA", ["alpha"]), ("/b", ["beta"]), ("%", []), ("_", []), (" ", ["beta", "alpha"])],
)
async def test_endpoints_are_listed_and_searched(someone: Caller, term: str, found: list[str]) -> None:
    await create(someone, name="alpha", webhookUrl="https://example.com/a")
    await create(someone, name="beta", webhookUrl="https://example.com/b")
    answer = (await someone.data(LIST, {"searchTerm": term, "limit": 5}))["webhookEndpoints"]
    assert [each["name"] for each in answer["collection"]] == found
    assert answer["metadata"]["totalCount"] == len(found)
    assert answer["metadata"]["limitValue"] == 5


async def test_a_list_of_endpoints_reads_their_organization_once(someone: Caller) -> None:
    for number in range(5):
        await create(someone, webhookUrl=f"{URL}/{number}")
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    sa.event.listen(engine().sync_engine, "before_cursor_execute", note)
    answer = await someone.data(LIST)
    sa.event.remove(engine().sync_engine, "before_cursor_execute", note)
    assert len(answer["webhookEndpoints"]["collection"]) == 5
    assert len([statement for statement in sent if "billing_entities" in statement]) == 1


async def test_only_developers_may(someone: Caller, anyone: Caller) -> None:
    refused = await anyone.error(LIST)
    assert refused["code"] in ("forbidden", "unauthorized")
    refused = await anyone.error(WEBHOOKS, {"id": str(uuid4())})
    assert refused["code"] in ("forbidden", "unauthorized")


async def test_the_types_on_offer_are_those_that_are_sent(someone: Caller) -> None:
    answer = await someone.data("{ eventTypes { key name description category deprecated } }")
    offered = {each["key"]: each for each in answer["eventTypes"]}
    assert set(offered) == {known.name.replace(".", "_") for known in SENT}
    assert offered["plan_created"]["name"] == "plan.created"
    assert offered["plan_created"]["category"] == "PLANS"
    assert len(KNOWN) == 75


NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
OBJECT = uuid4()
# What the webhooks of the fixture are called (in `response`), and what became of them; the newest first.
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("pending", {"status": "pending", "webhook_type": "plan.created"}),
    ("ok", {"status": "succeeded", "http_status": 200, "webhook_type": "plan.created", "object_id": OBJECT}),
    ("missing", {"status": "failed", "http_status": 404, "webhook_type": "billable_metric.created"}),
    ("teapot", {"status": "failed", "http_status": 418, "webhook_type": "customer.created"}),
    ("broken", {"status": "retrying", "http_status": 500, "webhook_type": "customer.created"}),
    ("silent", {"status": "failed", "http_status": None, "webhook_type": "payment.requires_action"}),
    ("waiting", {"status": "retrying", "http_status": None, "webhook_type": "invoice.created"}),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def endpoint(sign_up: Callable[..., Awaitable[Caller]]) -> tuple[Caller, str]:
    """An endpoint with webhooks in every state, and one of the same organization with another's."""
    caller = await sign_up()
    endpoint_id = (await create(caller))["id"]
    other_id = (await create(caller, webhookUrl=f"{URL}/2"))["id"]
    assert caller.organization_id
    organization_id = UUID(caller.organization_id)
    elsewhere: tuple[str, dict[str, Any]] = ("elsewhere", {"status": "failed", "webhook_type": "x"})
    async with tenant_work(Tenant(organization_id)) as work:
        for number, (name, given) in enumerate([*ROWS, elsewhere]):
            row = {
                "id": new_id(), "organization_id": organization_id, "endpoint": URL, "object_type": "plan",
                "webhook_endpoint_id": other_id if name == "elsewhere" else endpoint_id, "payload": '{"a":1.10}',
                "retries": 0, "response": name, "created_at": NOW, "updated_at": NOW - timedelta(hours=number), **given,
            }  # fmt: skip
            await work.session.execute(sa.insert(table(Webhook)), [row])
    return caller, endpoint_id


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["pending", "ok", "missing", "teapot", "broken", "silent", "waiting"]),
        ({"status": "failed"}, ["missing", "teapot", "silent"]),
        ({"statuses": ["pending", "succeeded"]}, ["pending", "ok"]),
        ({"statuses": ["pending"], "status": "failed"}, ["pending"]),
        ({"eventTypes": ["plan.created"]}, ["pending", "ok"]),
        ({"eventTypes": ["billable_metric_created", "payment_requires_action"]}, ["missing", "silent"]),
        ({"eventTypes": ["nothing"]}, []),
        ({"httpStatuses": ["404"]}, ["missing"]),
        ({"httpStatuses": ["4xx"]}, ["missing", "teapot"]),
        ({"httpStatuses": ["404-412", "500"]}, ["missing", "broken"]),
        ({"httpStatuses": ["timeout"]}, ["silent"]),
        ({"httpStatuses": ["timeout", "2xx"]}, ["ok", "silent"]),
        ({"httpStatuses": ["x", "4x", "9xx", "1-2-3", "-", "\u0664\u0660\u0664", "99999999999"]}, []),
        ({"fromDate": "2026-03-04T11:00:00Z"}, ["pending", "ok"]),
        ({"toDate": "2026-03-04T07:00:00Z"}, ["silent", "waiting"]),
        ({"fromDate": "2026-03-04T09:30:00Z", "toDate": "2026-03-04T11:30:00Z"}, ["ok", "missing"]),
        ({"searchTerm": str(OBJECT)}, ["ok"]),
        ({"searchTerm": f"  {OBJECT} "}, ["ok"]),
        ({"searchTerm": "plan"}, []),
        ({"searchTerm": " "}, ["pending", "ok", "missing", "teapot", "broken", "silent", "waiting"]),
        ({"limit": 2, "page": 2}, ["missing", "teapot"]),
    ],
)
async def test_webhooks_are_filtered(endpoint: tuple[Caller, str], filters: dict[str, Any], found: list[str]) -> None:
    caller, endpoint_id = endpoint
    answer = (await caller.data(WEBHOOKS, {"id": endpoint_id, **filters}))["webhooks"]
    assert [each["response"] for each in answer["collection"]] == found
    assert {each["webhookEndpoint"]["id"] for each in answer["collection"]} <= {endpoint_id}
    if "limit" not in filters:
        assert answer["metadata"]["totalCount"] == len(found)


async def _named(caller: Caller, endpoint_id: str, name: str) -> dict[str, Any]:
    answer = (await caller.data(WEBHOOKS, {"id": endpoint_id}))["webhooks"]
    return next(each for each in answer["collection"] if each["response"] == name)


async def test_one_webhook_is_shown_with_the_text_that_was_sent(endpoint: tuple[Caller, str], stranger: Caller) -> None:
    caller, endpoint_id = endpoint
    found = await _named(caller, endpoint_id, "ok")
    webhook = (await caller.data(WEBHOOK, {"id": found["id"]}))["webhook"]
    assert webhook == {
        "id": found["id"], "endpoint": URL, "httpStatus": 200, "lastRetriedAt": None, "objectType": "plan",
        "payload": '{"a":1.10}', "response": "ok", "retries": 0, "status": "succeeded", "webhookType": "plan.created",
        "createdAt": "2026-03-04T12:00:00Z", "updatedAt": "2026-03-04T11:00:00Z",
        "webhookEndpoint": {"id": endpoint_id, "webhookUrl": URL},
    }  # fmt: skip
    for caller_id in (found["id"], str(uuid4()), "nothing"):
        error = await stranger.error(WEBHOOK, {"id": caller_id})
        assert error["details"] == {"webhook": ["not_found"]}


@pytest.fixture
def jobs_follow() -> Iterator[None]:
    """Commands ask for jobs as in every process."""
    from tasks.app import install

    before = installed_reactions()
    install()
    yield
    install_reactions(before)


async def test_a_webhook_is_retried_unless_it_was_delivered(
    endpoint: tuple[Caller, str], stranger: Caller, jobs_follow: None
) -> None:
    caller, endpoint_id = endpoint
    failed = await _named(caller, endpoint_id, "missing")
    error = await stranger.error(RETRY, {"input": {"id": failed["id"]}})
    assert (error["status"], error["details"]) == (404, {"webhook": ["not_found"]})
    again = (await caller.data(RETRY, {"input": {"id": failed["id"]}}))["retryWebhook"]
    assert again["status"] == "pending"
    async with tenant_work(Tenant(UUID(str(caller.organization_id)))) as work:
        jobs = (await work.session.execute(sa.text("SELECT actor, arguments FROM jobs"))).all()
    assert [tuple(job) for job in jobs] == [("messaging.deliver", {"webhook_id": failed["id"]})]
    delivered = await _named(caller, endpoint_id, "ok")
    refused = await caller.error(RETRY, {"input": {"id": delivered["id"]}})
    assert (refused["status"], refused["code"]) == (405, "is_succeeded")
