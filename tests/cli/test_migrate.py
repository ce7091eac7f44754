"""Migrations: from nothing to the code's schema, once, whoever asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from cli.migrate import pending_migrations, run_migrations, schema_heads
from tests.databases import named


@pytest.fixture
def bare_database(servers: dict[str, str]) -> str:
    """A database without a single table."""
    name = f"bare_{uuid4().hex[:12]}"
    with psycopg.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return named(servers["DATABASE_URL"], name)


def test_a_bare_database_is_brought_to_the_heads_of_the_code(bare_database: str) -> None:
    missing = pending_migrations(bare_database)
    assert missing
    assert run_migrations(bare_database) == missing
    with psycopg.connect(bare_database) as connection:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert {row[0] for row in rows} == schema_heads()


def test_a_second_run_applies_nothing(bare_database: str) -> None:
    run_migrations(bare_database)
    assert run_migrations(bare_database) == []
    assert pending_migrations(bare_database) == []


def test_two_processes_that_migrate_at_once_take_turns(bare_database: str) -> None:
    missing = pending_migrations(bare_database)
    with ThreadPoolExecutor(2) as pool:
        applied = sorted(pool.map(run_migrations, [bare_database, bare_database]), key=len)
    assert applied == [[], missing]


def test_a_database_of_a_newer_version_is_refused_with_a_sentence(bare_database: str) -> None:
    run_migrations(bare_database)
    with psycopg.connect(bare_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    with pytest.raises(RuntimeError, match=r"from_the_future.*newer version"):
        run_migrations(bare_database)
