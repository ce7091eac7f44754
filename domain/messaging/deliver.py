"""One attempt to deliver a webhook: read it, post it, note what came of it.

The three steps are separate because no transaction is held while another's server is waited for: the job reads in one,
posts in none, and notes in another. Source: handbook, platform 10.2.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
from sqlmodel import col, select

from domain.identity.models import Organization
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.models import Webhook, WebhookEndpoint
from domain.messaging.signature import headers_of
from infrastructure import outbound
from infrastructure.settings import settings

__all__ = ["Delivery", "Outcome", "load", "note", "post", "retry_delay"]

DELIVERED = frozenset({200, 201, 202, 204})
MOST_STORED_RESPONSE = 10_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is posted where."""

    webhook_id: UUID
    url: str
    payload: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the receiver said; `http_status` is None when there was no answer, `response` then says why."""

    http_status: int | None
    response: str

    @property
    def delivered(self) -> bool:
        return self.http_status in DELIVERED


async def load(work: UnitOfWork, webhook_id: UUID) -> Delivery | None:
    """The webhook with its endpoint's present address and algorithm; None when it needs no delivery any more."""
    query = (
        select(Webhook, WebhookEndpoint)
        .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(Webhook.webhook_endpoint_id))
        .where(col(Webhook.id) == webhook_id, col(Webhook.status).in_(("pending", "retrying")))
    )
    found = (await work.session.execute(query)).first()
    if found is None:
        return None
    webhook, endpoint = found
    organization = await work.session.get_one(Organization, webhook.organization_id)
    headers = headers_of(
        webhook.id, endpoint.signature_algo, webhook.payload, organization.hmac_key, settings().api_url
    )
    return Delivery(webhook.id, endpoint.webhook_url, webhook.payload, headers)


async def post(delivery: Delivery) -> Outcome:
    """One HTTP attempt. Whatever goes wrong on the way is an outcome, not an exception.

    Connecting, writing and every read have the timeout each; a receiver that drips its answer has three times as much
    in all.
    """
    seconds = settings().webhook_timeout_seconds
    try:
        async with asyncio.timeout(3 * seconds), outbound.client(seconds) as client:
            answer = await client.post(delivery.url, content=delivery.payload.encode(), headers=delivery.headers)
            return Outcome(answer.status_code, _storable(answer.content))
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, TimeoutError) as error:
        return Outcome(None, _storable(f"{type(error).__name__}: {error}".encode()))


def _storable(answer: bytes) -> str:
    """The beginning of an answer as text, whatever encoding it claims: that claim is a stranger's."""
    return answer[: 4 * MOST_STORED_RESPONSE].decode(errors="replace").replace("\x00", "")[:MOST_STORED_RESPONSE]


async def note(work: UnitOfWork, webhook_id: UUID, outcome: Outcome) -> timedelta | None:
    """Stores the outcome; answers how long to wait for the next attempt, None when there is none."""
    webhook = await work.session.get(Webhook, webhook_id, with_for_update=True)
    if webhook is None or webhook.status == "succeeded":
        return None
    webhook.http_status, webhook.response = outcome.http_status, outcome.response
    webhook.updated_at = clock.now()
    if outcome.delivered:
        webhook.status = "succeeded"
        return None
    webhook.retries += 1
    webhook.last_retried_at = clock.now()
    webhook.status = "retrying" if webhook.retries < settings().webhook_attempts else "failed"
    return retry_delay(webhook.retries) if webhook.status == "retrying" else None


def retry_delay(retries: int) -> timedelta:
    """About 3 s after the first failure, 18 s after the second, then n⁴: spread so that receivers are not stormed."""
    return timedelta(seconds=retries**4 * (1 + random.uniform(0, 0.15)) + 2)  # noqa: S311  spreading, not secrecy
