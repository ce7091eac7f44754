"""`tarn usage import` against a real server of the events routes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn

from cli.usage_lines import unix_seconds
from infrastructure.process import free_port
from tests.metering_world import World, makers, world

__all__ = ["makers", "world"]

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


@pytest_asyncio.fixture(loop_scope="session")
async def address(world: World) -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(world.app, port=port, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running


async def run(world: World, url: str, file: Path, *more: str, key: str | None = None) -> tuple[int, str]:
    """Exit status and output of the command."""
    arguments = [str(file), "--timestamp-column", "TIMESTAMP", "--url", url, "--api-key", key or world.key, *more]
    if "--code" not in more:
        arguments += ["--code", "tokens"]
    if "--subscription" not in more and "--subscription-column" not in more:
        arguments += ["--subscription", "sub"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", "usage", "import", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_lines_become_events_with_their_exact_numbers_and_times(
    world: World, address: str, tmp_path: Path
) -> None:
    file = tmp_path / "usage.csv"
    file.write_text(HEADER + "2023-11-16 18:17:03.9799600,4808,10\n2023-11-16T20:17:03+02:00,1.10,007\n")
    status, said = await run(
        world, address, file, "--property", "ContextTokens=context", "--property", "GeneratedTokens"
    )
    assert status == 0, said
    assert "2 events stored" in said
    rows = world.rows(
        "SELECT extract(epoch FROM timestamp), properties::text, code, external_subscription_id"
        " FROM events ORDER BY sequence"
    )
    assert rows == [
        (Decimal("1700158623.979960"), '{"context": 4808, "GeneratedTokens": 10}', "tokens", "sub"),
        (Decimal("1700158623.000000"), '{"context": 1.10, "GeneratedTokens": "007"}', "tokens", "sub"),
    ]


async def test_started_again_it_stores_only_what_is_missing(world: World, address: str, tmp_path: Path) -> None:
    file = tmp_path / "again.csv"
    lines = [f"2023-11-16 18:17:{n % 60:02d}.1234567,{n},1\n" for n in range(250)]
    file.write_text(HEADER + "".join(lines[:120]))
    first = await run(world, address, file, "--property", "ContextTokens", "--batch", "50")
    assert "120 events stored" in first[1]
    file.write_text(HEADER + "".join(lines))
    status, said = await run(world, address, file, "--property", "ContextTokens", "--batch", "100")
    assert status == 0
    assert "130 events stored, 120 were there already, 0 lines refused" in said
    counted = world.rows("SELECT count(*) FROM events WHERE organization_id = %s", world.tenant.organization_id)
    assert counted == [(250,)]


async def test_refused_lines_are_reported_with_their_reason(world: World, address: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(
        "TIMESTAMP,who,n\n2023-11-16 18:17:03,a,1\nyesterday,a,2\n2023-11-16 18:17:03,,3\n2023-11-16 18:17:03,b\n"
        f"2023-11-16 18:17:03,{'x' * 300},5\n2023-11-16 18:17:04,b,6\n"
    )
    report = tmp_path / "report.csv"
    status, said = await run(
        world, address, file, "--subscription-column", "who", "--property", "n", "--report", str(report)
    )
    assert status == 1
    assert "2 events stored, 0 were there already, 4 lines refused" in said
    assert report.read_text().splitlines() == [
        "line,reason", "3,TIMESTAMP is no time: 'yesterday'", "4,who is empty",
        "5,2 cells where 3 columns are named", "6,external_subscription_id: value_is_too_long",
    ]  # fmt: skip


async def test_what_cannot_work_is_said_in_a_sentence(world: World, address: str, tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text(HEADER + "2023-11-16 18:17:03,1,1\n")
    assert "has no column nope" in (await run(world, address, file, "--property", "nope"))[1]
    assert "does not know this API key" in (await run(world, address, file, key="wrong"))[1]
    both = await run(world, address, file, "--subscription", "s", "--subscription-column", "TIMESTAMP")
    assert both[0] == 1
    assert "either --subscription or --subscription-column" in both[1]
    file.write_bytes(HEADER.encode() + b"2023-11-16 18:17:03,\xff,1\n")
    assert "is not UTF-8" in (await run(world, address, file))[1]
    file.write_text("")
    assert "is empty" in (await run(world, address, file))[1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2023-11-16 18:17:03.9799600", "1700158623.9799600"),
        ("2024-01-01T00:00+02:00", "1704060000"),
        ("1969-12-31 23:59:58.25", "-1.75"),
        ("1969-12-31 23:59:59.5", "-0.5"),
        ("12.5", "12.5"),
        ("2024-13-01", None),
        ("soon", None),
    ],
)
def test_times_are_read_without_losing_a_digit(text: str, seconds: str | None) -> None:
    assert unix_seconds(text) == seconds
