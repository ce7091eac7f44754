"""From a charge to the questions that measure it, and from the answers to what is priced.

    asked = [each for charge in charges for each in charge_questions(charge, window, prefix=(line.number,))]
    usage = await measure_charges(work, asked)
    for each in asked:
        for group in usage[each.key]:
            price = each.model.price(each.priceable(group, currency))

A charge has one question for each filter and one for the default bucket; each answers one usage for each group.
Source: handbook, metering 7 to 10, pricing 5 to 7.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.carried import CarriedKey, carried_levels
from domain.metering.matching import Bucket, FilterRule, buckets
from domain.metering.usage import Proration, Usage, UsageQuestion, Weighting, measure_groups
from domain.pricing.models import charge_model
from domain.pricing.percentage import Percentage, running_counts, running_totals
from domain.pricing.priceable import ChargeModel, Priceable

__all__ = [
    "ChargeQuestion", "MeteredCharge", "MeteredFilter", "UsageWindow", "charge_questions", "group_keys",
    "measure_charges", "presentation_keys", "question_of", "with_carried",
]  # fmt: skip

TARGET_WALLET: Final = "target_wallet_code"


class MeteredFilter(Protocol):
    """A charge filter with its own price."""

    @property
    def rule(self) -> FilterRule: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...


class MeteredCharge(Protocol):
    """A charge and its metric; `charges.load_charges` reads them, billing's own facts fit as well."""

    @property
    def id(self) -> UUID: ...
    @property
    def charge_model(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def pay_in_advance(self) -> bool: ...
    @property
    def prorated(self) -> bool: ...
    @property
    def accepts_target_wallet(self) -> bool: ...
    @property
    def metric_code(self) -> str: ...
    @property
    def aggregation_type(self) -> str: ...
    @property
    def field_name(self) -> str | None: ...
    @property
    def recurring(self) -> bool: ...
    @property
    def rounding_function(self) -> str | None: ...
    @property
    def rounding_precision(self) -> int | None: ...
    @property
    def values_ready(self) -> bool: ...
    @property
    def filters(self) -> Sequence[MeteredFilter]: ...


@dataclass(frozen=True, slots=True)
class UsageWindow:
    """The usage window of a subscription, both ends included.

    zone: the customer's. charges_duration: days of the full period. upgraded: the window was cut by an upgrade.
    has_predecessor: the subscription followed another one (a weighted sum then starts from that one's history).
    """

    external_subscription_id: str
    from_: datetime
    to: datetime
    zone: ZoneInfo
    charges_duration: int
    upgraded: bool = False
    has_predecessor: bool = False


@dataclass(frozen=True, slots=True)
class ChargeQuestion:
    """One bucket of a charge. filter: None for the default bucket."""

    charge: MeteredCharge
    filter: MeteredFilter | None
    window: UsageWindow
    question: UsageQuestion

    @property
    def key(self) -> Hashable:
        return self.question.key

    @property
    def filter_id(self) -> UUID | None:
        return self.filter.rule.id if self.filter else None

    @property
    def properties(self) -> Mapping[str, Any]:
        """Of the price: the filter's own, or the charge's."""
        return self.filter.properties if self.filter else self.charge.properties

    @property
    def model(self) -> ChargeModel:
        prorated = self.question.proration is not None
        return charge_model(self.charge.charge_model, self.properties, prorated=prorated)

    def priceable(self, usage: Usage, currency: str) -> Priceable:
        """One group of the answer as the charge model prices it."""
        return Priceable(
            units=usage.units,
            full_units=usage.full_units,
            events_count=usage.events_count,
            event_values=usage.values,
            prorated_values=usage.prorated_values,
            running_totals=self._running_totals(usage),
            precise_total_amount_cents=usage.precise_total_amount_cents,
            currency=currency,
        )

    def _running_totals(self, usage: Usage) -> tuple[Decimal, ...]:
        model = self.model
        if not isinstance(model, Percentage):
            return ()
        match self.charge.aggregation_type:
            case "count_agg" | "unique_count_agg":
                return running_counts(int(usage.units), model.free_events, model.free_amount)
            case "sum_agg":
                return running_totals(usage.values, model.free_events, model.free_amount)
            case _:
                return ()


def charge_questions(
    charge: MeteredCharge, window: UsageWindow, *, prefix: tuple[Hashable, ...] = (), invoiced: bool = True
) -> list[ChargeQuestion]:
    """One question for each filter of the charge, in order, then the default bucket.

    Their keys are (*prefix, charge id, filter id or None). invoiced: for the invoice of the period, where a prorated
    charge paid in advance is billed with its full units (handbook, metering 10.5); False for current usage.
    """
    filters = {each.rule.id: each for each in charge.filters}
    return [
        _question(
            charge, filters[bucket.filter_id] if bucket.filter_id else None, bucket, window,
            key=(*prefix, charge.id, bucket.filter_id), invoiced=invoiced,
        )
        for bucket in buckets(tuple(each.rule for each in charge.filters))
    ]  # fmt: skip


def question_of(
    charge: MeteredCharge,
    taken: MeteredFilter | None,
    window: UsageWindow,
    *,
    key: Hashable,
    invoiced: bool = True,
) -> ChargeQuestion:
    """The question of one bucket of a charge: of the filter `taken`, or the default one."""
    taken_id = taken.rule.id if taken else None
    all_of_them = buckets(tuple(each.rule for each in charge.filters))
    (bucket,) = (each for each in all_of_them if each.filter_id == taken_id)
    return _question(charge, taken, bucket, window, key=key, invoiced=invoiced)


def _question(
    charge: MeteredCharge,
    taken: MeteredFilter | None,
    bucket: Bucket,
    window: UsageWindow,
    *,
    key: Hashable,
    invoiced: bool,
) -> ChargeQuestion:
    properties = taken.properties if taken else charge.properties
    prorated = charge.prorated and charge.recurring and not (charge.pay_in_advance and invoiced)
    weighted = charge.aggregation_type == "weighted_sum_agg"
    question = UsageQuestion(
        key=key,
        external_subscription_id=window.external_subscription_id,
        code=charge.metric_code,
        aggregation_type=charge.aggregation_type,
        field_name=charge.field_name,
        from_=window.from_,
        to=window.to,
        recurring=charge.recurring,
        rounding_function=charge.rounding_function,
        rounding_precision=charge.rounding_precision,
        values_ready=charge.values_ready,
        matching=bucket.matching,
        ignored=bucket.ignored,
        group_by=group_keys(charge, properties),
        proration=Proration(window.zone, window.charges_duration, window.upgraded) if prorated else None,
        weighting=Weighting(window.charges_duration) if weighted else None,
        with_values=_needs_values(charge, properties, prorated=prorated),
        precise_amounts=charge.charge_model == "dynamic",
    )
    return ChargeQuestion(charge, taken, window, question)


def group_keys(charge: MeteredCharge, properties: Mapping[str, Any]) -> tuple[str, ...]:
    """The pricing group keys of a bucket. Source: handbook, metering 7.3."""
    keys = dict.fromkeys(properties.get("pricing_group_keys") or properties.get("grouped_by") or ())
    if charge.accepts_target_wallet:
        keys[TARGET_WALLET] = None
    return tuple(keys)


def presentation_keys(charge: MeteredCharge, *, on_invoices: bool) -> tuple[str, ...]:
    """The keys by which usage is broken down; on_invoices: only those that invoices show. Source: metering 7.4."""
    return tuple(
        each["value"]
        for each in charge.properties.get("presentation_group_keys") or ()
        if not on_invoices or (each.get("options") or {}).get("display_in_invoice") is True
    )


def _needs_values(charge: MeteredCharge, properties: Mapping[str, Any], *, prorated: bool) -> bool:
    model = charge_model(charge.charge_model, properties, prorated=prorated)
    if isinstance(model, Percentage):
        free = bool(model.free_events or model.free_amount)
        bounded = model.minimum is not None or model.maximum is not None
        return bounded or (free and charge.aggregation_type == "sum_agg")
    return prorated and charge.charge_model == "graduated"


async def measure_charges(work: UnitOfWork, asked: Sequence[ChargeQuestion]) -> dict[Hashable, list[Usage]]:
    """The groups of each question, by key; what recurring weighted sums carry into their window is looked up first."""
    return await measure_groups(work, [each.question for each in await with_carried(work, asked)])


async def with_carried(work: UnitOfWork, asked: Sequence[ChargeQuestion]) -> list[ChargeQuestion]:
    """The same questions with the levels that recurring weighted sums start from. Source: handbook, metering 9.3.

    The level kept at the last invoice; without one, of a subscription that followed another, the sum of all values up
    to one second before the window; else zero.
    """
    keys = {
        each.key: CarriedKey(
            each.question.external_subscription_id, each.charge.id, each.filter_id, each.question.start,
            each.question.group_by,
        )
        for each in asked
        if each.question.weighting and each.charge.recurring
    }  # fmt: skip
    if not keys:
        return list(asked)
    levels = await carried_levels(work, list(keys.values()))
    histories = [
        _history(each)
        for each in asked
        if each.key in keys and each.window.has_predecessor and keys[each.key] not in levels
    ]
    summed = await measure_groups(work, histories) if histories else {}
    filled = []
    for each in asked:
        if each.key in keys:
            if keys[each.key] in levels:
                carried = levels[keys[each.key]]
            else:
                groups = summed.get(each.key, ())
                carried = tuple(
                    (tuple(usage.grouped_by.values()), usage.units) for usage in groups if usage.events_count
                )
            weighting = Weighting(each.window.charges_duration, carried)
            each = replace(each, question=replace(each.question, weighting=weighting))
        filled.append(each)
    return filled


def _history(each: ChargeQuestion) -> UsageQuestion:
    return replace(
        each.question,
        aggregation_type="sum_agg",
        recurring=True,
        weighting=None,
        rounding_function=None,
        to=each.question.from_ - timedelta(seconds=1),
    )
