"""Receivers as they come: silent, endless, talking nonsense, or not there at all."""

from __future__ import annotations

import asyncio
import socket

import pytest

from infrastructure.settings import settings
from tests.domain.messaging.conftest import House
from tests.domain.messaging.receiver import Answer, Receiver, answer
from tests.domain.messaging.test_delivery import metric


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    """Never quiet for long, never done."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.2)


async def nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff this is no HTTP\r\n\r\n")


async def too_short(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
    for _ in range(90):
        writer.write(b"x" * 100_000)
        await writer.drain()


@pytest.mark.parametrize("badly", [silence, hang_up, drip, nonsense, too_short, endless])
async def test_a_receiver_that_misbehaves_is_a_failure_without_a_status(
    house: House, there: Receiver, badly: Answer
) -> None:
    there.says(badly)
    await house.endpoint(there.url)
    await metric(house)
    await asyncio.wait_for(house.work(), 4)
    row = house.webhook()
    assert (row["status"], row["http_status"], row["retries"]) == ("retrying", None, 1)
    assert row["response"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain; charset=hex", b"zz"),
        ("text/plain; charset=utf-16", b"\xd8\x00\xd8"),
        ("text/plain; charset=no-such-thing", b"\xff\xfe"),
        ("application/json", b"a\x00b"),
        ("text/html", b"\xed\xa0\x80" * 10),
        ("text/plain", b"long " * 100_000),
    ],
)
async def test_an_answer_that_no_column_could_hold_is_kept_as_well_as_can_be(
    house: House, there: Receiver, kind: str, body: bytes
) -> None:
    there.says(answer(200, body, Content_Type=kind, Content_Encoding="gzip"))
    await house.endpoint(there.url)
    await metric(house)
    await house.work()
    row = house.webhook()
    assert row["status"] == "succeeded"
    assert len(row["response"]) <= 10_000


async def test_nobody_listens(house: House) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await house.endpoint(f"http://127.0.0.1:{port}/")
    await metric(house)
    await house.work()
    row = house.webhook()
    assert (row["status"], row["http_status"]) == ("retrying", None)
    assert row["response"].startswith("ConnectError")


@pytest.mark.parametrize(
    "url",
    [
        "http://no-such-name.invalid/", "https://127.0.0.1:1/", "http://user:pass@127.0.0.1:1/", "http://[::1]:1/",
        "http://127.0.0.1:1/\u00fc?q=\u2028", "http://xn--/", "http://exa mple/", "http://x:99999/", "http://a..b/",
        "x",
    ],
)  # fmt: skip
async def test_an_address_that_leads_nowhere_is_a_failure_of_the_delivery(house: House, url: str) -> None:
    """Also one that is not taken today but may stand in the table."""
    endpoint_id = await house.endpoint("http://127.0.0.1:1/")
    house.rows("UPDATE webhook_endpoints SET webhook_url = %(url)s WHERE id = %(id)s", url=url, id=endpoint_id)
    await metric(house)
    await house.work()
    assert house.webhook()["status"] == "retrying"


async def test_private_addresses_are_refused_unless_allowed(
    house: House, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.endpoint(there.url)
    await metric(house)
    monkeypatch.setenv("TARN_ALLOW_PRIVATE_OUTBOUND", "false")
    settings.cache_clear()
    await house.work()
    monkeypatch.undo()
    settings.cache_clear()
    row = house.webhook()
    assert (row["status"], row["http_status"]) == ("retrying", None)
    assert row["response"].startswith("AddressRefused")
    assert there.received == []
