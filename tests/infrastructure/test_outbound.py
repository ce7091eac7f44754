from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address

import httpx
import pytest
import pytest_asyncio

from infrastructure.outbound import Address, AddressRefused, ResponseTooLarge, client, is_public
from tests.infrastructure.conftest import Configure

LOOPBACK = ip_address("127.0.0.1")


class Server:
    """A local HTTP server that answers by path and remembers the requests it saw."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(request)
            await self.respond(request.split()[1], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def respond(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/redirect":
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{self.port}/secret\r\n\r\n".encode())
        elif path == "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        elif path == "/silent":
            await asyncio.sleep(3)
        elif path == "/bomb":
            body = gzip.compress(bytes(50_000_000))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    known = Server()
    listening = await asyncio.start_server(known.answer, "127.0.0.1", 0)
    known.port = listening.sockets[0].getsockname()[1]
    yield known
    listening.close()


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
        ),
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1"),
        *("ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("2002:7f00:1::", "2002:a00:1::1"),
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "017700000001", "0", "[::1]", "[::ffff:127.0.0.1]"],
)
async def test_no_spelling_of_this_machine_is_reached(server: Server, host: str) -> None:
    async with client(2, allow_private=False) as http:
        with pytest.raises((AddressRefused, httpx.InvalidURL)):
            await http.post(f"http://{host}:{server.port}/", json={})
    assert server.requests == []


async def test_private_addresses_are_reached_when_the_setting_allows_them(server: Server, configure: Configure) -> None:
    configure(TARN_ALLOW_PRIVATE_OUTBOUND="true")
    async with client() as http:
        assert (await http.get(f"http://localhost:{server.port}/")).text == "ok"
    configure(TARN_ALLOW_PRIVATE_OUTBOUND="false")
    async with client() as http:
        with pytest.raises(AddressRefused):
            await http.get(f"http://localhost:{server.port}/")


async def test_a_refusal_is_a_transport_error_like_other_failures_of_the_network(server: Server) -> None:
    async with client(2, allow_private=False) as http:
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://127.0.0.1:{server.port}/")


async def test_one_private_address_among_public_ones_refuses_the_whole_answer(server: Server) -> None:
    async def mixed(host: str, port: int) -> list[Address]:
        return [ip_address("93.184.216.34"), LOOPBACK]

    async with client(2, allow_private=False, resolve=mixed) as http:
        with pytest.raises(AddressRefused):
            await http.get(f"http://mixed.example:{server.port}/")
    assert server.requests == []


async def test_a_name_is_resolved_once_and_the_judged_address_is_the_one_called(server: Server) -> None:
    asked: list[str] = []

    async def once(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [LOOPBACK]

    async with client(2, allow_private=True, resolve=once) as http:
        answer = await http.get(f"http://rebinding.example:{server.port}/")
    assert answer.text == "ok"
    assert asked == ["rebinding.example"]
    assert f"Host: rebinding.example:{server.port}" in server.requests[0]


async def test_a_name_that_turns_private_between_two_calls_is_refused_at_the_second(server: Server) -> None:
    answers = [[LOOPBACK], [ip_address("10.0.0.1")]]

    async def turning(host: str, port: int) -> list[Address]:
        return answers.pop(0)

    async with client(2, allow_private=False, resolve=turning) as http:
        for _ in range(2):
            with pytest.raises(AddressRefused):
                await http.get(f"http://turning.example:{server.port}/")
    assert server.requests == []


async def test_the_next_address_is_tried_when_one_does_not_answer(server: Server) -> None:
    async def two(host: str, port: int) -> list[Address]:
        return [ip_address("::1"), LOOPBACK]

    async with client(2, allow_private=True, resolve=two) as http:
        assert (await http.get(f"http://two.example:{server.port}/")).text == "ok"


async def test_a_redirect_is_an_answer_and_not_followed(server: Server) -> None:
    async with client(2, allow_private=True) as http:
        assert (await http.get(f"http://127.0.0.1:{server.port}/redirect")).status_code == 302
    assert len(server.requests) == 1


async def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
    async with client(2, allow_private=False) as http:
        with pytest.raises(AddressRefused):
            await http.get("http://127.0.0.2:9/")
    assert server.requests == []


async def test_an_answer_without_end_is_cut_off(server: Server) -> None:
    async with client(2, allow_private=True, max_response_bytes=1_000_000) as http:
        with pytest.raises(ResponseTooLarge):
            await http.get(f"http://127.0.0.1:{server.port}/endless")


async def test_a_compressed_answer_is_not_unpacked(server: Server) -> None:
    async with client(2, allow_private=True) as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/bomb")
    assert len(answer.content) < 1_000_000


async def test_a_silent_server_times_out(server: Server) -> None:
    async with client(0.3, allow_private=True) as http:
        start = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            await http.get(f"http://127.0.0.1:{server.port}/silent")
    assert time.monotonic() - start < 2


async def test_a_name_server_that_does_not_answer_times_out() -> None:
    async def never(host: str, port: int) -> list[Address]:
        await asyncio.sleep(60)
        return []

    async with client(0.2, resolve=never) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.get("http://slow.example/")


@pytest.mark.parametrize("url", ["http://nowhere.invalid/", "http://" + "a" * 64 + ".example/"])
async def test_a_name_that_does_not_exist_is_a_transport_error(url: str) -> None:
    async with client(5) as http:
        with pytest.raises((httpx.TransportError, httpx.InvalidURL)):
            await http.get(url)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "/relative"])
async def test_other_schemes_are_not_spoken(url: str) -> None:
    async with client(2) as http:
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.get(url)
