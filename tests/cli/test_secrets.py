"""`tarn secrets rotate`: every encrypted column of the schema, found from the models, ends under the new key alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from cli.secrets import rotate_all
from domain.registry import metadata
from infrastructure.encryption import DecryptionError, EncryptedString, needs_rotation
from infrastructure.settings import settings
from tests.tenancy.rows import make_world

NEW = "the-new-primary-key-of-this-test"
ENCRYPTED = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, EncryptedString)
]


@pytest.fixture
def owner(environment: dict[str, str]) -> Iterator[sa.Engine]:
    engine = sa.create_engine("postgresql+psycopg://" + environment["DATABASE_URL"].partition("://")[2])
    yield engine
    engine.dispose()


def _tokens(owner: sa.Engine) -> dict[tuple[str, str], list[str]]:
    """What stands in the encrypted columns, as it stands there."""
    with owner.connect() as connection:
        return {
            (table, column): list(connection.execute(sa.text(f"SELECT {column} FROM {table} ORDER BY id")).scalars())
            for table, column in ENCRYPTED
        }


def _plain(owner: sa.Engine) -> dict[tuple[str, str], list[str]]:
    """The same as Tarn reads it."""
    with owner.connect() as connection:
        return {
            (table, column): list(
                connection.execute(
                    sa.select(metadata.tables[table].c[column]).order_by(metadata.tables[table].c.id)
                ).scalars()
            )
            for table, column in ENCRYPTED
        }


def _keys(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def test_the_encrypted_columns_are_those_that_hold_secrets() -> None:
    assert ("organizations", "hmac_key") in ENCRYPTED
    assert ("api_keys", "value") in ENCRYPTED


def test_after_a_rotation_the_old_key_can_be_thrown_away(
    owner: sa.Engine, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_world(owner)
    old, before, tokens = environment["ENCRYPTION_PRIMARY_KEY"], _plain(owner), _tokens(owner)
    assert all(len(values) == 3 for values in before.values())

    _keys(monkeypatch, ENCRYPTION_PRIMARY_KEY=NEW, ENCRYPTION_PREVIOUS_KEYS=old)
    assert _plain(owner) == before, "the previous key still reads"
    assert rotate_all() == 3 * len(ENCRYPTED)
    assert rotate_all() == 0

    _keys(monkeypatch, ENCRYPTION_PREVIOUS_KEYS="")
    assert _plain(owner) == before
    after = _tokens(owner)
    assert not any(needs_rotation(token) for values in after.values() for token in values)
    assert all(after[column] != tokens[column] for column in ENCRYPTED)

    _keys(monkeypatch, ENCRYPTION_PRIMARY_KEY=old)
    with pytest.raises(DecryptionError):
        _plain(owner)
    _keys(monkeypatch, ENCRYPTION_PRIMARY_KEY=NEW, ENCRYPTION_PREVIOUS_KEYS=old)
    made = make_world(owner)
    assert rotate_all() == 0, "what is written now is under the new key"
    assert made["organizations"].hmac_key in _plain(owner)[("organizations", "hmac_key")]
    monkeypatch.undo()
    settings.cache_clear()


def test_a_rotation_without_the_old_key_changes_nothing_and_says_so(
    owner: sa.Engine, environment: dict[str, str], plain_environment: dict[str, str]
) -> None:
    make_world(owner)
    before = _tokens(owner)
    variables = {**plain_environment, **environment, "ENCRYPTION_PRIMARY_KEY": "a-key-that-has-written-nothing"}
    command = [sys.executable, "-m", "cli.main", "secrets", "rotate"]
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    said = " ".join((ended.stdout + ended.stderr).split())
    assert "Nothing was changed: the key that wrote this value is neither" in said
    assert "Traceback" not in said
    assert _tokens(owner) == before


def test_the_command_rotates_and_tells_how_many(
    owner: sa.Engine, environment: dict[str, str], plain_environment: dict[str, str]
) -> None:
    make_world(owner)
    stored = sum(len(values) for values in _tokens(owner).values())
    keys = {
        "ENCRYPTION_PRIMARY_KEY": "yet-another-primary-key",
        "ENCRYPTION_PREVIOUS_KEYS": f"{NEW},{environment['ENCRYPTION_PRIMARY_KEY']}",
    }
    command = [sys.executable, "-m", "cli.main", "secrets", "rotate"]
    variables = {**plain_environment, **environment, **keys}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert str(stored) in ended.stdout
