"""Webhook endpoints: created, changed, deleted. Source: handbook, platform 10.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from domain.identity.models import Organization
from domain.identity.security.log import changed, note_security
from domain.kernel.errors import ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Reader
from domain.messaging.event_types import KNOWN
from domain.messaging.models import WebhookEndpoint

__all__ = ["MOST_ENDPOINTS", "create_endpoint", "destroy_endpoint", "update_endpoint", "upsert_first_endpoint"]

MOST_ENDPOINTS = 10
ALGORITHMS = ("jwt", "hmac")


def _read(params: Mapping[str, Any], row: WebhookEndpoint | None) -> dict[str, Any]:
    """What the client gave, checked; absent fields of an existing row stay as they are."""
    read = Reader(params)
    values: dict[str, Any] = {}
    if row is None or "webhook_url" in read:
        url = read.text("webhook_url", mandatory=True, longest=2_000)
        if url is not None and not _is_web_address(url):
            read.add("webhook_url", "url_is_invalid")
        values["webhook_url"] = url
    if "name" in read:
        values["name"] = read.text("name")
    if params.get("signature_algo") is not None:
        values["signature_algo"] = read.choice("signature_algo", ALGORITHMS)
    if "event_types" in read:
        values["event_types"] = _event_types(read)
    read.finish()
    return values


def _is_web_address(url: str) -> bool:
    """Whether a client could call it: http or https, and a host that can be looked up."""
    try:
        address = httpx.URL(url)
        host = address.raw_host.decode() if address.host else ""
    except (httpx.InvalidURL, UnicodeError):
        return False
    labels = host.removesuffix(".").split(".")
    named = all(0 < len(label) <= 63 for label in labels) and len(host) <= 253 and "%" not in host
    reachable = address.port is None or 0 < address.port < 65_536
    return address.scheme in ("http", "https") and named and reachable


def _event_types(read: Reader) -> list[str] | None:
    """None means everything; names are trimmed, lower-cased and listed once."""
    given = read.params["event_types"]
    if given is None:
        return None
    if not isinstance(given, list):
        read.add("event_types", "must_be_array")
        return None
    names = list(dict.fromkeys(str(name).strip().lower() for name in given))
    if names == ["*"]:
        return None
    if any(name not in KNOWN for name in names):
        read.add("event_types", "value_is_invalid")
    return names


async def _flush(work: UnitOfWork, row: WebhookEndpoint) -> None:
    try:
        async with work.session.begin_nested():
            work.session.add(row)
            await work.session.flush()
    except IntegrityError:
        raise ValidationFailed({"webhook_url": [TAKEN]}) from None


async def create_endpoint(work: UnitOfWork, params: Mapping[str, Any]) -> WebhookEndpoint:
    """A new endpoint; an organization has at most ten, each with an address of its own."""
    values = _read(params, None)
    # Two at once would both count nine; the organization's row lets one of them wait.
    mine = sa.select(table(Organization).c.id).where(table(Organization).c.id == work.organization_id)
    await work.session.execute(mine.with_for_update(key_share=True))
    count = (await work.session.execute(sa.select(sa.func.count()).select_from(table(WebhookEndpoint)))).scalar_one()
    if count >= MOST_ENDPOINTS:
        raise ValidationFailed({"base": [f"No more than {MOST_ENDPOINTS} webhook endpoints are allowed"]})
    row = WebhookEndpoint(organization_id=work.organization_id, **values)
    await _flush(work, row)
    await note_security(work, "webhook_endpoint.created", _about(row))
    return row


async def update_endpoint(work: UnitOfWork, row: WebhookEndpoint, params: Mapping[str, Any]) -> WebhookEndpoint:
    """Changes what was given."""
    before = _about(row)
    for name, value in _read(params, row).items():
        setattr(row, name, value)
    await _flush(work, row)
    different = changed(before, _about(row))
    if different:
        about = {"webhook_endpoint_id": str(row.id), "webhook_url": row.webhook_url}
        await note_security(work, "webhook_endpoint.updated", about | different)
    return row


async def destroy_endpoint(work: UnitOfWork, row: WebhookEndpoint) -> None:
    """Deletes the endpoint with all webhooks sent to it."""
    about = _about(row)
    await work.session.delete(row)
    await work.session.flush()
    await note_security(work, "webhook_endpoint.deleted", about)


def _about(row: WebhookEndpoint) -> dict[str, Any]:
    return {
        "webhook_url": row.webhook_url, "name": row.name, "signature_algo": row.signature_algo,
        "event_types": row.event_types,
    }  # fmt: skip


async def upsert_first_endpoint(work: UnitOfWork, webhook_url: object) -> None:
    """The organization's `webhook_url` setting: the address of its oldest endpoint."""
    if webhook_url is None:
        return
    query = select(WebhookEndpoint).order_by(col(WebhookEndpoint.created_at), col(WebhookEndpoint.id)).limit(1)
    row = (await work.session.execute(query)).scalars().first()
    params = {"webhook_url": webhook_url}
    if row is None:
        await create_endpoint(work, params)
    else:
        await update_endpoint(work, row, params)
