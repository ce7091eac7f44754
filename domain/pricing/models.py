"""Charge models by name: properties are read once, then priced with as often as needed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

import orjson

from domain.pricing.dynamic import Custom, Dynamic
from domain.pricing.graduated import Graduated
from domain.pricing.package import Package
from domain.pricing.percentage import Percentage
from domain.pricing.priceable import ChargeModel, Price, Priceable, Properties
from domain.pricing.prorated_graduated import ProratedGraduated
from domain.pricing.standard import Standard
from domain.pricing.volume import Volume


class ChargeModelName(StrEnum):
    """The names of the interface; the order is that of the reference's stored numbers."""

    STANDARD = "standard"
    GRADUATED = "graduated"
    PACKAGE = "package"
    PERCENTAGE = "percentage"
    VOLUME = "volume"
    GRADUATED_PERCENTAGE = "graduated_percentage"
    CUSTOM = "custom"
    DYNAMIC = "dynamic"


_READERS: Final[dict[str, Callable[[Properties], ChargeModel]]] = {
    ChargeModelName.STANDARD: Standard.read,
    ChargeModelName.GRADUATED: Graduated.read,
    ChargeModelName.PACKAGE: Package.read,
    ChargeModelName.PERCENTAGE: Percentage.read,
    ChargeModelName.VOLUME: Volume.read,
    ChargeModelName.GRADUATED_PERCENTAGE: Graduated.read_percentage,
    ChargeModelName.CUSTOM: Custom.read,
    ChargeModelName.DYNAMIC: Dynamic.read,
}

_CACHED_MODELS: Final = 16_384


@dataclass(frozen=True, slots=True)
class _Key:
    """What makes two charges the same model: everything but the object the properties were read from."""

    name: str
    text: bytes
    prorated: bool
    properties: Properties = field(compare=False)


def charge_model(name: str, properties: Properties, *, prorated: bool = False) -> ChargeModel:
    """The model of a charge, ready to price. `properties` are valid (see validate.py) and are not changed.

    Cached by the properties' text, so that the charges of a billing run, which share few plans, are read once.
    prorated: the units are prorated; only graduated has another arithmetic then.
    Raises ValueError for an unknown model.
    """
    try:
        text = orjson.dumps(properties, default=str)
    except TypeError:  # an integer beyond 64 bits: rare enough to be read each time
        return _read(name, properties, prorated)
    return _cached(_Key(name, text, prorated, properties))


def price(name: str, properties: Properties, usage: Priceable, *, prorated: bool = False) -> Price:
    """`usage` priced by the model; see charge_model and Price."""
    return charge_model(name, properties, prorated=prorated).price(usage)


@lru_cache(maxsize=_CACHED_MODELS)
def _cached(key: _Key) -> ChargeModel:
    return _read(key.name, key.properties, key.prorated)


def _read(name: str, properties: Properties, prorated: bool) -> ChargeModel:
    if prorated and name == ChargeModelName.GRADUATED:
        return ProratedGraduated.read(properties)
    try:
        reader = _READERS[name]
    except KeyError:
        raise ValueError(f"unknown charge model: {name!r}") from None
    return reader(properties)
