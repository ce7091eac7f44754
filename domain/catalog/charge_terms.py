"""Which charges are legal, and the codes of those that were sent without one (pricing handbook, section 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.catalog.unsupported import UNSUPPORTED, refuse_unsupported
from domain.kernel.validation import INVALID, MANDATORY, OUT_OF_RANGE, Params, Reader
from domain.pricing.models import ChargeModelName
from domain.pricing.properties import default_properties, stored_properties
from domain.pricing.validate import properties_errors

__all__ = ["CHARGE_MODELS", "ChargeTerms", "generated_code", "read_charge_terms"]

CHARGE_MODELS = ("standard", "graduated", "package")
KNOWN_MODELS = frozenset(str(name) for name in ChargeModelName)
GROUPINGS = ("pricing_group_keys", "grouped_by", "presentation_group_keys")

UNSUPPORTED_FIELDS: Mapping[str, object] = {
    "pay_in_advance": False,
    "prorated": False,
    "filters": None,
    "tax_codes": None,
    "applied_pricing_unit": None,
}


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """The columns of a charge that a client sets, but for its metric. code: None asks for a generated one."""

    code: str | None
    invoice_display_name: str | None
    charge_model: str
    properties: dict[str, Any]


def read_charge_terms(params: Params, *, code_mandatory: bool = False) -> ChargeTerms:
    """Judges one charge. Properties are reduced to the keys of the model; none sent gives the model's defaults.

    Raises ValidationFailed. Only charges in arrears of the models standard, graduated and package are taken;
    what else the interface knows is answered `unsupported_value` on its field.
    """
    read = Reader(params)
    code = read.text("code", mandatory=code_mandatory)
    display_name = read.text("invoice_display_name")
    model = params.get("charge_model")
    if isinstance(model, str) and model in KNOWN_MODELS and model not in CHARGE_MODELS:
        read.add("charge_model", UNSUPPORTED)
    elif model not in CHARGE_MODELS:
        read.add("charge_model", INVALID)
        if model is None:
            read.add("charge_model", MANDATORY)
    properties = _properties(read, model) if model in CHARGE_MODELS else {}
    refuse_unsupported(read, UNSUPPORTED_FIELDS)
    _judge_flags(read)
    read.finish()
    return ChargeTerms(code, display_name, str(model), properties)


def _properties(read: Reader, model: str) -> dict[str, Any]:
    sent = read.json_object("properties")
    if "properties" in read.errors:
        return {}
    if not sent:
        return default_properties(model)
    stored = stored_properties(model, sent)
    for code in properties_errors(model, stored):
        read.add("properties", code)
    # Units by group are not counted apart: a charge priced by groups would be priced wrongly.
    if any(stored.get(key) for key in GROUPINGS):
        read.add("properties", UNSUPPORTED)
    return {key: value for key, value in stored.items() if key not in GROUPINGS}


def _judge_flags(read: Reader) -> None:
    """The rules of section 2.2 that hold for every charge in arrears."""
    if read.boolean("invoiceable", default=True) is False:
        read.add("invoiceable", "must_be_true_unless_pay_in_advance")
    if read.params.get("regroup_paid_fees") not in (None, ""):
        read.add("regroup_paid_fees", "only_compatible_with_pay_in_advance_and_non_invoiceable")
    minimum = read.integer("min_amount_cents", default=0)
    if minimum is not None and minimum < 0:
        read.add("min_amount_cents", OUT_OF_RANGE)
    elif minimum:
        read.add("min_amount_cents", UNSUPPORTED)
    if read.boolean("accepts_target_wallet", default=False):
        read.add("accepts_target_wallet", "feature_unavailable")


def generated_code(metric_code: str, taken: Iterable[str]) -> str:
    """The metric's code, or the code and the next free number: api_calls, api_calls_2, api_calls_3."""
    known = set(taken)
    if metric_code not in known:
        return metric_code
    numbered = re.compile(re.escape(metric_code) + r"_([0-9]{1,9})")
    numbers = [int(match[1]) for code in known if (match := numbered.fullmatch(code))]
    return f"{metric_code}_{max([1, *numbers]) + 1}"
