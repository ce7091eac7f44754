"""The migrated database is what the models say, to the last index; migrations run on what is there already."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlmodel import AutoString

from cli.migrate import pending_migrations, run_migrations
from domain.registry import metadata
from tests.databases import named
from tests.tenancy.rows import World, make_world

CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
               pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
    """,
    # NOT NULL stands in the catalog too, under names that are made up; the columns above tell it.
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid <> 0
          AND conrelid::regclass::text <> 'alembic_version'
    """,
    "indexes": """
        SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    """,
}


@pytest.fixture
def empty(servers: dict[str, str]) -> Iterator[str]:
    """The address of a database without any table."""
    name = f"tarn_{uuid4().hex[:16]}"
    with psycopg.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield named(servers["DATABASE_URL"], name)
    with psycopg.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _engine(url: str) -> sa.Engine:
    return sa.create_engine("postgresql+psycopg://" + url.partition("://")[2], poolclass=sa.pool.NullPool)


def _models() -> sa.MetaData:
    """The models' tables, their texts as the migrations write them: SQLModel itself would say VARCHAR."""
    copy = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        for column in table.to_metadata(copy).columns:
            if isinstance(column.type, AutoString):
                column.type = sa.Text()
    return copy


def _catalog(url: str, part: str) -> set[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(CATALOG[part].encode()).fetchall()
    return set(rows)


@pytest.mark.parametrize("part", CATALOG)
def test_the_migrated_schema_is_the_models(part: str, empty: str, database_url: str) -> None:
    """Made from the models in one database and by the migrations in another, both catalogs read the same: columns,
    CHECK constraints, foreign keys and their actions, the predicates and included columns of indexes."""
    engine = _engine(empty)
    _models().create_all(engine)
    from_models, migrated = _catalog(empty, part), _catalog(database_url, part)
    assert len(from_models) > len(metadata.tables)
    assert from_models - migrated == set(), "in the models, not in the migrations"
    assert migrated - from_models == set(), "in the migrations, not in the models"


def test_alembic_finds_nothing_to_do(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with _engine(database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, _models()) == []


def test_an_empty_database_gets_all_migrations_once_though_its_roles_exist(empty: str, database_url: str) -> None:
    """Roles belong to the server: the database of the fixture has made them."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tarn\\_%'").fetchone()
        assert row == (6,)
    pending = pending_migrations(empty)
    assert pending[:1] == ["0001"]
    assert run_migrations(empty) == pending
    assert run_migrations(empty) == []
    for part in CATALOG:
        assert _catalog(empty, part) == _catalog(database_url, part)


def test_a_second_run_leaves_a_filled_database_as_it_is(database_url: str, environment: dict[str, str]) -> None:
    engine = _engine(database_url)
    world: World = make_world(engine)
    before = _rows(engine)
    assert len(before) >= len(world)
    assert run_migrations(database_url) == []
    assert _rows(engine) == before


def _rows(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return [
            text
            for name in sorted(metadata.tables)
            for text in connection.execute(sa.text(f"SELECT t::text FROM {name} t ORDER BY 1")).scalars()
        ]
