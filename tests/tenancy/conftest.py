"""A migrated database with two organizations that have a row in every table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from infrastructure import exact_json
from tests.tenancy.rows import World, make_world


@pytest.fixture(scope="module")
def owner(environment: dict[str, str]) -> Iterator[sa.Engine]:
    """The database as the owner of its tables sees it: everything."""
    url = "postgresql+psycopg://" + environment["DATABASE_URL"].partition("://")[2]
    engine = sa.create_engine(url, json_serializer=exact_json.dump_text, json_deserializer=exact_json.load)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def mine(owner: sa.Engine) -> World:
    return make_world(owner)


@pytest.fixture(scope="module")
def other(owner: sa.Engine, mine: World) -> World:
    return make_world(owner)
