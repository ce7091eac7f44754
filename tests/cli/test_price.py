"""`tarn price`: one price with its reckoning, or many rows as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.price import app
from tests.domain.pricing.builders import GRADUATED_A

run = CliRunner()


def test_shows_the_ranges_and_the_amount() -> None:
    answer = run.invoke(app, ["--model", "graduated", "--properties", json.dumps(GRADUATED_A), "--units", "12"])
    assert answer.exit_code == 0, answer.output
    for text in ("range 0 to 10", "range 11 to 20", "102.0", "13.0", "115.0", "11500", "9.583333333333333", "958"):
        assert text in answer.output
    assert "range 21" not in answer.output


@pytest.mark.parametrize(
    ("model", "properties", "units", "more", "cents"),
    [
        ("standard", {"amount": "20"}, "15", [], "30000"),
        ("package", {"amount": "100", "free_units": 0, "package_size": 10}, "121", [], "130000"),
        ("percentage", {"rate": "5", "fixed_amount": "1"}, "30", ["--values", "10, 20"], "350"),
        (
            "volume",
            {"volume_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "2", "flat_amount": "10"}]},
            "2",
            [],
            "1400",
        ),
        ("graduated", GRADUATED_A, "5", ["--full-units", "10", "--currency", "JPY"], "52"),
        ("standard", {"amount": "12.345"}, "1", ["--conversion-rate", "0.25"], "309"),
        ("dynamic", {}, "0", [], "0"),
    ],
)
def test_every_model_can_be_shown(model: str, properties: Any, units: str, more: list[str], cents: str) -> None:
    answer = run.invoke(app, ["--model", model, "--properties", json.dumps(properties), "--units", units, *more])
    assert answer.exit_code == 0, answer.output
    (line,) = [line for line in answer.output.splitlines() if " amount_cents" in line]
    assert line.split()[-2] == cents


def test_rows_are_answered_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(
        '[{"model": "standard", "properties": {"amount": "20"}, "units": "1", "conversion_rate": "0.25"},'
        ' {"model": "graduated", "properties": {"graduated_ranges": [{"from_value": 0, "to_value": 0.5,'
        ' "per_unit_amount": "1", "flat_amount": "0"}, {"from_value": 0.5, "to_value": null,'
        ' "per_unit_amount": "2", "flat_amount": "0"}]}, "units": "1"}]'
    )
    answer = run.invoke(app, ["--rows", str(path)])
    first, second = json.loads(answer.output)
    assert (first["amount"], first["amount_cents"], first["pricing_unit"]["amount_cents"]) == ("5.0", 500, 2000)
    assert (second["amount"], second["unit_amount_cents"]) == ("1.5", 150)
    assert second["amount_details"]["graduated_ranges"][1]["from_value"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "--model"),
        (["--model", "standard", "--properties", "{", "--units", "1"], "not JSON"),
        (["--model", "standard", "--properties", '{"amount": 1}', "--units", "1"], "invalid_amount"),
        (["--model", "standard", "--properties", '{"amount": "1"}', "--units", "many"], "units: must be a decimal"),
        (["--model", "standard", "--properties", '{"amount": "1"}', "--units", "1", "--currency", "XXX"], "XXX"),
        (["--model", "standard", "--properties", "[]", "--units", "1"], "must be an object"),
        (
            [
                "--model",
                "standard",
                "--properties",
                '{"amount": "1e19"}',
                "--units",
                "1e39",
                "--conversion-rate",
                "1e39",
            ],
            "too large",
        ),
        (["--model", "barter", "--properties", "{}", "--units", "1"], "barter"),
        (
            [
                "--model",
                "graduated",
                "--properties",
                json.dumps(GRADUATED_A),
                "--units",
                "1",
                "--full-units",
                "2",
                "--values",
                "1,2",
                "--prorated-values",
                "1",
            ],
            "every event",
        ),
    ],
)
def test_bad_input_is_answered_with_a_sentence(arguments: list[str], text: str) -> None:
    answer = run.invoke(app, arguments)
    assert answer.exit_code == 2
    assert text in answer.output
    assert "Traceback" not in answer.output


@pytest.mark.parametrize(
    ("content", "text"),
    [("{}", "JSON list"), ("nonsense", "not JSON"), ("[5]", "row 1"), ('[{"model": 1}]', "row 1: model")],
)
def test_a_bad_file_names_the_row(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content)
    answer = run.invoke(app, ["--rows", str(path)])
    assert answer.exit_code == 2
    assert text in answer.output
