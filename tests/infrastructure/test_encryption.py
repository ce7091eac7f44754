from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, event, insert, select, text, type_coerce
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infrastructure import encryption
from infrastructure.encryption import DecryptionError, EncryptedString, decrypt, encrypt, needs_rotation, rotate
from tests.infrastructure.conftest import Configure

OLD, NEW, SALT = "old-primary-key-0001", "new-primary-key-0002", "derivation-salt-0003"
metadata = MetaData()
providers = Table(
    "providers",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("secrets", EncryptedString("providers.secrets")),
    Column("name", Text),
)


@pytest.fixture(autouse=True)
def old_key(configure: Configure) -> None:
    configure(ENCRYPTION_PRIMARY_KEY=OLD, ENCRYPTION_KEY_DERIVATION_SALT=SALT, ENCRYPTION_PREVIOUS_KEYS="")


@pytest_asyncio.fixture(loop_scope="session")
async def engine(servers: dict[str, str]) -> AsyncIterator[AsyncEngine]:
    name = f"encryption_{uuid4().hex[:12]}"
    with psycopg.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    address, mark, options = servers["DATABASE_URL"].partition("?")
    url = address.rpartition("/")[0] + "/" + name + mark + options
    engine = create_async_engine("postgresql+psycopg://" + url.partition("://")[2])
    async with engine.begin() as connection_async:
        await connection_async.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()
    with psycopg.connect(servers["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@given(st.text(st.characters(codec="utf-8")))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_was_encrypted_comes_back(plain: str) -> None:
    assert decrypt(encrypt(plain, purpose="p"), purpose="p") == plain


def test_equal_texts_have_different_tokens_that_do_not_show_the_text() -> None:
    first, second = encrypt("sk_live_123", purpose="p"), encrypt("sk_live_123", purpose="p")
    assert first != second
    assert "sk_live" not in first


def test_a_token_of_another_purpose_does_not_decrypt() -> None:
    with pytest.raises(DecryptionError):
        decrypt(encrypt("x", purpose="integrations.secrets"), purpose="providers.secrets")


@pytest.mark.parametrize("place", range(3))
def test_a_changed_part_of_a_token_does_not_decrypt(place: int) -> None:
    parts = encrypt("a secret of some length", purpose="p").split(".")
    parts[place] = ("A" if parts[place][0] != "A" else "B") + parts[place][1:]
    with pytest.raises(DecryptionError):
        decrypt(".".join(parts), purpose="p")


@pytest.mark.parametrize("junk", ["", ".", "v1", "v1..", "v1.abc.", "v1.abc.é", "plain text", "v1.x." + "A" * 10_000])
def test_what_is_no_token_is_refused_with_one_kind_of_error(junk: str) -> None:
    with pytest.raises(DecryptionError):
        decrypt(junk, purpose="p")
    short = f"v1.{encryption._current().id}."
    with pytest.raises(DecryptionError):
        decrypt(short + junk[:3], purpose="p")


def test_a_lone_surrogate_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encrypt("\ud800", purpose="p")


def test_a_previous_key_reads_and_asks_for_rotation(configure: Configure) -> None:
    token = encrypt("x", purpose="p")
    assert not needs_rotation(token)
    configure(ENCRYPTION_PRIMARY_KEY=NEW, ENCRYPTION_PREVIOUS_KEYS=f"another-key-0000000, {OLD}")
    assert decrypt(token, purpose="p") == "x"
    assert needs_rotation(token)
    assert not needs_rotation(encrypt("x", purpose="p"))


def test_without_its_key_a_token_does_not_decrypt_and_the_error_holds_no_text(configure: Configure) -> None:
    token = encrypt("sk_live_123", purpose="p")
    configure(ENCRYPTION_PRIMARY_KEY=NEW)
    with pytest.raises(DecryptionError) as caught:
        decrypt(token, purpose="p")
    assert "sk_live" not in str(caught.value)


async def test_a_column_holds_tokens_and_gives_texts_and_keeps_null(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(providers), [{"id": 1, "secrets": "sk"}, {"id": 2, "secrets": None}])
        read = (await connection.execute(select(providers.c.secrets).order_by(providers.c.id))).scalars().all()
        stored = (await connection.execute(text("SELECT secrets FROM providers ORDER BY id"))).scalars().all()
    assert read == ["sk", None]
    assert stored[0].startswith("v1.")
    assert stored[1] is None


async def test_rotation_rewrites_every_row_of_an_older_key_once(engine: AsyncEngine, configure: Configure) -> None:
    statements: list[str] = []
    rows = [{"id": n, "secrets": None if n == 7 else f"secret {n}", "name": "kept"} for n in range(1_203)]
    async with engine.begin() as connection:
        await connection.execute(insert(providers), rows)
    configure(ENCRYPTION_PRIMARY_KEY=NEW, ENCRYPTION_PREVIOUS_KEYS=OLD)
    async with engine.begin() as connection:
        await connection.execute(insert(providers), [{"id": 5_000, "secrets": "already new"}])
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
        assert await rotate(connection, [(providers, providers.c.secrets)]) == 1_202
        assert await rotate(connection, [(providers, providers.c.secrets)]) == 0
    assert len(statements) == 3 + 3 + 1 + 1  # pages read, pages written, the empty page, the run that found nothing
    configure(ENCRYPTION_PREVIOUS_KEYS="")
    async with engine.begin() as connection:
        found = (await connection.execute(select(providers).order_by(providers.c.id))).all()
        tokens = (await connection.execute(select(type_coerce(providers.c.secrets, Text)))).scalars().all()
    assert [(row.id, row.secrets, row.name) for row in found[:-1]] == [
        (row["id"], row["secrets"], row["name"]) for row in rows
    ]
    assert found[-1].secrets == "already new"
    assert not any(needs_rotation(token) for token in tokens if token)


async def test_rotation_of_a_value_without_known_key_changes_nothing(engine: AsyncEngine, configure: Configure) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(providers), [{"id": 1, "secrets": "lost"}])
    configure(ENCRYPTION_PRIMARY_KEY=NEW)
    with pytest.raises(DecryptionError):
        async with engine.begin() as connection:
            await rotate(connection, [(providers, providers.c.secrets)])
    configure(ENCRYPTION_PRIMARY_KEY=OLD)
    async with engine.begin() as connection:
        assert (await connection.execute(select(providers.c.secrets))).scalar_one() == "lost"


async def test_rotation_refuses_a_column_that_is_not_encrypted(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        with pytest.raises(TypeError, match="not an encrypted column"):
            await rotate(connection, [(providers, providers.c.name)])
