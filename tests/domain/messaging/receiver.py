"""Somebody else's server, on a port of this machine: it notes what it gets and answers as it is told, well or badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Received", "Receiver", "answer", "receiver"]

Answer = Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Received:
    """One request: names of headers in lower case, the body as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` are given in turn; the last one stays."""

    url: str
    answers: list[Answer]
    received: list[Received] = field(default_factory=list)

    def says(self, *answers: Answer) -> None:
        self.answers[:] = answers


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """A proper answer."""

    async def write(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Something", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return write


@asynccontextmanager
async def receiver(*answers: Answer) -> AsyncIterator[Receiver]:
    """A receiver that listens until the block ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            here.received.append(Received(head[0].split(" ")[1], headers, body))
            reply = here.answers.pop(0) if len(here.answers) > 1 else here.answers[0]
            await reply(writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    here = Receiver(f"http://127.0.0.1:{port}/hook", list(answers) or [answer(200)])
    try:
        yield here
    finally:
        server.close()
