"""Outbound HTTP to addresses that others chose: webhooks, payment providers, integrations.

Names are resolved here, every address of the answer is judged, and the connection goes to an address that was judged:
a name that answers differently the second time (DNS rebinding) gains nothing. Redirects are not followed and proxies
of the environment are not used. Private, loopback, link-local and other special addresses are refused unless
`TARN_ALLOW_PRIVATE_OUTBOUND` is true.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from time import monotonic
from typing import cast

import httpcore
import httpx

from infrastructure.settings import settings

__all__ = ["AddressRefused", "ResponseTooLarge", "client", "is_public"]

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[Address]]]
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

MAX_RESPONSE_BYTES = 5_000_000
NAT64 = IPv6Network("64:ff9b::/96")
USER_AGENT = "Tarn"


class AddressRefused(httpx.ConnectError):
    """The name leads to an address that is not on the public internet. No connection was made."""


class ResponseTooLarge(httpx.ReadError):
    """The answer was longer than MAX_RESPONSE_BYTES; the connection was closed."""


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, also when an IPv4 address travels inside an IPv6 one."""
    if isinstance(address, IPv6Address):
        inner: Iterable[IPv4Address | None] = (
            address.ipv4_mapped,
            address.sixtofour,
            address.teredo[1] if address.teredo else None,
            IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None,
        )
        if any(embedded is not None and not is_public(embedded) for embedded in inner):
            return False
        if address.ipv4_mapped is not None or address in NAT64:
            return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def client(
    timeout: float | None = None,
    *,
    allow_private: bool | None = None,
    resolve: Resolver | None = None,
    max_response_bytes: int = MAX_RESPONSE_BYTES,
) -> httpx.AsyncClient:
    """An HTTP client for outbound calls; close it, or use it as a context manager.

    `timeout`: seconds for connecting, reading and writing, each (default `LAGO_WEBHOOK_TIMEOUT_SECONDS`); a caller
    that needs a limit on the whole call sets one around it. Refusals are AddressRefused and ResponseTooLarge, both
    httpx.TransportError like every other failure of the network. Answers are taken as sent, never decompressed.
    """
    current = settings()
    private = current.allow_private_outbound if allow_private is None else allow_private
    return httpx.AsyncClient(
        transport=_GuardedTransport(_GuardedBackend(private, resolve or _resolve), max_response_bytes),
        timeout=httpx.Timeout(current.webhook_timeout_seconds if timeout is None else timeout),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
    )


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise httpx.ConnectError(f"the name {host!r} does not resolve") from error
    # A scope such as %eth0 is only ever found on link-local addresses.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects httpcore to judged addresses. TLS still checks the certificate against the name, as it should."""

    def __init__(self, allow_private: bool, resolve: Resolver) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        deadline = None if timeout is None else monotonic() + timeout
        try:
            addresses = await asyncio.wait_for(self._resolve(host, port), timeout)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"the name {host!r} did not resolve in time") from error
        # One private address among public ones is no accident: the whole answer is refused.
        if not self._allow_private and not all(map(is_public, addresses)):
            raise AddressRefused(f"{host!r} leads to an address that is not public")
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError(f"{host!r} has no address")
        for address in addresses:
            left = None if deadline is None else max(0.001, deadline - monotonic())
            try:
                return await self._network.connect_tcp(str(address), port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's interface
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused("sockets of this machine are not outbound addresses")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Whom TLS trusts. Reading that takes tens of milliseconds of the event loop: once a process, not once a call."""
    return httpx.create_ssl_context()


class _GuardedTransport(httpx.AsyncHTTPTransport):
    def __init__(self, backend: _GuardedBackend, max_response_bytes: int) -> None:
        super().__init__(verify=_certificates())
        self._max_response_bytes = max_response_bytes
        # httpx offers no argument for the network backend; its pool is one attribute of its own transport.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_certificates(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        # Compression was not asked for. Unpacking it anyway would let a small answer fill the memory.
        if "content-encoding" in response.headers:
            del response.headers["content-encoding"]
        body = cast(httpx.AsyncByteStream, response.stream)
        response.stream = _LimitedStream(body, self._max_response_bytes, request)
        return response


class _LimitedStream(httpx.AsyncByteStream):
    def __init__(self, body: httpx.AsyncByteStream, limit: int, request: httpx.Request) -> None:
        self._body, self._limit, self._request = body, limit, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for part in self._body:
            taken += len(part)
            if taken > self._limit:
                raise ResponseTooLarge(f"the answer is longer than {self._limit} bytes", request=self._request)
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()
