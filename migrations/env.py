"""How Alembic reaches the database: `tarn migrate` hands over an open connection."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from domain.registry import metadata
from infrastructure.settings import settings


def _run(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    """Migrates on the connection given in the configuration's attributes, else on DATABASE_URL."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    url = "postgresql+psycopg://" + settings().database_url.partition("://")[2]
    with create_engine(url).connect() as own:
        _run(own)


run()
