"""The edge of the API: probes, CORS, size limit, counting, and JSON for whatever nobody serves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import dramatiq
import httpx
import psycopg
import pytest
import pytest_asyncio
from dramatiq.brokers.redis import RedisBroker
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cli.api import compose
from cli.probes import Probes
from infrastructure import database
from infrastructure.settings import settings
from tests.conftest import RedisUrls
from tests.databases import named

LIMIT = 1000
NOT_FOUND = {"status": 404, "error": "Not Found", "code": "resource_not_found"}


async def _size(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body()), "id": request.path_params["id"]})


async def _broken(request: Request) -> JSONResponse:
    raise ZeroDivisionError("a secret detail")


ROUTES = [Route("/things/{id}", _size, methods=["POST"]), Route("/broken", _broken)]


def _client(**options: bool) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(compose(ROUTES, Probes()), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://tarn.test")


@pytest_asyncio.fixture
async def api(migrated: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """An API with a size limit of 1000 bytes and the dashboard at https://app.example.com."""
    monkeypatch.setenv("TARN_MAX_BODY_BYTES", str(LIMIT))
    monkeypatch.setenv("LAGO_FRONT_URL", "https://app.example.com")
    settings.cache_clear()
    async with _client() as client:
        yield client
    settings.cache_clear()


async def test_health_is_200_with_the_version_once_everything_answers(api: httpx.AsyncClient) -> None:
    answer = await api.get("/health")
    assert answer.status_code == 200
    assert answer.json().keys() == {"version", "github_url", "message"}
    assert answer.json()["message"] == "Success"
    assert (await api.get("/ready")).json() == {"status": "ok"}


async def test_health_names_missing_migrations(
    api: httpx.AsyncClient, servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", named(servers["DATABASE_URL"], "postgres"))
    settings.cache_clear()
    await database.close()
    answer = await api.get("/health")
    await database.close()
    assert answer.status_code == 503
    assert "tarn migrate" in answer.json()["details"]


async def test_health_names_an_unreachable_database_without_its_password(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://tarn:hush-hush@127.0.0.1:1/tarn")
    settings.cache_clear()
    await database.close()
    answer = await api.get("/health")
    await database.close()
    assert answer.status_code == 503
    assert answer.json()["details"].startswith("database: ")
    assert "hush-hush" not in answer.text


@pytest.mark.parametrize(
    ("variable", "role"), [("REDIS_URL", "queue"), ("LAGO_REDIS_CACHE_URL", "cache"), ("LAGO_REDIS_STORE_URL", "store")]
)
async def test_health_names_the_redis_role_that_refuses(
    api: httpx.AsyncClient, redis_urls: RedisUrls, monkeypatch: pytest.MonkeyPatch, variable: str, role: str
) -> None:
    place = getattr(redis_urls, role).rpartition("@")[2]
    monkeypatch.setenv(variable, f"redis://:wrong-password@{place}")
    settings.cache_clear()
    answer = await api.get("/health")
    assert answer.status_code == 503
    assert answer.json()["details"].startswith(f"redis, {role} role: ")
    assert "wrong-password" not in answer.text
    assert (await api.get("/ready")).status_code == 503


async def test_a_process_that_ends_is_not_ready(migrated: str) -> None:
    probes = Probes()
    probes.draining = True
    async with httpx.AsyncClient(transport=httpx.ASGITransport(compose([], probes)), base_url="http://t") as client:
        answer = await client.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "shutting down"})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/nothing", "/things/1/", "/%00", "/health/"])
async def test_a_path_nobody_serves_is_404_json_in_any_verb(api: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


async def test_a_verb_a_path_does_not_have_is_404_json(api: httpx.AsyncClient) -> None:
    answer = await api.delete("/things/1")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


async def test_a_body_at_the_limit_passes_and_one_byte_more_is_413(api: httpx.AsyncClient) -> None:
    assert (await api.post("/things/1", content=b"x" * LIMIT)).json() == {"bytes": LIMIT, "id": "1"}
    answer = await api.post("/things/1", content=b"x" * (LIMIT + 1))
    assert answer.status_code == 413
    assert answer.json()["code"] == "request_body_too_large"


async def test_a_body_that_hides_its_size_is_413_as_soon_as_it_is_too_large(api: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 300
            yield b"x" * 300

    answer = await api.post("/things/1", content=endless())
    assert answer.status_code == 413
    assert sent <= LIMIT + 600


async def test_a_content_length_of_a_thousand_digits_is_413(api: httpx.AsyncClient) -> None:
    answer = await api.post("/things/1", content=b"x", headers={"content-length": "9" * 1000})
    assert answer.status_code == 413


async def test_a_defect_is_500_json_that_shows_nothing_of_the_inside(api: httpx.AsyncClient) -> None:
    answer = await api.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret detail" not in answer.text


@pytest.mark.parametrize("origin", ["https://app.example.com", "http://localhost:8080", "http://127.0.0.1"])
async def test_the_dashboards_origin_may_call_with_any_header(api: httpx.AsyncClient, origin: str) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-lago-organization,apollographql-client-name,content-type",
    }
    preflight = await api.options("/things/1", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "x-lago-organization" in preflight.headers["access-control-allow-headers"]
    answer = await api.post("/things/1", headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-expose-headers"] == "x-lago-token"


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "https://app.example.com.evil.net", "http://localhost.evil.net", "null"]
)
async def test_a_foreign_origin_may_not_call(api: httpx.AsyncClient, origin: str) -> None:
    answer = await api.post("/things/1", headers={"origin": origin})
    assert "access-control-allow-origin" not in answer.headers


async def test_in_production_this_machine_is_a_foreign_origin(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TARN_ENV", "production")
    monkeypatch.setenv("LAGO_FRONT_URL", "")
    monkeypatch.setenv("LAGO_DOMAIN", "billing.example.com:8443")
    settings.cache_clear()
    async with _client() as client:
        for origin, allowed in {"http://localhost:8080": False, "https://billing.example.com:8443": True}.items():
            answer = await client.post("/things/1", headers={"origin": origin})
            assert ("access-control-allow-origin" in answer.headers) is allowed


async def test_metrics_count_by_route_template_and_show_queues(api: httpx.AsyncClient, empty_redis: RedisUrls) -> None:
    broker: dramatiq.Broker = RedisBroker(url=empty_redis.queue)  # type: ignore[no-untyped-call]
    broker.declare_queue("metered")
    for _ in range(3):
        broker.enqueue(dramatiq.Message("metered", "nothing", (), {}, {}))
    for number in range(4):
        await api.post(f"/things/{number}")
    text = (await api.get("/metrics")).text
    assert 'tarn_requests_total{method="POST",route="/things/{id}",status="200"}' in text
    assert "/things/3" not in text
    assert 'tarn_queue_messages{queue="metered",state="ready"} 3.0' in text
    assert 'tarn_queue_age_seconds{queue="metered"}' in text


async def test_probes_leave_the_database_with_a_pool_that_still_works(api: httpx.AsyncClient, migrated: str) -> None:
    for _ in range(30):
        assert (await api.get("/health")).status_code == 200
    with psycopg.connect(migrated) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        ).fetchone()
    assert row == (0,)
