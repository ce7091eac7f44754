"""What each role that crosses tenants may do: tried on every table, and compared with the table below."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from domain.kernel.ids import new_id
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.registry import metadata
from infrastructure import exact_json
from tests.tenancy.rows import World

Rights = dict[str, set[str] | None]
ALL = None
"""All columns; a set names the columns that are readable or changeable."""

# Verb -> columns; a table that is not named is shut.
EXPECTED: dict[Door, dict[str, Rights]] = {
    Door.LOGIN: {
        "users": {"SELECT": ALL, "INSERT": ALL, "UPDATE": ALL},
        "organizations": {"SELECT": ALL, "INSERT": ALL},
        "memberships": {"SELECT": ALL, "INSERT": ALL},
        "membership_roles": {"SELECT": ALL, "INSERT": ALL},
        "roles": {"SELECT": ALL},
        "api_keys": {"SELECT": ALL},
        "billing_entities": {"SELECT": ALL},
        "invites": {"SELECT": ALL, "UPDATE": {"status"}},
        "password_resets": {"SELECT": ALL, "INSERT": ALL, "UPDATE": ALL, "DELETE": ALL},
        "user_devices": {"SELECT": ALL, "INSERT": ALL, "UPDATE": ALL},
        "security_logs": {"INSERT": ALL},
        "jobs": {"INSERT": ALL},
    },
    Door.INGEST: {
        "events": {"INSERT": ALL},
        "api_logs": {"INSERT": ALL},
        "jobs": {"INSERT": ALL},
        "billable_metrics": {
            "SELECT": {"organization_id", "code", "field_name", "aggregation_type", "expression", "deleted_at"},
        },
    },
    Door.RELAY: {
        "jobs": {"SELECT": ALL, "INSERT": ALL, "UPDATE": ALL, "DELETE": ALL},
        "organizations": {"SELECT": {"id", "sandbox", "frozen_at"}},
    },
    Door.CLOCK: {
        "clock_ticks": {"SELECT": ALL, "INSERT": ALL, "DELETE": ALL},
        "jobs": {"INSERT": ALL},
        "organizations": {"SELECT": {"id", "sandbox", "frozen_at"}},
    },
    Door.SANDBOX: {
        "organizations": {"SELECT": ALL, "INSERT": ALL, "UPDATE": {"frozen_at", "updated_at"}},
        "users": {"SELECT": {"id"}},
        "memberships": {"SELECT": ALL, "INSERT": ALL},
        "membership_roles": {"SELECT": ALL, "INSERT": ALL},
        "roles": {"SELECT": ALL},
        "jobs": {"SELECT": ALL, "INSERT": ALL},
    },
}
INSERT = "INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{0}, CAST(:row AS jsonb))"
TABLES = [*sorted(metadata.tables), "alembic_version"]


@pytest.fixture(autouse=True)
def _both(migrated: str, mine: World, other: World) -> None:
    """Each of the tests below needs the engine, and a row of two organizations in every table."""


async def _may(work: UnitOfWork, statement: str, **values: Any) -> bool:
    """Tries a statement and takes it back: whether it reached a row. A broken constraint is a row reached."""
    savepoint = await work.session.begin_nested()
    try:
        result = await work.session.execute(sa.text(statement), values)
        assert isinstance(result, sa.CursorResult)
        return result.rowcount > 0
    except IntegrityError:
        return True
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            return False
        raise
    finally:
        await savepoint.rollback()


async def _rights(work: UnitOfWork, table: str, columns: list[str], row: str) -> Rights:
    """What the role of this transaction can do with a table, found out by doing it."""
    found: Rights = {}
    if await _may(work, f"SELECT * FROM {table}"):
        found["SELECT"] = ALL
    elif readable := {each for each in columns if await _may(work, f"SELECT {each} FROM {table}")}:
        found["SELECT"] = readable
    changeable = {each for each in columns if await _may(work, f"UPDATE {table} SET {each} = DEFAULT")}
    if changeable:
        found["UPDATE"] = ALL if changeable == set(columns) else changeable
    if await _may(work, INSERT.format(table), row=row):
        found["INSERT"] = ALL
    if await _may(work, f"DELETE FROM {table}"):
        found["DELETE"] = ALL
    return found


@pytest.mark.parametrize("door", list(Door))
async def test_a_door_opens_what_it_is_for_and_nothing_else(door: Door, owner: sa.Engine, mine: World) -> None:
    documents, columns = {}, {}
    inspector = sa.inspect(owner)
    with owner.connect() as connection:
        for table in TABLES:
            columns[table] = [each["name"] for each in inspector.get_columns(table)]
            row = connection.execute(sa.text(f"SELECT to_jsonb(t) FROM {table} t LIMIT 1")).scalar_one()
            documents[table] = exact_json.dump_text({**row, "id": str(new_id())})
    found = {}
    async with door_work(door) as work:
        for table in TABLES:
            rights = await _rights(work, table, columns[table], documents[table])
            if rights:
                found[table] = rights
    assert found == EXPECTED[door]


@pytest.mark.parametrize("door", list(Door))
async def test_a_door_reads_the_rows_of_all_organizations(door: Door, owner: sa.Engine) -> None:
    """A door that saw only some rows would lose work without a word."""
    async with door_work(door) as work:
        for table, rights in EXPECTED[door].items():
            if "SELECT" in rights:
                with owner.connect() as connection:
                    there = connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()
                seen = (await work.session.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar_one()
                assert (table, seen) == (table, there)


@pytest.mark.parametrize("door", list(Door))
async def test_a_door_cannot_become_another_role_by_its_own_right(door: Door, owner: sa.Engine) -> None:
    """No role of ours is a member of another, so that what a door may do is what is granted to it."""
    with owner.connect() as connection:
        members = connection.execute(
            sa.text("SELECT pg_has_role(:role, rolname, 'MEMBER') FROM pg_roles WHERE rolname <> :role"),
            {"role": door.value},
        )
        assert not any(members.scalars())
        creates = sa.text("SELECT has_schema_privilege(:role, 'public', 'CREATE')")
        assert not connection.execute(creates, {"role": door.value}).scalar_one()
