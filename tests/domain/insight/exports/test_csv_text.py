"""Cells and lines of exported files."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.insight.exports.csv_text import cell, csv_text
from domain.insight.exports.kinds import COLUMNS, columns_of
from domain.insight.exports.values import VALUES


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+33 1", "-2", "@SUM(A1)", "\tx", "\r=x", "\nx", "  =cmd|' /C calc'!A0",
     "\uff1d1", "\uff20x", "\u00a0=1"]
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_execute_is_marked_as_text(text: str) -> None:
    assert cell(text) == "'" + text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("", ""),
        ("Hooli - East = 1", "Hooli - East = 1"),
        (True, "true"),
        (False, "false"),
        (-100, "-100"),
        (Decimal("-1.50"), "-1.5"),
        (date(2026, 3, 4), "2026-03-04"),
        (datetime(2026, 3, 4, 5, 6, 7, 9, tzinfo=UTC), "2026-03-04T05:06:07Z"),
        ({"region": "=x"}, '{"region":"=x"}'),
        ({}, "{}"),
    ],
)
def test_a_value_is_shown_as_the_interface_shows_it(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_any_text_comes_back_as_it_was() -> None:
    rows = [["a,b", 'c"d', "e\r\nf", "g\rh"], ["i\nj", " k ", "é€", ""]]
    assert list(csv.reader(io.StringIO(csv_text(rows), newline=""))) == rows


def test_every_column_has_a_value_and_every_value_a_column() -> None:
    assert {kind: set(values) for kind, values in VALUES.items()} == {
        kind: set(columns) for kind, columns in COLUMNS.items()
    }


def test_the_code_of_the_billing_entity_is_there_where_there_are_several() -> None:
    assert columns_of("invoices", 2) == [*columns_of("invoices", 1), "billing_entity_code"]
    assert columns_of("invoice_fees", 2) == columns_of("invoice_fees", 1)
