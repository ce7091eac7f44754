"""What a reader of current usage may ask for. Source: handbook, metering 13.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain.kernel.errors import NotAllowed, ValidationFailed
from domain.kernel.ids import parse_id
from domain.kernel.validation import storable
from domain.metering.charge_questions import ChargeQuestion, presentation_keys
from domain.metering.charges import PlanCharge
from domain.metering.matching import condition_of
from infrastructure import exact_json

__all__ = ["ChargeFilters", "UsageOptions", "group_of", "presentation_of"]

MAX_KEYS = 50
MAX_VALUES = 1_000
INVALID = "value_is_invalid"


@dataclass(frozen=True, slots=True)
class ChargeFilters:
    """Which charges; of several the first one given decides."""

    charge_id: str | None = None
    charge_code: str | None = None
    billable_metric_code: str | None = None

    def __bool__(self) -> bool:
        return bool(self.charge_id or self.charge_code or self.billable_metric_code)

    def take(self, charges: Sequence[PlanCharge]) -> list[PlanCharge]:
        """The charges meant, by id if there is a filter."""
        if not self:
            return list(charges)
        if self.charge_id:
            wanted = parse_id(self.charge_id)
            taken = [charge for charge in charges if charge.id == wanted]
        elif self.charge_code:
            taken = [charge for charge in charges if charge.code == self.charge_code]
        else:
            taken = [charge for charge in charges if charge.metric_code == self.billable_metric_code]
        return sorted(taken, key=lambda charge: charge.id)


@dataclass(frozen=True, slots=True)
class UsageOptions:
    """group: only events with these values, and no grouping by these keys. skip_grouping: no pricing groups at all.
    full_usage: since the subscription's start. presentation: only these presentation keys; None for all. fresh:
    measured anew, for who knows that events have just come in."""

    charges: ChargeFilters = field(default_factory=ChargeFilters)
    group: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skip_grouping: bool = False
    full_usage: bool = False
    presentation: tuple[str, ...] | None = None
    fresh: bool = False

    @property
    def is_cached(self) -> bool:
        return not (self.group or self.full_usage or self.fresh)

    def check(self, charges: Sequence[PlanCharge]) -> None:
        """Raises NotAllowed("full_usage_not_allowed") for all charges at once, or with a prorated one among them."""
        if not self.full_usage:
            return
        if not (self.charges or self.group) or any(charge.prorated for charge in charges):
            raise NotAllowed("full_usage_not_allowed")

    def apply(self, asked: ChargeQuestion) -> ChargeQuestion:
        """The question as asked with these options."""
        question = asked.question
        if self.group:
            matching = dict(question.matching)
            for key, values in self.group.items():
                matching[key] = tuple(set(matching[key]) & set(values)) if key in matching else values
            kept = tuple(key for key in question.group_by if key not in self.group)
            question = replace(question, matching=condition_of(matching), group_by=kept)
        if self.skip_grouping:
            question = replace(question, group_by=())
        return replace(asked, question=question)

    def broken_down_by(self, charge: PlanCharge) -> tuple[str, ...]:
        keys = presentation_keys(charge, on_invoices=False)
        return keys if self.presentation is None else tuple(key for key in keys if key in self.presentation)


def group_of(query: Mapping[str, str], items: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """`group` of a query string: group[key]=value (also group[key][]=…), or a JSON object. Raises ValidationFailed.

    query: by name; items: all pairs, so that a name may come several times.
    """
    for name in ("group", "filter_by_group"):
        if query.get(name):
            return _of_json(name, query[name])
        found: dict[str, tuple[str, ...]] = {}
        for key, value in items:
            inner = key.removesuffix("[]")
            if inner.startswith(f"{name}[") and inner.endswith("]"):
                found[inner[len(name) + 1 : -1]] = (*found.get(inner[len(name) + 1 : -1], ()), value)
        if found:
            return _limited(name, found)
    return {}


def presentation_of(text: str | None) -> tuple[str, ...] | None:
    """`filter_by_presentation` of a query string, a JSON array of keys. Raises ValidationFailed."""
    if text is None or not text.strip():
        return None
    keys = _json("filter_by_presentation", text)
    if not isinstance(keys, list) or len(keys) > MAX_KEYS or not all(isinstance(key, str) for key in keys):
        raise ValidationFailed({"filter_by_presentation": [INVALID]})
    return tuple(keys)


def _of_json(name: str, text: str) -> dict[str, tuple[str, ...]]:
    sent = _json(name, text)
    if not isinstance(sent, dict):
        raise ValidationFailed({name: [INVALID]})
    values = {key: value if isinstance(value, list) else [value] for key, value in sent.items()}
    if not all(isinstance(each, str) for listed in values.values() for each in listed):
        raise ValidationFailed({name: [INVALID]})
    return _limited(name, {key: tuple(listed) for key, listed in values.items()})


def _limited(name: str, group: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    texts = [*group, *(value for values in group.values() for value in values)]
    too_many = len(group) > MAX_KEYS or any(len(values) > MAX_VALUES for values in group.values())
    if too_many or not all(storable(text) for text in texts):
        raise ValidationFailed({name: [INVALID]})
    return group


def _json(name: str, text: str) -> Any:
    try:
        return exact_json.load(text.encode("utf-8", "surrogatepass"))
    except exact_json.MalformedJSON:
        raise ValidationFailed({name: [INVALID]}) from None
