"""The benchmarks write rows by themselves, faster than the commands do: they must know every column that has to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlmodel import SQLModel

import benchmarks
from domain import registry

BENCHMARKS = Path(benchmarks.__file__).parent
INSERT = re.compile(r"INSERT INTO (\w+)\s*\(([\w\s,]+)\)")
INSERTS = [
    pytest.param(table, columns, id=f"{path.parent.name}-{table}-{number}")
    for path in sorted(BENCHMARKS.rglob("*.py"))
    for number, (table, columns) in enumerate(INSERT.findall(path.read_text()))
]


@pytest.mark.parametrize(("table", "columns"), INSERTS)
def test_every_row_of_a_benchmark_has_what_its_table_asks_for(table: str, columns: str) -> None:
    assert registry, "all tables are known"
    named = {column.strip() for column in columns.split(",")}
    known = SQLModel.metadata.tables[table].columns
    assert named <= set(known.keys())
    missing = {each.name for each in known if not each.nullable and each.server_default is None} - named
    # The number in which events came is an identity.
    assert missing <= {each.name for each in known if each.identity is not None}
