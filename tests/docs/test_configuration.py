"""The README's table of settings is what the code reads, with the code's defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import AliasChoices

from infrastructure.settings import DEVELOPMENT_SECRET, Settings

ROW = re.compile(r"^\| (?P<names>`[A-Z].*?) \| (?P<default>.*?) ?\| .+ \|$", re.MULTILINE)
NAME = re.compile(r"`([A-Z][A-Z0-9_]+)`")


def _settings() -> Iterator[tuple[tuple[str, ...], object]]:
    """The environment names of every setting, and its default."""
    for field in Settings.model_fields.values():
        assert isinstance(field.validation_alias, AliasChoices)
        yield tuple(str(choice) for choice in field.validation_alias.choices), field.default


@pytest.fixture
def rows(project_root: Path) -> dict[tuple[str, ...], str]:
    """The rows of the table: the names in the first cell, and the default."""
    text = (project_root / "README.md").read_text().partition("\n## Configuration\n")[2].partition("\n## ")[0]
    return {tuple(NAME.findall(match["names"])): match["default"].strip("`") for match in ROW.finditer(text)}


def test_every_setting_stands_in_the_table(rows: dict[tuple[str, ...], str]) -> None:
    told = {name for names in rows for name in names}
    assert {name for names, _ in _settings() for name in names} - told == set()


def test_the_table_names_nothing_that_is_not_read(rows: dict[tuple[str, ...], str]) -> None:
    read = {name for names, _ in _settings() for name in names}
    assert {name for names in rows for name in names} - read == set()


def test_the_defaults_of_the_table_are_those_of_the_code(rows: dict[tuple[str, ...], str]) -> None:
    told = {name: default for names, default in rows.items() for name in names}
    wrong = {}
    for names, default in _settings():
        if names[0] in {"DRAMATIQ_CONCURRENCY"}:  # depends on the worker's queues
            continue
        expected = str(default).lower() if isinstance(default, bool) else str(default or "")
        if isinstance(default, int | float) and not isinstance(default, bool):
            expected = f"{default:g}" if isinstance(default, float) else str(default)
        if default == DEVELOPMENT_SECRET or told[names[0]] == "*required*":
            expected = "*required*"
        if told[names[0]] != expected:
            wrong[names[0]] = (told[names[0]], expected)
    assert wrong == {}


def test_required_is_what_a_production_start_demands(rows: dict[tuple[str, ...], str]) -> None:
    demanded = {sentence.split()[0] for sentence in Settings.model_construct(env="production").problems()}
    assert {names[0] for names, default in rows.items() if default == "*required*"} == demanded


def test_the_example_and_the_compose_file_name_settings_that_exist(project_root: Path) -> None:
    read = {name for names, _ in _settings() for name in names} | {"POSTGRES_PASSWORD"}
    lines = (project_root / ".env.example").read_text().splitlines()
    example = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert example - read == set()
    compose = (project_root / "compose.yaml").read_text().partition("\nservices:\n")[0]
    given = example | set(re.findall(r"^    ([A-Z_]+): ", compose, re.MULTILINE))
    assert given - read == set()
    demanded = {sentence.split()[0] for sentence in Settings.model_construct(env="production").problems()}
    assert demanded - given == set()
