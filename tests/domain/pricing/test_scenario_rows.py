"""Plays the charge-model rows of the scenarios that stand beside the project, where they are there."""

import json
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.pricing.rows import price_row

ROWS = Path(__file__).resolve().parents[4] / "shared" / "scenarios" / "pricing.json"


def rows() -> list[Any]:
    if not ROWS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no scenarios beside the project"))]
    return [
        pytest.param(row, id=f"{number}-{row['model']}")
        for number, row in enumerate(json.loads(ROWS.read_text(), parse_float=Decimal))
    ]


def compare(row: dict[str, Any], key: str, actual: Decimal) -> None:
    expected = row.get(key)
    if expected is None:
        return
    decimals = row.get(f"{key}_decimals")
    if decimals is not None:
        rounding = ROUND_UP if row.get(f"{key}_rounding") == "up" else ROUND_HALF_UP
        actual = actual.quantize(Decimal(1).scaleb(-decimals), rounding)
    assert actual == Decimal(expected), key


def same(actual: Any, expected: Any) -> bool:
    """Numbers and decimal texts by value: "100" is "100.0"."""
    return Decimal(str(actual)) == Decimal(str(expected))


@pytest.mark.parametrize("row", rows())
def test_row(row: dict[str, Any]) -> None:
    answer = price_row(row)
    compare(row, "amount", answer.amount)
    compare(row, "unit_amount", answer.unit_amount)
    for key in ("amount_cents", "unit_amount_cents"):
        if row.get(key) is not None:
            assert getattr(answer, key) == row[key], key
    for key, expected in row.get("pricing_unit", {}).items():
        assert getattr(answer.pricing_unit, key) == expected, key
    for key, expected in row.get("amount_details", {}).items():
        assert same(answer.amount_details[key], expected), key
