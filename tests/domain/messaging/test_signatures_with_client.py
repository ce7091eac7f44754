"""A receiver as Lago's client library makes one: it fetches the public key from the running API and checks with it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import jwt as pyjwt
import pytest
import pytest_asyncio
from lago_python_client import Client
from lago_python_client.exceptions import LagoApiError

from infrastructure.process import free_port, spawn, stop
from tests.domain.messaging.conftest import House
from tests.domain.messaging.receiver import Receiver
from tests.domain.messaging.test_delivery import metric


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api_url(
    migrated: str, environment: dict[str, str], plain_environment: dict[str, str], project_root: Path
) -> AsyncIterator[str]:
    """The address of `tarn api` in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "cli.main", "api", "--port", str(port)]
    process = spawn(command, where=project_root, death=signal.SIGKILL, env={**plain_environment, **environment})
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(300):
                try:
                    if (await client.get(f"{url}/health")).status_code == 200:
                        break
                except httpx.ConnectError:
                    pass
                assert process.poll() is None, "the API ended"
                await asyncio.sleep(0.1)
        yield url
    finally:
        stop(process, signal.SIGTERM, 10)


async def test_the_clients_public_key_opens_the_signature(api_url: str, house: House, there: Receiver) -> None:
    await house.endpoint(there.url)
    metric_id = await metric(house)
    await house.work()
    (got,) = there.received
    key = await asyncio.to_thread(Client(house.api_key, api_url).webhooks.public_key)
    claims = pyjwt.decode(got.headers["x-lago-signature"], key, algorithms=["RS256"], options={"require": ["data"]})
    assert claims["data"].encode() == got.body
    assert json.loads(claims["data"])["billable_metric"]["lago_id"] == str(metric_id)


async def test_another_bodys_signature_does_not_pass(api_url: str, house: House, there: Receiver) -> None:
    await house.endpoint(there.url)
    await metric(house)
    await metric(house, "other")
    await house.work()
    first, second = there.received
    key = await asyncio.to_thread(Client(house.api_key, api_url).webhooks.public_key)
    assert pyjwt.decode(first.headers["x-lago-signature"], key, algorithms=["RS256"])["data"].encode() != second.body
    head, _, signature = second.headers["x-lago-signature"].rpartition(".")
    forged = f"{first.headers['x-lago-signature'].rpartition('.')[0]}.{signature}"
    with pytest.raises(pyjwt.InvalidSignatureError):
        pyjwt.decode(forged, key, algorithms=["RS256"])
    assert head


async def test_the_public_key_asks_for_an_api_key(api_url: str) -> None:
    with pytest.raises(LagoApiError) as caught:
        await asyncio.to_thread(Client("nothing", api_url).webhooks.public_key)
    assert caught.value.status_code == 401
