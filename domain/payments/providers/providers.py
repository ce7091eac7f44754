"""Connecting an organization to a payment provider, and parting again. Source: handbook, credits 10.1 and 10.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import col, select

from domain.customers.payment_provider import rename_connection, take_connection_away
from domain.identity.security.log import changed, note_security
from domain.kernel import clock
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, Params, Reader
from domain.payments.events import PaymentProvidersChanged, PaymentProvidersRemoved
from domain.payments.providers.models import PaymentProvider
from infrastructure import exact_json

__all__ = ["MANUAL_CODE", "add_stripe", "note_secrets", "remove_provider", "update_stripe"]

MANUAL_CODE: Final = "lago_manual"
LONGEST_URL: Final = 1_024
LONGEST_SECRET: Final = 500
_CODE: Final = {"uq_payment_providers_code": "code"}


async def add_stripe(work: UnitOfWork, params: Params) -> UUID:
    """A connection to a Stripe account; its id. Stripe is asked for its events by a job that follows.

    params: code, name, secret_key, success_redirect_url, supports3ds, require_terms_of_service_consent.
    Raises ValidationFailed.
    """
    read = Reader(params)
    values = _common(read, {"code", "name"})
    secret = read.text("secret_key", mandatory=True, longest=LONGEST_SECRET)
    settings = {"success_redirect_url": None, **_redirect(read), **_stripe_settings(read, default=False)}
    read.finish()
    provider = PaymentProvider(
        organization_id=work.organization_id,
        provider_type="stripe",
        secrets=exact_json.dump_text({"secret_key": secret}),
        settings=settings,
        **values,
    )
    async with unique(work, _CODE):
        work.session.add(provider)
    work.record(PaymentProvidersChanged((provider.id,)))
    await note_security(work, "integration.created", _about(provider))
    return provider.id


async def update_stripe(work: UnitOfWork, provider_id: object, params: Params) -> UUID:
    """Changes what is given; customers follow a new code. Raises NotFound("payment_provider"), ValidationFailed."""
    provider = await _locked(work, provider_id, "stripe")
    read = Reader(params)
    values = _common(read, {name for name in ("code", "name") if name in read})
    settings = {**_redirect(read), **_stripe_settings(read, default=None)}
    read.finish()
    before = {**_about(provider), **provider.settings}
    for name, value in values.items():
        setattr(provider, name, value)
    provider.settings = {**provider.settings, **settings}
    async with unique(work, _CODE):
        work.session.add(provider)
    if provider.code != before["code"]:
        await rename_connection(work, "stripe", before["code"], provider.code)
        work.record(PaymentProvidersChanged((provider.id,)))
    if different := changed(before, {**_about(provider), **provider.settings}):
        await note_security(work, "integration.updated", _about(provider) | different)
    return provider.id


async def remove_provider(work: UnitOfWork, provider_id: object) -> UUID:
    """Parts from a provider: its customers pay nowhere any more; what they are called there is kept, for the day it is
    connected again. Raises NotFound("payment_provider")."""
    provider = await _locked(work, provider_id, None)
    provider.deleted_at = clock.now()
    await work.session.flush()
    await take_connection_away(work, provider.provider_type, provider.code)
    work.record(PaymentProvidersRemoved((provider.id,)))
    await note_security(work, "integration.deleted", _about(provider))
    return provider.id


async def note_secrets(
    work: UnitOfWork, provider_id: UUID, secrets: Mapping[str, str], settings: Mapping[str, Any]
) -> None:
    """Keeps what the provider has told of itself beside what is known."""
    provider = await work.session.get(PaymentProvider, provider_id, with_for_update=True)
    if provider is None:
        return
    known = exact_json.load(provider.secrets.encode())
    provider.secrets = exact_json.dump_text({**known, **secrets})
    provider.settings = {**provider.settings, **settings}
    await work.session.flush()


def _about(provider: PaymentProvider) -> dict[str, Any]:
    """What the security log tells of a connection."""
    return {"integration_type": provider.provider_type, "name": provider.name, "code": provider.code}


async def _locked(work: UnitOfWork, provider_id: object, provider_type: str | None) -> PaymentProvider:
    query = select(PaymentProvider).where(
        col(PaymentProvider.id) == parse_id(provider_id), col(PaymentProvider.deleted_at).is_(None)
    )
    if provider_type is not None:
        query = query.where(col(PaymentProvider.provider_type) == provider_type)
    provider: PaymentProvider | None = await work.session.scalar(query.with_for_update())
    if provider is None:
        raise NotFound("payment_provider")
    return provider


def _common(read: Reader, names: set[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: read.text(name, mandatory=True) for name in ("code", "name") if name in names}
    if values.get("code") == MANUAL_CODE:
        read.add("code", "value_is_reserved")
    return values


def _redirect(read: Reader) -> dict[str, Any]:
    """Where payers come back to: an address with a scheme and a host."""
    if "success_redirect_url" not in read:
        return {}
    url = read.text("success_redirect_url", longest=LONGEST_URL)
    if url is not None:
        try:
            parts = urlsplit(url)
            good = bool(parts.scheme.isalnum() and parts.netloc)
        except ValueError:
            good = False
        if not good or any(character.isspace() for character in url) or _runs(url):
            read.add("success_redirect_url", INVALID)
    return {"success_redirect_url": url}


def _runs(url: str) -> bool:
    return url.lower().startswith(("javascript:", "data:", "file:", "vbscript:"))


def _stripe_settings(read: Reader, default: bool | None) -> dict[str, bool]:
    """supports_3ds: payers may be asked to confirm; require_terms_of_service_consent: on the page where a method is
    left."""
    found = {
        "supports_3ds": read.boolean("supports3ds", default=default),
        "require_terms_of_service_consent": read.boolean("require_terms_of_service_consent", default=default),
    }
    return {name: value for name, value in found.items() if value is not None}
