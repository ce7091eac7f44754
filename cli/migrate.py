"""Bring the database's schema up to the code's."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from infrastructure.database import bare_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config

__all__ = ["pending_migrations", "run_migrations", "schema_heads"]

# Any number that nothing else locks: two processes that migrate at once take turns.
LOCK = 7_243_001


def run_migrations(database_url: str) -> list[str]:
    """Apply what is missing and return the revisions applied, oldest first. Safe to run from several processes."""
    from alembic import command
    from sqlalchemy import create_engine, pool

    url = bare_url(database_url)
    with _alone(url):
        missing = pending_migrations(url)
        if missing:
            engine = create_engine("postgresql+psycopg://" + url.partition("://")[2], poolclass=pool.NullPool)
            config = _config()
            with engine.connect() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "heads")
                connection.commit()
    return missing


def pending_migrations(database_url: str) -> list[str]:
    """The revisions this code has and the database lacks, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    with psycopg.connect(bare_url(database_url), connect_timeout=10) as connection:
        exists = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if exists is None or exists[0] is None:
            have: set[str] = set()
        else:
            have = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version").fetchall()}
    known = {revision.revision for revision in scripts.walk_revisions()}
    if unknown := have - known:
        raise RuntimeError(
            f"The database is at revision {', '.join(sorted(unknown))}, which this version of Tarn does not know:"
            " start the newer version again, or restore a backup."
        )
    done = {revision.revision for revision in scripts.iterate_revisions(tuple(have), "base")} if have else set()
    return [revision.revision for revision in reversed(list(scripts.walk_revisions())) if revision.revision not in done]


def schema_heads() -> set[str]:
    """The revisions a database must be at for this code."""
    from alembic.script import ScriptDirectory

    return set(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    from alembic.config import Config

    import migrations

    config = Config()
    assert migrations.__file__, "migrations is a package of its own"
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


@contextmanager
def _alone(url: str) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
