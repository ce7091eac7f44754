"""The connection to PostgreSQL: one asynchronous engine per process, and a pool of bare connections for hot paths."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infrastructure import exact_json
from infrastructure.settings import settings

__all__ = ["bare_url", "close", "engine"]

_engine: AsyncEngine | None = None


def bare_url(url: str | None = None) -> str:
    """The database's address as libpq and psycopg understand it."""
    address = url or settings().database_url
    return "postgresql://" + address.partition("://")[2]


def _engine_url(url: str) -> str:
    return "postgresql+psycopg://" + url.partition("://")[2]


def engine() -> AsyncEngine:
    """The engine of this process, made at the first call inside the event loop that uses it."""
    global _engine
    if _engine is None:
        if not settings().database_url:
            raise RuntimeError("DATABASE_URL is not set: name the database, or start everything with `tarn up`.")
        _engine = create_async_engine(
            _engine_url(settings().database_url),
            pool_size=settings().database_pool,
            max_overflow=settings().database_pool,
            pool_pre_ping=False,
            pool_recycle=1800,
            json_serializer=exact_json.dump_text,
            json_deserializer=exact_json.load,
            connect_args={"options": "-c timezone=UTC", "prepare_threshold": 3, "connect_timeout": 10},
        )
    return _engine


async def close() -> None:
    """Gives all connections back; the next call of `engine` starts anew."""
    global _engine
    if _engine is not None:
        await _engine.dispose()
        _engine = None
