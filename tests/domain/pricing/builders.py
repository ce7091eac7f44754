"""Short ways to write properties and usage in the tests of prices."""

from decimal import Decimal
from typing import Any

from domain.pricing.models import price
from domain.pricing.priceable import Price, Priceable


def ranges(*rows: tuple[Any, Any, str, str], price_key: str = "per_unit_amount") -> list[dict[str, Any]]:
    """(from, to, price, flat) for each range."""
    return [
        {"from_value": start, "to_value": end, price_key: each, "flat_amount": flat} for start, end, each, flat in rows
    ]


def decimals(*values: str | int) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


def priced(model: str, properties: dict[str, Any], units: str | int | Decimal, **usage: Any) -> Price:
    return price(model, properties, Priceable(units=Decimal(units), **usage))


GRADUATED_A = {"graduated_ranges": ranges((0, 10, "10", "2"), (11, 20, "5", "3"), (21, None, "5", "3"))}
MEETING = {"graduated_ranges": ranges((0, 0.1, "10", "0"), (0.1, 1, "5", "0"), (1, None, "2", "0"))}
GRADUATED_PERCENTAGE = {
    "graduated_percentage_ranges": ranges(
        (0, 10, "1", "200"), (11, 20, "2", "300"), (21, None, "3", "400"), price_key="rate"
    )
}
VOLUME = {"volume_ranges": ranges((0, 100, "2", "10"), (101, None, "1", "5"))}
PACKAGE = {"amount": "5", "package_size": 100, "free_units": 50}
