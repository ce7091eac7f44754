"""The properties of charges: every model's in one object, as the interface has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import UNSET

from graphql_api.scalars import JSON, BigInt

__all__ = [
    "FixedChargeProperties", "FixedChargePropertiesInput", "GraduatedPercentageRange", "GraduatedRange",
    "GraduatedRangeInput", "PresentationGroupKey", "Properties", "PropertiesInput", "VolumeRange",
    "fixed_properties_type", "properties_type",
]  # fmt: skip


@strawberry.type
class GraduatedRange:
    from_value: float
    to_value: float | None
    per_unit_amount: str
    flat_amount: str


@strawberry.type
class GraduatedPercentageRange:
    from_value: float
    to_value: float | None
    rate: str
    flat_amount: str


@strawberry.type
class VolumeRange:
    from_value: BigInt
    to_value: BigInt | None
    per_unit_amount: str
    flat_amount: str


@strawberry.type
class PresentationGroupKeyOptions:
    display_in_invoice: bool | None


@strawberry.type
class PresentationGroupKey:
    value: str
    options: PresentationGroupKeyOptions | None


@strawberry.type
class Properties:
    amount: str | None
    custom_properties: JSON | None
    fixed_amount: str | None
    free_units: BigInt | None
    free_units_per_events: BigInt | None
    free_units_per_total_aggregation: str | None
    graduated_percentage_ranges: list[GraduatedPercentageRange] | None
    graduated_ranges: list[GraduatedRange] | None
    package_size: BigInt | None
    per_transaction_max_amount: str | None
    per_transaction_min_amount: str | None
    presentation_group_keys: list[PresentationGroupKey] | None
    pricing_group_keys: list[str] | None
    rate: str | None
    volume_ranges: list[VolumeRange] | None


@strawberry.type
class FixedChargeProperties:
    amount: str | None
    graduated_ranges: list[GraduatedRange] | None
    volume_ranges: list[VolumeRange] | None


@strawberry.input
class GraduatedRangeInput:
    from_value: float
    to_value: float | None = UNSET
    per_unit_amount: str
    flat_amount: str


@strawberry.input
class GraduatedPercentageRangeInput:
    from_value: float
    to_value: float | None = UNSET
    rate: str
    flat_amount: str


@strawberry.input
class VolumeRangeInput:
    from_value: BigInt
    to_value: BigInt | None = UNSET
    per_unit_amount: str
    flat_amount: str


@strawberry.input
class PresentationGroupKeyOptionsInput:
    display_in_invoice: bool | None = UNSET


@strawberry.input
class PresentationGroupKeyInput:
    value: str
    options: PresentationGroupKeyOptionsInput | None = UNSET


@strawberry.input
class PropertiesInput:
    amount: str | None = UNSET
    custom_properties: JSON | None = UNSET
    fixed_amount: str | None = UNSET
    free_units: BigInt | None = UNSET
    free_units_per_events: BigInt | None = UNSET
    free_units_per_total_aggregation: str | None = UNSET
    graduated_percentage_ranges: list[GraduatedPercentageRangeInput] | None = UNSET
    graduated_ranges: list[GraduatedRangeInput] | None = UNSET
    package_size: BigInt | None = UNSET
    per_transaction_max_amount: str | None = UNSET
    per_transaction_min_amount: str | None = UNSET
    presentation_group_keys: list[PresentationGroupKeyInput] | None = UNSET
    pricing_group_keys: list[str] | None = UNSET
    rate: str | None = UNSET
    volume_ranges: list[VolumeRangeInput] | None = UNSET


@strawberry.input
class FixedChargePropertiesInput:
    amount: str | None = UNSET
    graduated_ranges: list[GraduatedRangeInput] | None = UNSET
    volume_ranges: list[VolumeRangeInput] | None = UNSET


PLAIN = (
    "amount", "custom_properties", "fixed_amount", "free_units", "free_units_per_events",
    "free_units_per_total_aggregation", "package_size", "per_transaction_max_amount", "per_transaction_min_amount",
    "pricing_group_keys", "rate",
)  # fmt: skip


def properties_type(stored: Mapping[str, Any]) -> Properties:
    """Stored properties of a charge or filter."""
    keys = stored.get("presentation_group_keys")
    return Properties(
        **{name: stored.get(name) for name in PLAIN},
        graduated_ranges=_ranges(GraduatedRange, stored.get("graduated_ranges"), "per_unit_amount"),
        graduated_percentage_ranges=_ranges(
            GraduatedPercentageRange, stored.get("graduated_percentage_ranges"), "rate"
        ),
        volume_ranges=_ranges(VolumeRange, stored.get("volume_ranges"), "per_unit_amount"),
        presentation_group_keys=None if keys is None else [_presentation_key(key) for key in keys],
    )


def fixed_properties_type(stored: Mapping[str, Any]) -> FixedChargeProperties:
    """Stored properties of a fixed charge."""
    return FixedChargeProperties(
        amount=stored.get("amount"),
        graduated_ranges=_ranges(GraduatedRange, stored.get("graduated_ranges"), "per_unit_amount"),
        volume_ranges=_ranges(VolumeRange, stored.get("volume_ranges"), "per_unit_amount"),
    )


def _ranges(of: Any, tiers: Any, price: str) -> Any:
    if tiers is None:
        return None
    names = ("from_value", "to_value", price, "flat_amount")
    return [of(**{name: tier.get(name) for name in names}) for tier in tiers]


def _presentation_key(key: Mapping[str, Any]) -> PresentationGroupKey:
    options = key.get("options")
    return PresentationGroupKey(
        value=key["value"],
        options=None
        if options is None
        else PresentationGroupKeyOptions(display_in_invoice=options.get("display_in_invoice")),
    )
