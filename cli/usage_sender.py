"""Sending events in batches over a few connections, and what became of every line."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from cli.usage_lines import Columns, Line, read_lines

__all__ = ["Outcome", "Stopped", "send_file"]

TRIES = 10
TAKEN = {"transaction_id": ["value_already_exist"]}


class Stopped(Exception):
    """The import cannot go on; the message says why."""


class _Away(Exception):
    """The server did not answer, or is busy: worth another try."""


@dataclass
class Outcome:
    """What became of the lines: how many were stored, were there before, and which were refused and why."""

    stored: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """All refused lines as CSV."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "reason"])
            writer.writerows(sorted(self.refused))


async def send_file(
    path: Path, size: int, columns: Columns, outcome: Outcome, url: str, api_key: str, batch: int, connections: int,
    console: Console,
) -> None:  # fmt: skip
    """Reads the file (`size` bytes) as it is sent, never all of it. Raises UnreadableFile, Stopped."""
    waiting: asyncio.Queue[list[Line] | None] = asyncio.Queue(maxsize=2 * connections)
    bars = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*bars, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(path.name, total=size)
        async with (
            httpx.AsyncClient(
                base_url=url.rstrip("/"),
                headers={"authorization": f"Bearer {api_key}", "content-type": "application/json"},
                limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
                timeout=httpx.Timeout(60, connect=5),
            ) as client,
        ):
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(connections):
                        group.create_task(_sender(client, waiting, outcome))
                    await _read(path, columns, batch, waiting, outcome, lambda taken: progress.advance(task, taken))
                    for _ in range(connections):
                        await waiting.put(None)
            except BaseExceptionGroup as group_of_errors:
                raise _first(group_of_errors) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _read(
    path: Path, columns: Columns, batch: int, waiting: asyncio.Queue[list[Line] | None], outcome: Outcome, read: Any
) -> None:
    lines: list[Line] = []
    for line in read_lines(path, columns, read):
        if line.problem is not None:
            outcome.refused.append((line.number, line.problem))
            continue
        lines.append(line)
        if len(lines) == batch:
            await waiting.put(lines)
            lines = []
    if lines:
        await waiting.put(lines)


async def _sender(client: httpx.AsyncClient, waiting: asyncio.Queue[list[Line] | None], outcome: Outcome) -> None:
    while (lines := await waiting.get()) is not None:
        await _send(client, lines, outcome)


async def _send(client: httpx.AsyncClient, lines: list[Line], outcome: Outcome) -> None:
    """A batch is stored whole or not at all: it is sent again without the lines that were refused or known."""
    while lines:
        errors = await _post(client, lines)
        if not errors:
            outcome.stored += len(lines)
            return
        left = []
        for place, line in enumerate(lines):
            problem = errors.get(str(place))
            if problem is None:
                left.append(line)
            elif problem == TAKEN:
                outcome.known += 1
            else:
                outcome.refused.append((line.number, _sentence(problem)))
        if len(left) == len(lines):
            raise Stopped(f"The server refused a batch: {_sentence(errors)}.")
        lines = left


async def _post(client: httpx.AsyncClient, lines: Sequence[Line]) -> dict[str, Any]:
    """The errors by place, empty when all were stored. Raises Stopped."""
    body = msgspec.json.encode({"events": [line.event for line in lines]})
    attempts = AsyncRetrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.2, max=15),
        retry=retry_if_exception_type(_Away),
        reraise=True,
    )
    try:
        async for attempt in attempts:
            with attempt:
                answer = await _once(client, body)
    except _Away as error:
        raise Stopped(f"The server cannot be reached: {error}.") from None
    if answer.status_code == 200:
        return {}
    if answer.status_code == 401:
        raise Stopped("The server does not know this API key.")
    try:
        errors = answer.json()["error_details"]
    except (json.JSONDecodeError, KeyError, TypeError):
        errors = None
    if answer.status_code != 422 or not isinstance(errors, dict):
        raise Stopped(f"The server answered {answer.status_code}: {answer.text[:200]}.")
    if errors == {"events": ["too_many_events"]}:
        raise Stopped(f"The server takes fewer than {len(lines)} events at once: choose a smaller --batch.")
    return errors


async def _once(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    try:
        answer = await client.post("/api/v1/events/batch", content=body)
    except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise _Away(str(error) or type(error).__name__) from None
    if answer.status_code in (429, 500, 502, 503, 504):
        raise _Away(f"it answered {answer.status_code}")
    return answer


def _sentence(problem: Any) -> str:
    """{"timestamp": ["invalid_format"]} as `timestamp: invalid_format`."""
    if isinstance(problem, dict):
        return "; ".join(f"{name}: {_sentence(codes)}" for name, codes in problem.items())
    if isinstance(problem, list):
        return ", ".join(map(str, problem))
    return str(problem)
