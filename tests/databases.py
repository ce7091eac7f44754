"""The database of a test process: copied once from the migrated template, emptied and renamed after every module.

Copying takes most of a second on a busy machine, emptying a hundredth. The new name is what keeps modules apart: a
pool, a flush or a process that a module left behind finds its database gone, as if it had been dropped.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

__all__ = ["WorkerDatabase", "ask", "named", "schema_of"]

TEMPLATE_LOCK = 7_243_002
# A table that grew beyond this (in bytes) is vacuumed, so that the modules after it do not read its dead rows.
SMALL = 64 * 1024

# Tables, columns, constraints, indexes, rights, functions and policies, in one number.
_SCHEMA = """
WITH here AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)' AND nspname <> 'information_schema')
SELECT sum(hashtextextended(line, 0))
FROM (
    SELECT ('class', oid, relname, relkind, relacl, relowner, relrowsecurity, relforcerowsecurity)::text
    FROM pg_class WHERE relnamespace IN (SELECT oid FROM here) AND oid >= 16384 AND relkind <> 't'
    UNION ALL
    SELECT ('column', attrelid, attnum, attname, atttypid, atttypmod, attnotnull, atthasdef, attacl)::text
    FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0
    UNION ALL SELECT ('constraint', oid, conname, contype, convalidated)::text FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT ('trigger', oid, tgname, tgenabled)::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT ('policy', oid, polname)::text FROM pg_policy
    UNION ALL SELECT ('function', oid, proname, prosrc, proacl)::text FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT ('schema', oid, nspname, nspacl)::text FROM pg_namespace WHERE oid IN (SELECT oid FROM here)
    UNION ALL SELECT ('setting', setdatabase, setrole, setconfig)::text FROM pg_db_role_setting
) AS lines (line)
"""
_WRITTEN = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
_RESET_SEQUENCES = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""
_FORGET_STATISTICS = (
    "SELECT pg_clear_attribute_stats(schemaname, tablename, attname, inherited)"
    " FROM pg_stats WHERE schemaname = 'public'",
    "SELECT pg_clear_relation_stats('public', relname) FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples >= 0",
)


def named(url: str, database_name: str) -> str:
    """The address of another database of the same server."""
    address, mark, options = url.partition("?")
    return address.rpartition("/")[0] + "/" + database_name + mark + options


@dataclass(frozen=True)
class _Fresh:
    """What a new copy of the template looks like: its schema, and the rows that the migrations wrote, by table."""

    schema: int
    rows: dict[str, bytes]


class WorkerDatabase:
    """`url` is that of a migrated, empty database; `recycle` gives the next module another one."""

    def __init__(self, server_url: str, template: str) -> None:
        self.server_url = server_url
        self.template = template
        self._admin = psycopg.connect(server_url, autocommit=True)
        self._name = self._copied()
        self._fresh = self._seen()

    @property
    def url(self) -> str:
        return named(self.server_url, self._name)

    def recycle(self) -> bool:
        """Cuts all connections, takes the old name away, and empties what stands under the new one.

        If the schema is no longer that of the template the database is dropped and copied anew; whether it was kept.
        """
        _connections.forget(self.url)
        old, new = self._name, f"tarn_{uuid4().hex[:16]}"
        if self._rename(old, new):
            self._name = new
            if self._emptied():
                return True
        self._drop()
        self._name = self._copied()
        return False

    def close(self) -> None:
        _connections.forget(self.url)
        self._drop()
        self._admin.close()

    def _copied(self) -> str:
        name = f"tarn_{uuid4().hex[:16]}"
        self._admin.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])  # two copies at once refuse each other
        try:
            self._run("CREATE DATABASE {} TEMPLATE {}", name, self.template)
        finally:
            self._admin.execute("SELECT pg_advisory_unlock(%s)", [TEMPLATE_LOCK])
        return name

    def _drop(self) -> None:
        self._run("DROP DATABASE {} WITH (FORCE)", self._name)

    def _run(self, statement: str, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _rename(self, old: str, new: str) -> bool:
        """False if somebody connects faster than they are cut off."""
        for _ in range(5):
            self._admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type = 'client backend'",
                [old],
            )
            with suppress(psycopg.errors.ObjectInUse):
                self._run("ALTER DATABASE {} RENAME TO {}", old, new)
                return True
        return False

    def _seen(self) -> _Fresh:
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = {name: _read(connection, name) for name, _ in connection.execute(_WRITTEN)}
            return _Fresh(schema_of(connection), {name: content for name, content in rows.items() if content})

    def _emptied(self) -> bool:
        """False if the schema has changed: nothing is emptied then."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            if schema_of(connection) != self._fresh.schema:
                return False
            written = connection.execute(_WRITTEN).fetchall()
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")  # foreign keys need no order
                for name, _ in written:
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
                for name, content in self._fresh.rows.items():
                    _write(connection, name, content)
            connection.execute(_RESET_SEQUENCES)
            for name, size in written:
                if size > SMALL:
                    connection.execute(sql.SQL("VACUUM {}").format(sql.Identifier(name)))
            for statement in _FORGET_STATISTICS:
                connection.execute(statement)
        return True


def schema_of(connection: psycopg.Connection) -> int:
    """A number that differs as soon as something is added to the schema, changed in it or taken away."""
    row = connection.execute(_SCHEMA).fetchone()
    assert row is not None
    return int(row[0])


def _read(connection: psycopg.Connection, name: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as copy:
        return b"".join(bytes(block) for block in copy)


def _write(connection: psycopg.Connection, name: str, content: bytes) -> None:
    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
        copy.write(content)


class _Connections:
    """One connection of the owner for each database that is asked; row-level security does not bind it."""

    def __init__(self) -> None:
        self._open: dict[str, psycopg.Connection] = {}

    def of(self, url: str) -> psycopg.Connection:
        found = self._open.get(url)
        if found is None or found.closed:
            found = self._open[url] = psycopg.connect(url, autocommit=True)
        return found

    def forget(self, url: str) -> None:
        found = self._open.pop(url, None)
        if found is not None:
            found.close()


_connections = _Connections()


def ask(url: str, query: str, values: Any = None, row_factory: Any = tuple_row) -> list[Any]:
    """The rows that a statement of the owner gives, each in a transaction of its own."""
    cursor = _connections.of(url).cursor(row_factory=row_factory)
    cursor.execute(query.encode(), values)
    return cursor.fetchall() if cursor.description else []
