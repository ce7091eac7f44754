"""A transaction that is bound to one organization sees and changes nothing of another, whatever SQL it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from domain.kernel.ids import new_id
from domain.kernel.tenancy import TENANT_ROLE, TENANTLESS_TABLES, Tenant
from domain.kernel.unit_of_work import UnitOfWork, tenant_work
from domain.registry import metadata
from infrastructure import exact_json
from tests.tenancy.rows import World

OF_TENANTS = sorted(name for name, table in metadata.tables.items() if "organization_id" in table.columns)
# Their rows are read by all organizations; what is written belongs to one.
SHARED_ROWS = {"roles"}


@pytest.fixture(autouse=True)
def _both(migrated: str, mine: World, other: World) -> None:
    """Each of the tests below needs the engine, and a row of two organizations in every table."""


def _tenant(world: World) -> Tenant:
    return Tenant(world["organizations"].id)


async def _run(work: UnitOfWork, statement: str, **values: Any) -> sa.CursorResult[Any]:
    result = await work.session.execute(sa.text(statement), values)
    assert isinstance(result, sa.CursorResult)
    return result


async def _refused(work: UnitOfWork, statement: str, **values: Any) -> str:
    """Runs a statement that must be refused for lack of a right; PostgreSQL's sentence."""
    with pytest.raises(DBAPIError) as caught:
        async with work.session.begin_nested():
            await _run(work, statement, **values)
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege), caught.value
    return str(caught.value.orig)


def _key(row: Any) -> tuple[str, dict[str, Any]]:
    """The condition that names one row by its primary key, and its values."""
    names = [column.name for column in sa.inspect(type(row)).primary_key]
    condition = " AND ".join(f"{name} = :{name}" for name in names)
    return condition, {name: getattr(row, name) for name in names}


def _new_key(row: Any) -> dict[str, str]:
    """Values for the columns of a primary key that no row has."""
    return {column.name: str(new_id()) for column in sa.inspect(type(row)).primary_key}


def _document(owner: sa.Engine, table: str, row: Any, **changes: object) -> str:
    """A row as JSON, as PostgreSQL itself writes it, with changes."""
    condition, key = _key(row)
    with owner.connect() as connection:
        found = connection.execute(sa.text(f"SELECT to_jsonb(t) FROM {table} t WHERE {condition}"), key)
        return exact_json.dump_text({**found.scalar_one(), **changes})


def _snapshot(owner: sa.Engine, table: str, world: World) -> Sequence[Any]:
    with owner.connect() as connection:
        query = sa.text(f"SELECT t::text FROM {table} t WHERE organization_id = :id")
        return connection.execute(query, {"id": world["organizations"].id}).scalars().all()


INSERT = "INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{0}, CAST(:row AS jsonb))"


@pytest.mark.parametrize("table", OF_TENANTS)
async def test_a_tenant_reads_its_own_rows_only(table: str, mine: World, other: World) -> None:
    condition, key = _key(other[table])
    async with tenant_work(_tenant(mine)) as work:
        seen = {row.organization_id for row in await _run(work, f"SELECT organization_id FROM {table}")}
        by_id = await _run(work, f"SELECT count(*) FROM {table} WHERE {condition}", **key)
    assert seen - ({None} if table in SHARED_ROWS else set()) == {mine["organizations"].id}
    assert by_id.scalar_one() == 0


@pytest.mark.parametrize("table", OF_TENANTS)
async def test_a_tenant_changes_and_deletes_nothing_of_another(
    table: str, owner: sa.Engine, mine: World, other: World
) -> None:
    before = _snapshot(owner, table, other)
    assert before
    condition, key = _key(other[table])
    async with tenant_work(_tenant(mine)) as work:
        touched = await _run(work, f"UPDATE {table} SET organization_id = organization_id WHERE {condition}", **key)
        gone = await _run(work, f"DELETE FROM {table} WHERE {condition}", **key)
        everything = await _run(work, f"UPDATE {table} SET organization_id = organization_id")
    assert (touched.rowcount, gone.rowcount) == (0, 0)
    assert everything.rowcount == 1
    assert _snapshot(owner, table, other) == before


@pytest.mark.parametrize("table", OF_TENANTS)
async def test_a_tenant_writes_no_row_into_another(table: str, owner: sa.Engine, mine: World, other: World) -> None:
    before = _snapshot(owner, table, other)
    row = _document(owner, table, other[table], **_new_key(other[table]))
    async with tenant_work(_tenant(mine)) as work:
        assert "row-level security" in await _refused(work, INSERT.format(table), row=row)
    assert _snapshot(owner, table, other) == before


@pytest.mark.parametrize("table", OF_TENANTS)
async def test_a_tenant_gives_no_row_of_its_own_to_another(table: str, mine: World, other: World) -> None:
    condition, key = _key(mine[table])
    async with tenant_work(_tenant(mine)) as work:
        statement = f"UPDATE {table} SET organization_id = :theirs WHERE {condition}"
        refusal = await _refused(work, statement, theirs=other["organizations"].id, **key)
    assert "row-level security" in refusal


@pytest.mark.parametrize("table", OF_TENANTS)
async def test_a_tenant_role_without_an_organization_sees_and_writes_nothing(
    table: str, owner: sa.Engine, mine: World
) -> None:
    row = _document(owner, table, mine[table], **_new_key(mine[table]))
    async with tenant_work(_tenant(mine)) as work:
        await _run(work, "SELECT set_config('tarn.organization_id', '', true)")
        seen = (await _run(work, f"SELECT organization_id FROM {table}")).scalars().all()
        assert set(seen) <= ({None} if table in SHARED_ROWS else set())
        assert (await _run(work, f"DELETE FROM {table}")).rowcount == 0
        assert "row-level security" in await _refused(work, INSERT.format(table), row=row)


async def test_a_tenant_sees_its_own_organization_only_and_makes_or_deletes_none(mine: World, other: World) -> None:
    async with tenant_work(_tenant(mine)) as work:
        assert (await _run(work, "SELECT id FROM organizations")).scalars().all() == [mine["organizations"].id]
        theirs = other["organizations"].id
        changed = await _run(work, "UPDATE organizations SET name = 'Taken' WHERE id = :id", id=theirs)
        assert changed.rowcount == 0
        await _refused(work, "DELETE FROM organizations WHERE id = :id", id=mine["organizations"].id)
        await _refused(work, "INSERT INTO organizations (id) VALUES (:id)", id=new_id())


async def test_a_tenant_sees_the_users_who_are_its_members_but_not_their_passwords(mine: World, other: World) -> None:
    async with tenant_work(_tenant(mine)) as work:
        assert (await _run(work, "SELECT id FROM users")).scalars().all() == [mine["users"].id]
        await _refused(work, "SELECT password_hash FROM users")
        await _refused(work, "UPDATE users SET email = email")
        await _refused(work, "DELETE FROM users")


async def test_predefined_roles_are_read_by_all_and_changed_by_none(owner: sa.Engine, mine: World) -> None:
    async with tenant_work(_tenant(mine)) as work:
        found = await _run(work, "SELECT code FROM roles WHERE organization_id IS NULL ORDER BY code")
        assert found.scalars().all() == ["admin", "finance", "manager"]
        for statement in (
            "UPDATE roles SET admin = true WHERE organization_id IS NULL",
            "DELETE FROM roles WHERE organization_id IS NULL",
        ):
            assert (await _run(work, statement)).rowcount == 0
        row = _document(owner, "roles", mine["roles"], id=str(new_id()), organization_id=None)
        assert "row-level security" in await _refused(work, INSERT.format("roles"), row=row)


@pytest.mark.parametrize("statement", ["RESET ROLE", "SET ROLE tarn_relay", "SET LOCAL row_security = off"])
async def test_the_walls_do_not_fall_while_the_role_is_assumed(statement: str, mine: World) -> None:
    """Not even a statement slipped into a query leaves the role for longer than that transaction."""
    async with tenant_work(_tenant(mine)) as work:
        await _run(work, statement)
    async with tenant_work(_tenant(mine)) as work:
        assert (await _run(work, "SELECT current_user")).scalar_one() == TENANT_ROLE
        assert (await _run(work, "SELECT id FROM organizations")).scalars().all() == [mine["organizations"].id]


def test_every_table_has_row_security_and_belongs_to_tenants_or_is_listed(owner: sa.Engine) -> None:
    with owner.connect() as connection:
        rows = connection.execute(
            sa.text(
                """
                SELECT c.relname AS name, c.relrowsecurity AS secured,
                       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id'
                               AND NOT a.attisdropped) AS of_tenants
                FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                """
            )
        ).all()
    assert {row.name for row in rows if row.of_tenants} == set(OF_TENANTS)
    assert {row.name for row in rows if not row.of_tenants} == TENANTLESS_TABLES | {"organizations"}
    assert {row.name for row in rows if not row.secured} == {"alembic_version"}


def test_no_role_goes_round_the_policies(owner: sa.Engine) -> None:
    with owner.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles"
                " WHERE rolname LIKE 'tarn\\_%'"
            )
        ).all()
        owned = connection.execute(
            sa.text("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) LIKE 'tarn\\_%'")
        ).scalar_one()
        views = connection.execute(
            sa.text(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
            )
        ).scalar_one()
    assert len(rows) == 6
    assert not any(row.rolsuper or row.rolbypassrls or row.rolcanlogin or row.rolcreaterole for row in rows)
    assert (owned, views) == (0, 0)
