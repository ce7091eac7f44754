"""Row-level security in SQL: the roles, what they may do, and the policies that keep tenants apart.

A migration that adds a table with an `organization_id` calls `protect(op, "its_name")`; a test goes over all tables and
fails for the one that was forgotten.
"""

from __future__ import annotations

from typing import Any

TENANT = "tarn_tenant"
LOGIN = "tarn_login"
INGEST = "tarn_ingest"
RELAY = "tarn_relay"
CLOCK = "tarn_clock"
SANDBOX = "tarn_sandbox"
ROLES = (TENANT, LOGIN, INGEST, RELAY, CLOCK, SANDBOX)

# Evaluated once per statement, as a plain parameter, so that indexes on organization_id are used.
BOUND = "(SELECT NULLIF(current_setting('tarn.organization_id', true), '')::uuid)"


def create_roles(op: Any) -> None:
    """The roles a connection may assume; they can't log in by themselves. Roles are shared by all databases."""
    for role in ROLES:
        op.execute(
            f"""
            DO $$ BEGIN
                CREATE ROLE {role} NOLOGIN NOBYPASSRLS;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
            """
        )
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
                    EXECUTE format('GRANT {role} TO %I', current_user);
                END IF;
            END $$
            """
        )
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")


def protect(
    op: Any, table: str, column: str = "organization_id", rights: str = "SELECT, INSERT, UPDATE, DELETE"
) -> None:
    """Keeps a table's rows to the organization a transaction is bound to."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"GRANT {rights} ON {table} TO {TENANT}")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO {TENANT} USING ({column} = {BOUND}) WITH CHECK ({column} = {BOUND})"
    )


def allow(op: Any, role: str, table: str, rights: str, using: str = "true") -> None:
    """Opens a table to one door: `rights` as in GRANT, columns included, for the rows of `using`."""
    op.execute(f"GRANT {rights} ON {table} TO {role}")
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE POLICY {role} ON {table} TO {role} USING ({using}) WITH CHECK ({using});
        EXCEPTION WHEN duplicate_object THEN NULL;
        END $$
        """
    )
