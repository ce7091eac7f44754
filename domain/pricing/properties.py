"""Which keys of a charge's properties are stored, and what stands there when none were sent (handbook, 3.1)."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from domain.pricing.models import ChargeModelName

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    ChargeModelName.STANDARD: ("amount",),
    ChargeModelName.GRADUATED: ("graduated_ranges",),
    ChargeModelName.VOLUME: ("volume_ranges",),
    ChargeModelName.PACKAGE: ("amount", "free_units", "package_size"),
    ChargeModelName.PERCENTAGE: (
        "rate",
        "fixed_amount",
        "free_units_per_events",
        "free_units_per_total_aggregation",
        "per_transaction_max_amount",
        "per_transaction_min_amount",
    ),
    ChargeModelName.GRADUATED_PERCENTAGE: ("graduated_percentage_ranges",),
    ChargeModelName.DYNAMIC: (),
    ChargeModelName.CUSTOM: (),
}


def default_properties(model: str) -> dict[str, Any]:
    """A new object each time: everything free, in one open range where there are ranges."""
    open_range = {"from_value": 0, "to_value": None}
    match model:
        case ChargeModelName.STANDARD:
            return {"amount": "0"}
        case ChargeModelName.GRADUATED:
            return {"graduated_ranges": [{**open_range, "per_unit_amount": "0", "flat_amount": "0"}]}
        case ChargeModelName.VOLUME:
            return {"volume_ranges": [{**open_range, "per_unit_amount": "0", "flat_amount": "0"}]}
        case ChargeModelName.PACKAGE:
            return {"package_size": 1, "amount": "0", "free_units": 0}
        case ChargeModelName.PERCENTAGE:
            return {"rate": "0"}
        case ChargeModelName.GRADUATED_PERCENTAGE:
            return {"graduated_percentage_ranges": [{**open_range, "rate": "0", "flat_amount": "0"}]}
        case _:
            return {}


def stored_properties(
    model: str, properties: Mapping[str, Any] | None, *, custom_metric: bool = False, of_filter: bool = False
) -> dict[str, Any]:
    """The keys of the model, others dropped without error; nothing sent gives the defaults.

    `pricing_group_keys` are taken from their own key or from `grouped_by`, without empty strings. A filter
    (`of_filter`) keeps no presentation keys. `custom_properties` are kept for custom metrics only, as an object.
    Values are not judged here: see validate.properties_errors.
    """
    if not properties:
        return default_properties(model)
    kept = {key: properties[key] for key in _KEYS.get(model, ()) if key in properties}
    group_keys = properties.get("pricing_group_keys")
    if group_keys is None:
        group_keys = properties.get("grouped_by")
    if group_keys is not None:
        if isinstance(group_keys, list):
            group_keys = [key for key in group_keys if key != ""]
        kept["pricing_group_keys"] = group_keys
    if properties.get("presentation_group_keys") is not None and not of_filter:
        kept["presentation_group_keys"] = properties["presentation_group_keys"]
    if custom_metric and "custom_properties" in properties:
        kept["custom_properties"] = _custom_properties(properties["custom_properties"])
    return kept


def _custom_properties(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
