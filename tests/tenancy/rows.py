"""A row for every table, made from the models alone: what a new table needs is found out, not written here."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from domain.kernel.ids import new_id
from domain.registry import metadata

__all__ = ["MODELS", "World", "make_world"]

MODELS: dict[str, type[SQLModel]] = {
    mapper.local_table.name: mapper.class_  # type: ignore[attr-defined]
    for mapper in SQLModel._sa_registry.mappers
}
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
World = dict[str, Any]
"""One entity of every table, by the table's name; together they are one organization's."""

# The default billing entity of an organization has the organization's id.
_SAME_ID = {"billing_entities": "organizations"}


def make_world(engine: sa.Engine, **values: Any) -> World:
    """Writes one row into every table for a new organization, as the owner of the tables.

    `values`: what a column of that name holds, in every table that has one.
    """
    world: World = {}
    with Session(engine, expire_on_commit=False) as session:
        # Not every table that belongs to an organization has a foreign key to say so.
        for table in sorted(metadata.sorted_tables, key=lambda table: table.name != "organizations"):
            world[table.name] = row = _entity(table, world, values)
            session.add(row)
            session.flush()
        session.commit()
    return world


def _entity(table: sa.Table, world: World, values: dict[str, Any]) -> SQLModel:
    model = MODELS[table.name]
    given: dict[str, Any] = {name: value for name, value in values.items() if name in table.columns}
    if table.name in _SAME_ID:
        given["id"] = world[_SAME_ID[table.name]].id
    alternatives = _alternatives(table)
    for column in table.columns:
        parents = [key.column.table.name for key in column.foreign_keys]
        field = model.model_fields[column.name]
        if column.name in alternatives:
            continue
        if parents and parents[0] in world:
            given[column.name] = getattr(world[parents[0]], next(iter(column.foreign_keys)).column.name)
        elif column.name == "organization_id":
            given[column.name] = world["organizations"].id
        elif field.is_required() and column.name not in given:
            given[column.name] = _value(table, column)
    return model(**given)


def _alternatives(table: sa.Table) -> set[str]:
    """The columns to leave empty where exactly one of several may be set: all but the first."""
    found: set[str] = set()
    for check in table.constraints:
        if isinstance(check, sa.CheckConstraint):
            listed = re.fullmatch(r"num_nonnulls\((.*)\) = 1", str(check.sqltext))
            if listed:
                found |= set(listed[1].split(", ")[1:])
    return found


def _value(table: sa.Table, column: sa.Column[Any]) -> Any:
    """A value that the column's type and its list of known values allow."""
    for check in table.constraints:
        if isinstance(check, sa.CheckConstraint):
            listed = re.fullmatch(rf"{column.name} IN \((.*)\)", str(check.sqltext))
            if listed:
                return listed[1].split(", ")[0].strip("'")
    if isinstance(column.type, sa.types.TypeDecorator):
        return f"{column.name} {uuid4()}"
    values: dict[type, Any] = {
        UUID: new_id(),
        int: 1,
        Decimal: Decimal(1),
        bool: False,
        datetime: NOW,
        date: NOW.date(),
        list: [],
    }
    return values.get(column.type.python_type, {})
