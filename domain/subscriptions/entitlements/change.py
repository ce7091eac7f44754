"""Changing what a subscription is entitled to beside or instead of its plan. Source: handbook, platform 19.

The caller has locked the subscription before anything is read, so that changes follow each other. Raises NotFound for
"privilege", "feature", and "entitlement" where the subscription does not have a feature that is there;
ValidationFailed for values.
"""

from __future__ import annotations

from domain.catalog.entitlements.queries import feature_missing
from domain.catalog.entitlements.sent import Sent, ask, read_sent
from domain.catalog.entitlements.write import Changes, write_changes
from domain.kernel.errors import NotFound
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params
from domain.subscriptions.entitlements.effective import (
    EffectiveEntitlement,
    Terms,
    change,
    effective,
    find,
    without_feature,
    without_privilege,
)
from domain.subscriptions.entitlements.terms import entitlements_of, terms_of
from domain.subscriptions.events import SubscriptionUpdated
from domain.subscriptions.models import Subscription

__all__ = [
    "current_entitlements", "entitlement_of_subscription", "merge_entitlements", "remove_entitlement",
    "remove_privilege", "set_entitlement",
]  # fmt: skip


async def current_entitlements(work: UnitOfWork, row: Subscription) -> list[EffectiveEntitlement]:
    """What it has now."""
    return (await entitlements_of(work.session, {row.id: row.plan_id}))[row.id]


async def entitlement_of_subscription(work: UnitOfWork, row: Subscription, feature_code: str) -> EffectiveEntitlement:
    """One of those it has."""
    return await _found(work, await current_entitlements(work, row), feature_code)


async def merge_entitlements(work: UnitOfWork, row: Subscription, sent: Sent) -> None:
    """Adds features and sets values; what is not sent stays, and a feature without values is added alone."""
    await _set(work, row, sent, full=False)


async def set_entitlement(work: UnitOfWork, row: Subscription, params: Params) -> None:
    """Gives it one feature, `feature_code`, with exactly the values of `privileges`; without such a list the feature
    with whatever values it has."""
    sent = read_sent([params], "entitlement") or {}
    await _set(work, row, sent, full=params.get("privileges") is not None)


async def remove_entitlement(work: UnitOfWork, row: Subscription, feature_code: str) -> EffectiveEntitlement:
    """Takes a feature away; answers what it was."""
    terms = await _terms(work, row)
    entitlement = await _found(work, effective(terms), feature_code)
    await _write(work, row, without_feature(terms, entitlement.feature.id))
    return entitlement


async def remove_privilege(work: UnitOfWork, row: Subscription, feature_code: str, privilege_code: str) -> None:
    """Takes the value of a privilege away; the feature stays."""
    terms = await _terms(work, row)
    entitlement = await _found(work, effective(terms), feature_code)
    for value in entitlement.values:
        if value.privilege.code == privilege_code:
            return await _write(work, row, without_privilege(terms, entitlement.feature.id, value.privilege.id))
    raise NotFound("privilege")


async def _set(work: UnitOfWork, row: Subscription, sent: Sent, *, full: bool) -> None:
    asked = await ask(work, sent)
    terms = await _terms(work, row)
    changes = Changes()
    for one in asked:
        change(changes, terms, one.feature_id, one.values if one.values or full else None, full=full)
    await _write(work, row, changes)


async def _write(work: UnitOfWork, row: Subscription, changes: Changes) -> None:
    await write_changes(work, changes, subscription_id=row.id)
    work.record(SubscriptionUpdated((row.id,)))


async def _terms(work: UnitOfWork, row: Subscription) -> Terms:
    return (await terms_of(work.session, {row.id: row.plan_id}))[row.id]


async def _found(
    work: UnitOfWork, entitlements: list[EffectiveEntitlement], feature_code: str
) -> EffectiveEntitlement:  # fmt: skip
    entitlement = find(entitlements, feature_code)
    if entitlement is None:
        raise await feature_missing(work.session, feature_code)
    return entitlement
