"""From a command to the receiver: delivered, retried, given up. Every receiver here is a real one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt as pyjwt
import pytest

from domain.catalog.billable_metrics import create_billable_metric
from domain.kernel import clock
from domain.kernel.errors import NotAllowed, ValidationFailed
from domain.kernel.unit_of_work import tenant_work
from domain.messaging import queries
from domain.messaging.endpoints import destroy_endpoint, update_endpoint
from domain.messaging.retry import retry_webhook
from infrastructure.jwt import public_key_pem
from infrastructure.settings import settings
from tests.domain.messaging.conftest import House, found_house
from tests.domain.messaging.receiver import Receiver, answer

METRIC = {"name": "Calls", "code": "calls", "aggregation_type": "count_agg"}


async def metric(house: House, code: str = "calls") -> UUID:
    """Something happens that endpoints are told of."""
    async with tenant_work(house.tenant) as work:
        return (await create_billable_metric(work, {**METRIC, "code": code})).id


async def test_what_happened_arrives_as_rest_shows_it(house: House, there: Receiver) -> None:
    await house.endpoint(there.url)
    metric_id = await metric(house)
    await house.work()
    (got,) = there.received
    body = json.loads(got.body)
    assert list(body) == ["webhook_type", "object_type", "organization_id", "billable_metric"]
    assert body["webhook_type"] == "billable_metric.created"
    assert body["object_type"] == "billable_metric"
    assert body["organization_id"] == str(house.tenant.organization_id)
    assert body["billable_metric"]["lago_id"] == str(metric_id)
    assert body["billable_metric"]["code"] == "calls"
    assert got.path == "/hook"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-lago-unique-key"] == str(house.webhook()["id"])
    assert house.jobs() == []


async def test_an_organization_without_endpoints_asks_for_no_job(
    house: House, neighbour: House, there: Receiver
) -> None:
    await neighbour.endpoint(there.url)
    await metric(house)
    assert house.jobs("messaging.send") == []
    assert neighbour.jobs("messaging.send") == []


async def test_a_command_that_fails_tells_nobody(house: House, there: Receiver) -> None:
    await house.endpoint(there.url)
    with pytest.raises(ValidationFailed):
        await twice(house)
    assert house.jobs() == []


async def twice(house: House) -> None:
    """One command that makes two metrics of the same code: neither is kept."""
    async with tenant_work(house.tenant) as work:
        await create_billable_metric(work, METRIC)
        await create_billable_metric(work, METRIC)


async def test_only_subscribed_endpoints_are_told(house: House, there: Receiver) -> None:
    everything = await house.endpoint(there.url)
    named = await house.endpoint(f"{there.url}/named", event_types=["billable_metric.created", "plan.created"])
    await house.endpoint(f"{there.url}/others", event_types=["plan.created"])
    await house.endpoint(f"{there.url}/nothing", event_types=[])
    await metric(house)
    await house.work()
    assert {row["webhook_endpoint_id"] for row in house.webhooks()} == {everything, named}
    assert sorted(got.path for got in there.received) == ["/hook", "/hook/named"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_four_statuses_mean_delivered(house: House, there: Receiver, status: int) -> None:
    there.says(answer(status, b"" if status == 204 else b"thank you"))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    row = house.webhook()
    assert (row["status"], row["http_status"], row["retries"]) == ("succeeded", status, 0)
    assert row["response"] == ("" if status == 204 else "thank you")
    assert row["last_retried_at"] is None
    assert house.jobs() == []


@pytest.mark.parametrize("status", [203, 206, 300, 304, 400, 401, 404, 410, 429, 500, 503])
async def test_any_other_status_is_a_failure(house: House, there: Receiver, status: int) -> None:
    there.says(answer(status))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    row = house.webhook()
    assert (row["status"], row["http_status"], row["retries"]) == ("retrying", status, 1)
    assert row["last_retried_at"] is not None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(house: House, there: Receiver, status: int) -> None:
    there.says(answer(status, Location=f"{there.url}/elsewhere"))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    assert [got.path for got in there.received] == ["/hook"]
    assert house.webhook()["status"] == "retrying"


async def test_failures_are_retried_after_3_and_18_seconds_and_then_given_up(house: House, there: Receiver) -> None:
    there.says(answer(500, b"broken"))
    await house.endpoint(there.url)
    await metric(house)
    for attempt, (least, most) in enumerate([(3, 3.15), (18, 20.4)], start=1):
        began = clock.wall()
        await house.work()
        ended = clock.wall()
        row = house.webhook()
        assert (row["status"], row["retries"], row["http_status"], row["response"]) == (
            "retrying", attempt, 500, "broken",
        )  # fmt: skip
        (job,) = house.jobs()
        assert began + timedelta(seconds=least) <= job["due_at"] <= ended + timedelta(seconds=most)
        assert (job["waits"], job["sent_at"], job["status"]) == (True, None, "pending")
        await house.work()
        assert len(there.received) == attempt, "not before its time"
        house.wait()
    await house.work()
    row = house.webhook()
    assert (row["status"], row["retries"]) == ("failed", 3)
    assert house.jobs() == []
    house.wait()
    await house.work()
    assert len(there.received) == 3


async def test_a_retry_that_succeeds_ends_the_matter(house: House, there: Receiver) -> None:
    there.says(answer(503), answer(200))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    house.wait()
    await house.work()
    row = house.webhook()
    assert (row["status"], row["http_status"], row["retries"]) == ("succeeded", 200, 1)
    assert house.jobs() == []


async def test_the_number_of_attempts_is_a_setting(
    house: House, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAGO_WEBHOOK_ATTEMPTS", "1")
    settings.cache_clear()
    there.says(answer(500))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    monkeypatch.undo()
    settings.cache_clear()
    assert (house.webhook()["status"], house.jobs()) == ("failed", [])


async def test_a_retry_sends_the_same_bytes_with_the_same_key_and_a_true_signature(
    house: House, there: Receiver
) -> None:
    """What is signed is what is sent, though the metric has changed since and its text is not plain ASCII."""
    there.says(answer(500), answer(500), answer(200))
    await house.endpoint(there.url, signature_algo="hmac")
    async with tenant_work(house.tenant) as work:
        made = await create_billable_metric(
            work, {**METRIC, "name": '<b>&"Ünï\u2028 \U0001f600', "description": "1.10"}
        )
    await house.work("messaging.send")
    stored = house.webhook()["payload"]
    house.rows("UPDATE billable_metrics SET name = 'Another' WHERE id = %(id)s", id=made.id)
    for _ in range(3):
        await house.work()
        house.wait()
    assert len(there.received) == 3
    for got in there.received:
        assert got.body == stored.encode()
        expected = base64.b64encode(hmac.new(house.hmac_key.encode(), got.body, hashlib.sha256).digest()).decode()
        assert got.headers["x-lago-signature"] == expected
        assert got.headers["x-lago-signature-algorithm"] == "hmac"
    assert len({got.headers["x-lago-unique-key"] for got in there.received}) == 1


async def test_a_jwt_carries_the_body_and_who_signed_it(house: House, there: Receiver) -> None:
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    (got,) = there.received
    assert got.headers["x-lago-signature-algorithm"] == "jwt"
    claims = pyjwt.decode(got.headers["x-lago-signature"], public_key_pem(), algorithms=["RS256"])
    assert claims == {"data": got.body.decode(), "iss": settings().api_url}


async def test_a_retry_goes_where_the_endpoint_is_now(house: House, there: Receiver) -> None:
    there.says(answer(500), answer(200))
    endpoint_id = await house.endpoint(there.url)
    await metric(house)
    await house.work()
    async with tenant_work(house.tenant) as work:
        endpoint = await queries.endpoint_by_id(work.session, endpoint_id)
        assert endpoint
        await update_endpoint(work, endpoint, {"webhook_url": f"{there.url}/moved", "signature_algo": "hmac"})
    house.wait()
    await house.work()
    assert [got.path for got in there.received] == ["/hook", "/hook/moved"]
    assert there.received[1].headers["x-lago-signature-algorithm"] == "hmac"


async def test_what_waits_for_a_deleted_endpoint_is_dropped(house: House, there: Receiver) -> None:
    there.says(answer(500))
    endpoint_id = await house.endpoint(there.url)
    await metric(house)
    await house.work()
    async with tenant_work(house.tenant) as work:
        endpoint = await queries.endpoint_by_id(work.session, endpoint_id)
        assert endpoint
        await destroy_endpoint(work, endpoint)
    house.wait()
    await house.work()
    assert (house.webhooks(), house.jobs(), len(there.received)) == ([], [], 1)


async def test_endpoints_fail_alone(house: House, there: Receiver) -> None:
    there.says(answer(500), answer(200))
    await house.endpoint(there.url)
    await house.endpoint(f"{there.url}/second")
    await metric(house)
    await house.work()
    assert sorted(row["status"] for row in house.webhooks()) == ["retrying", "succeeded"]


async def test_in_a_sandbox_the_clock_stands_and_the_wait_is_real(migrated: str, there: Receiver) -> None:
    """A receiver outside lives in real time; the sandbox counts as settled while it waits."""
    frozen = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    house = await found_house(migrated, frozen)
    there.says(answer(500))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    row = house.webhook()
    assert row["created_at"] == row["updated_at"] == row["last_retried_at"] == frozen
    (job,) = house.jobs()
    assert job["waits"]
    assert clock.wall() < job["due_at"] < clock.wall() + timedelta(seconds=4)


async def by_hand(house: House) -> None:
    async with tenant_work(house.tenant) as work:
        webhook = await queries.webhook_by_id(work.session, house.webhook()["id"])
        assert webhook
        await retry_webhook(work, webhook)


async def test_a_failed_webhook_is_retried_by_hand_once(house: House, there: Receiver) -> None:
    there.says(answer(500))
    await house.endpoint(there.url)
    await metric(house)
    for _ in range(3):
        await house.work()
        house.wait()
    await by_hand(house)
    assert house.webhook()["status"] == "pending"
    await house.work()
    row = house.webhook()
    assert (row["status"], row["retries"], house.jobs()) == ("failed", 4, [])
    there.says(answer(200))
    await by_hand(house)
    await house.work()
    assert house.webhook()["status"] == "succeeded"
    assert len({got.body for got in there.received}) == 1


async def test_a_waiting_webhook_may_be_retried_by_hand_before_its_time(house: House, there: Receiver) -> None:
    there.says(answer(500), answer(200))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    await by_hand(house)
    await house.work()
    assert house.webhook()["status"] == "succeeded"
    house.wait()
    await house.work()
    assert (len(there.received), house.jobs()) == (2, [])


async def test_a_delivered_webhook_is_not_retried(house: House, there: Receiver) -> None:
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    with pytest.raises(NotAllowed, match="is_succeeded"):
        await by_hand(house)
    assert house.jobs() == []
