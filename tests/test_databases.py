"""Modules share a database one after the other and must not notice: what one leaves behind the next does not find."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from tests.databases import WorkerDatabase, ask, schema_of
from tests.tenancy.rows import make_world

SEQUENCES = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
STATISTICS = "SELECT relname, reltuples FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"


@pytest.fixture(scope="module")
def database(servers: dict[str, str], template: str) -> Iterator[WorkerDatabase]:
    database = WorkerDatabase(servers["DATABASE_URL"], template)
    yield database
    database.close()


def _content(database: WorkerDatabase) -> dict[str, list[str]]:
    """All rows of all tables."""
    with psycopg.connect(database.url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        query = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1")
        return {name: [line for (line,) in connection.execute(query.format(sql.Identifier(name)))] for (name,) in names}


def test_a_row_in_every_table_is_gone_and_what_migrations_wrote_is_there(database: WorkerDatabase) -> None:
    content, sequences = _content(database), ask(database.url, SEQUENCES)
    statistics = set(ask(database.url, STATISTICS))
    assert {name for name, rows in content.items() if rows} == {"alembic_version", "roles"}
    engine = sa.create_engine("postgresql+psycopg://" + database.url.partition("://")[2])
    filled = make_world(engine)
    engine.dispose()
    ask(database.url, "UPDATE roles SET name = 'Somebody else'")
    ask(database.url, "DELETE FROM alembic_version")
    ask(database.url, "ANALYZE")
    assert {name for name, rows in _content(database).items() if rows} >= set(filled)
    assert ask(database.url, SEQUENCES) != sequences
    assert database.recycle()
    assert _content(database) == content
    assert ask(database.url, SEQUENCES) == sequences
    assert set(ask(database.url, STATISTICS)) == statistics
    assert ask(database.url, "SELECT FROM pg_stats WHERE schemaname = 'public'") == []


def test_who_was_connected_is_cut_off_and_the_old_address_leads_nowhere(database: WorkerDatabase) -> None:
    old = database.url
    with psycopg.connect(old) as left:
        left.execute("INSERT INTO alembic_version VALUES ('of an open transaction')")
        left.execute("SELECT pg_advisory_lock(1)")
        assert database.recycle()
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(old)
    assert ask(database.url, "SELECT count(*) FROM alembic_version") == [(1,)]
    assert ask(database.url, "SELECT pg_try_advisory_lock(1)") == [(True,)]


def test_a_changed_schema_is_replaced_by_a_fresh_copy(database: WorkerDatabase) -> None:
    columns = "SELECT attrelid::regclass::text, attname FROM pg_attribute ORDER BY 1, 2"
    before = ask(database.url, columns)
    ask(database.url, "CREATE TABLE more (number int)")
    assert not database.recycle()
    assert ask(database.url, columns) == before
    assert database.recycle(), "the fresh copy is as the first was"


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (number int)",
        "CREATE SCHEMA more",
        "ALTER TABLE fees ADD COLUMN more int",
        "ALTER TABLE fees ADD CONSTRAINT more CHECK (true) NOT VALID",
        "ALTER TABLE fees ALTER COLUMN amount_cents SET DEFAULT 1",
        "CREATE INDEX more ON fees (updated_at)",
        "GRANT DELETE ON fees TO tarn_clock",
        "ALTER TABLE fees DISABLE ROW LEVEL SECURITY",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_a_change_of_the_schema_is_seen(database: WorkerDatabase, change: str) -> None:
    with psycopg.connect(database.url) as connection:
        before = schema_of(connection)
        connection.execute(change.encode())
        assert schema_of(connection) != before
        connection.rollback()
        assert schema_of(connection) == before
