"""Sandboxes: who may make and move them, and what time it is inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from domain.identity.authenticate import authenticate_api_key
from domain.kernel import clock
from domain.kernel.jobs import Job
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import door_work, tenant_work
from tasks.app import install
from tasks.runner import run
from tests.conftest import RedisUrls
from tests.graphql_api.conftest import Caller

CREATE = (
    "mutation($input: CreateSandboxInput!) { createSandbox(input: $input) { organization { id apiKey frozenAt } } }"
)
SET = "mutation($input: SetSandboxClockInput!) { setSandboxClock(input: $input) { frozenAt } }"
ADVANCE = "mutation($input: AdvanceSandboxClockInput!) { advanceSandboxClock(input: $input) { frozenAt pendingCount } }"
RUN = "mutation($input: RunScheduledTaskInput!) { runScheduledTask(input: $input) { name pendingCount failures } }"
SETTLE = "mutation($input: SettleSandboxInput!) { settleSandbox(input: $input) { pendingCount } }"
START = "2024-02-29T10:00:00Z"


@pytest_asyncio.fixture(loop_scope="session")
async def worker(migrated: str) -> AsyncIterator[None]:
    """Runs what stands in the ledger, as a worker process would."""
    install()

    async def work() -> None:
        jobs = table(Job)
        while True:
            async with door_work(Door.RELAY) as relay:
                open_jobs = jobs.select().with_only_columns(jobs.c.id).where(jobs.c.status == "pending")
                ids = (await relay.session.execute(open_jobs)).scalars().all()
            for job_id in ids:
                await run(job_id)
            await asyncio.sleep(0.02)

    working = asyncio.create_task(work())
    yield
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _sandbox(caller: Caller, frozen_at: str = START) -> dict[str, Any]:
    made = await caller.data(CREATE, {"input": {"name": "Case", "frozenAt": frozen_at}})
    return dict(made["createSandbox"]["organization"])


async def test_a_sandbox_has_a_clock_that_stands_and_its_maker_as_admin(admin: Caller, migrated: str) -> None:
    sandbox = await _sandbox(admin)
    inside = Caller(admin.http, admin.token, sandbox["id"])

    organization = (await inside.data("{ organization { name documentNumbering createdAt apiKey } }"))["organization"]
    assert organization == {
        "name": "Case",
        "documentNumbering": "per_customer",
        "createdAt": START,
        "apiKey": sandbox["apiKey"],
    }
    memberships = (await inside.data("{ currentUser { memberships { roles organization { id } } } }"))["currentUser"]
    assert {"roles": ["Admin"], "organization": {"id": sandbox["id"]}} in memberships["memberships"]
    identity = await authenticate_api_key(sandbox["apiKey"])
    assert identity.tenant.frozen_at == datetime(2024, 2, 29, 10, tzinfo=UTC)
    async with tenant_work(identity.tenant):
        assert clock.now() == datetime(2024, 2, 29, 10, tzinfo=UTC)


async def test_a_sandbox_is_made_from_inside_another_one(admin: Caller) -> None:
    inside = Caller(admin.http, admin.token, (await _sandbox(admin))["id"])

    assert (await _sandbox(inside, "2030-01-01T00:00:00Z"))["frozenAt"] == "2030-01-01T00:00:00Z"


@pytest.mark.parametrize("cached", [True, False])
async def test_the_clock_is_moved_forward_and_back_and_seen_at_once(admin: Caller, cached: bool) -> None:
    sandbox = await _sandbox(admin)
    for at in ("2024-05-01T00:00:00Z", "2023-01-01T12:30:00Z"):
        moved = await admin.data(SET, {"input": {"organizationId": sandbox["id"], "at": at}})
        assert moved["setSandboxClock"] == {"frozenAt": at}
        identity = await authenticate_api_key(sandbox["apiKey"], cached=cached)
        assert identity.tenant.frozen_at == datetime.fromisoformat(at)


async def test_a_task_is_run_and_the_sandbox_settles(admin: Caller, worker: None, empty_redis: RedisUrls) -> None:
    sandbox = await _sandbox(admin)
    await authenticate_api_key(sandbox["apiKey"])

    ran = await admin.data(RUN, {"input": {"organizationId": sandbox["id"], "name": "api_keys_track_usage"}})
    assert ran["runScheduledTask"] == {"name": "api_keys_track_usage", "pendingCount": 0, "failures": []}
    settled = await admin.data(SETTLE, {"input": {"organizationId": sandbox["id"]}})
    assert settled["settleSandbox"] == {"pendingCount": 0}
    inside = Caller(admin.http, admin.token, sandbox["id"])
    (key,) = (await inside.data("{ apiKeys { collection { lastUsedAt } } }"))["apiKeys"]["collection"]
    assert key["lastUsedAt"] is not None


async def test_advancing_ends_at_the_wished_instant(admin: Caller, worker: None) -> None:
    sandbox = await _sandbox(admin)
    to = "2024-03-02T00:00:00Z"

    advanced = await admin.data(ADVANCE, {"input": {"organizationId": sandbox["id"], "to": to}})
    assert advanced["advanceSandboxClock"] == {"frozenAt": to, "pendingCount": 0}
    back = {"organizationId": sandbox["id"], "to": "2024-01-01T00:00:00Z"}
    assert (await admin.error(ADVANCE, {"input": back}))["details"] == {"to": ["value_is_out_of_range"]}


async def test_an_unknown_task_is_refused(admin: Caller) -> None:
    sandbox = await _sandbox(admin)

    error = await admin.error(RUN, {"input": {"organizationId": sandbox["id"], "name": "fly"}})
    assert error["details"] == {"name": ["value_is_invalid"]}


@pytest.mark.parametrize("whose", ["real", "strangers", "unknown", "nonsense"])
async def test_only_ones_own_sandboxes_are_found(admin: Caller, stranger: Caller, whose: str) -> None:
    others = {"strangers": (await _sandbox(stranger))["id"], "real": admin.organization_id, "unknown": str(uuid4())}
    wanted = others.get(whose, "nonsense")

    for query, rest in (
        (SET, {"at": START}),
        (ADVANCE, {"to": START}),
        (RUN, {"name": "bill_customers"}),
        (SETTLE, {}),
    ):
        error = await admin.error(query, {"input": {"organizationId": wanted, **rest}})
        assert (error["status"], error["details"]) == (404, {"organization": ["not_found"]})


async def test_a_revoked_member_moves_no_clock(sign_up: Callable[..., Awaitable[Caller]], migrated: str) -> None:
    member = await sign_up()
    sandbox = await _sandbox(member)
    with psycopg.connect(migrated) as connection:
        connection.execute("UPDATE memberships SET status = 'revoked' WHERE organization_id = %s", [sandbox["id"]])

    error = await member.error(SET, {"input": {"organizationId": sandbox["id"], "at": START}})
    assert error["code"] == "not_found"


async def test_an_anonymous_caller_makes_no_sandbox(anyone: Caller) -> None:
    error = await anyone.error(CREATE, {"input": {"name": "Case", "frozenAt": START}})

    assert error["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("given", "details"),
    [
        ({"name": "", "frozenAt": START}, {"name": ["value_is_mandatory"]}),
        ({"name": "x" * 300, "frozenAt": START}, {"name": ["value_is_too_long"]}),
        ({"name": "Case", "frozenAt": "9999-12-31T23:59:59Z"}, {"frozenAt": ["value_is_out_of_range"]}),
        ({"name": "Case", "frozenAt": "0001-01-01T00:00:00Z"}, {"frozenAt": ["value_is_out_of_range"]}),
    ],
)
async def test_a_sandbox_with_an_impossible_name_or_clock_is_refused(
    admin: Caller, given: dict[str, str], details: object
) -> None:
    assert (await admin.error(CREATE, {"input": given}))["details"] == details


@pytest.mark.parametrize("instant", ["yesterday", "", 5, "2024-13-01T00:00:00Z", "9" * 100])
async def test_an_instant_that_is_none_is_a_wrong_variable(admin: Caller, instant: object) -> None:
    error = await admin.error(CREATE, {"input": {"name": "Case", "frozenAt": instant}})

    assert (error["code"], error["problems"][0]["path"]) == ("variable_is_invalid", ["frozenAt"])


async def test_the_clock_of_a_real_organization_goes_on(admin: Caller, migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        row = connection.execute(
            "SELECT sandbox, frozen_at, created_at > now() - interval '1 hour' FROM organizations WHERE id = %s",
            [admin.organization_id],
        ).fetchone()

    assert row == (False, None, True)
