"""Dunning campaigns: how customers with overdue invoices are reminded. Source: handbook, credits 11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, delete, select

from domain.customers.reminders import apply_campaign, forget_reminders, take_campaign_away
from domain.identity.applied_campaigns import apply_campaign_to_entity, take_campaign_from_entities
from domain.identity.emails import cleaned_email, email_problem
from domain.kernel import clock
from domain.kernel.currencies import CURRENCIES
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import TAKEN, Params, Reader
from domain.payments.campaign_queries import customers_on_campaign, overdue_balances
from domain.payments.dunning_rules import any_reached
from domain.payments.models import DunningCampaign, DunningCampaignThreshold

__all__ = [
    "apply_to_billing_entity", "create_campaign", "delete_campaign", "set_customer_campaign", "update_campaign",
]  # fmt: skip

MOST_THRESHOLDS: Final = 200
MOST_EMAILS: Final = 100
MOST_DAYS: Final = 3_650
MOST_ATTEMPTS: Final = 1_000
LONGEST_DESCRIPTION: Final = 5_000
_CODE: Final = {"uq_dunning_campaigns_code": "code"}


async def create_campaign(work: UnitOfWork, params: Params) -> UUID:
    """A new campaign; its id. `applied_to_organization` gives it to the default billing entity.

    params: code, name, description, days_between_attempts, max_attempts, bcc_emails, thresholds [{currency,
    amount_cents}], applied_to_organization. Raises ValidationFailed.
    """
    read = Reader(params)
    values = _terms(read, {"code", "name", "days_between_attempts", "max_attempts", *read.params})
    thresholds = _thresholds(read, mandatory=True)
    applied = read.boolean("applied_to_organization", default=False)
    read.finish()
    campaign = DunningCampaign(organization_id=work.organization_id, **values)
    async with unique(work, _CODE):
        work.session.add(campaign)
    _add_thresholds(work, campaign.id, thresholds)
    await work.session.flush()
    if applied:
        await apply_to_billing_entity(work, work.organization_id, campaign.id)
    return campaign.id


async def update_campaign(work: UnitOfWork, campaign_id: object, params: Params) -> UUID:
    """Changes what is given; thresholds, if given, replace those there are, and customers whose balances reach none of
    the new ones begin anew. Raises NotFound("dunning_campaign") and ValidationFailed."""
    campaign = await _locked(work, campaign_id)
    read = Reader(params)
    values = _terms(read, read.params)
    thresholds = _thresholds(read, mandatory=True) if "thresholds" in read else None
    applied = read.boolean("applied_to_organization")
    read.finish()
    for name, value in values.items():
        setattr(campaign, name, value)
    async with unique(work, _CODE):
        work.session.add(campaign)
    if thresholds is not None:
        await _replace_thresholds(work, campaign.id, thresholds)
    if applied:
        await apply_to_billing_entity(work, work.organization_id, campaign.id)
    elif applied is False:
        left = await take_campaign_from_entities(work, campaign.id, only=work.organization_id)
        await forget_reminders(work, billing_entity_ids=left)
    return campaign.id


async def delete_campaign(work: UnitOfWork, campaign_id: object) -> UUID:
    """Takes the campaign from everyone who has it; their counts begin anew. Raises NotFound("dunning_campaign")."""
    campaign = await _locked(work, campaign_id)
    campaign.deleted_at = clock.now()
    await work.session.flush()
    await forget_reminders(work, billing_entity_ids=await take_campaign_from_entities(work, campaign.id))
    await take_campaign_away(work, campaign.id)
    return campaign.id


async def apply_to_billing_entity(work: UnitOfWork, entity_id: UUID, campaign_id: object) -> None:
    """The campaign of a billing entity's customers, or None for none. Raises NotFound("dunning_campaign")."""
    kept = None if campaign_id is None else (await _locked(work, campaign_id)).id
    if await apply_campaign_to_entity(work, entity_id, kept):
        await forget_reminders(work, billing_entity_ids=[entity_id])


async def set_customer_campaign(work: UnitOfWork, customer_id: UUID, params: Params) -> None:
    """What is given of applied_dunning_campaign_id; null is the billing entity's campaign again.
    Raises NotFound("dunning_campaign")."""
    if "applied_dunning_campaign_id" in params:
        sent = params["applied_dunning_campaign_id"]
        await apply_campaign(work, customer_id, None if sent in (None, "") else (await _locked(work, sent)).id)


async def _locked(work: UnitOfWork, campaign_id: object) -> DunningCampaign:
    query = select(DunningCampaign).where(
        col(DunningCampaign.id) == parse_id(campaign_id), col(DunningCampaign.deleted_at).is_(None)
    )
    campaign = (await work.session.execute(query.with_for_update())).scalars().first()
    if campaign is None:
        raise NotFound("dunning_campaign")
    return campaign


def _terms(read: Reader, wanted: Mapping[str, Any] | set[str]) -> dict[str, Any]:
    """The columns among `wanted`; errors are collected in `read`."""
    values: dict[str, Any] = {name: read.text(name, mandatory=True) for name in ("code", "name") if name in wanted}
    if "description" in wanted:
        values["description"] = read.text("description", longest=LONGEST_DESCRIPTION)
    for name, most in (("days_between_attempts", MOST_DAYS), ("max_attempts", MOST_ATTEMPTS)):
        if name in wanted:
            values[name] = read.integer(name, mandatory=True, least=1, most=most)
    if "bcc_emails" in wanted:
        values["bcc_emails"] = emails = [
            cleaned_email(each) for each in read.texts("bcc_emails", most=MOST_EMAILS) or []
        ]
        if any(email_problem(email) for email in emails):
            read.add("bcc_emails", "invalid_email_format")
    return values


def _thresholds(read: Reader, *, mandatory: bool) -> dict[str, int]:
    """Cents by currency."""
    sent = read.objects("thresholds", most=MOST_THRESHOLDS) or []
    if mandatory and not sent and "thresholds" not in read.errors:
        read.add("thresholds", "can't be blank")
    found: dict[str, int] = {}
    for each in sent:
        one = Reader(each)
        currency = one.choice("currency", CURRENCIES, mandatory=True)
        amount = one.integer("amount_cents", mandatory=True, least=0)
        for name, codes in one.errors.items():
            for code in codes:
                read.add(f"thresholds.{name}", code)
        if currency in found:
            read.add("thresholds.currency", TAKEN)
        if currency is not None and amount is not None:
            found[currency] = amount
    return found


def _add_thresholds(work: UnitOfWork, campaign_id: UUID, thresholds: Mapping[str, int]) -> None:
    work.session.add_all(
        DunningCampaignThreshold(
            organization_id=work.organization_id,
            dunning_campaign_id=campaign_id,
            currency=currency,
            amount_cents=amount,
        )
        for currency, amount in thresholds.items()
    )


async def _replace_thresholds(work: UnitOfWork, campaign_id: UUID, thresholds: Mapping[str, int]) -> None:
    """Those of the same currency keep their rows."""
    of_campaign = col(DunningCampaignThreshold.dunning_campaign_id) == campaign_id
    kept: Sequence[DunningCampaignThreshold] = (
        (await work.session.execute(select(DunningCampaignThreshold).where(of_campaign))).scalars().all()
    )
    before = {each.currency: each.amount_cents for each in kept}
    if before == thresholds:
        return
    for each in kept:
        if each.currency in thresholds:
            each.amount_cents = thresholds[each.currency]
    gone = before.keys() - thresholds.keys()
    await work.session.execute(
        delete(DunningCampaignThreshold).where(of_campaign, col(DunningCampaignThreshold.currency).in_(gone))
    )
    _add_thresholds(work, campaign_id, {name: cents for name, cents in thresholds.items() if name not in before})
    await work.session.flush()
    reminded = await customers_on_campaign(work.session, campaign_id, reminded=True)
    balances = await overdue_balances(work.session, reminded)
    await forget_reminders(
        work, customer_ids=[each for each in reminded if not any_reached(thresholds, balances.get(each, {}))]
    )
