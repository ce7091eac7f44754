"""The supervisor's children: restarted when they die, ended in order, their lines under their names."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cli.children import Child

COUNT = "import pathlib, sys, time; path = pathlib.Path(sys.argv[1]); path.open('a').write('x'); {then}"


def _child(script: str, *arguments: str) -> tuple[Child, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    return Child("worker", [sys.executable, "-c", script, *arguments], dict(os.environ), "green", console), out


async def _until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        await asyncio.sleep(0.02)
        assert time.monotonic() < deadline, "it did not happen in time"


async def test_a_child_that_dies_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    child, out = _child(COUNT.format(then="sys.exit(3)"), str(starts))
    running = asyncio.create_task(child.run())
    await _until(lambda: starts.exists() and len(starts.read_text()) == 3)
    await child.stop(5)
    running.cancel()
    assert "ended with status 3; starting it again in 0.5 s" in out.getvalue()
    assert "starting it again in 1 s" in out.getvalue()


async def test_a_killed_child_is_started_again_and_named(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    child, out = _child(COUNT.format(then="time.sleep(60)"), str(starts))
    running = asyncio.create_task(child.run())
    await _until(lambda: starts.exists() and child.process is not None)
    assert child.process is not None
    child.process.kill()
    await _until(lambda: len(starts.read_text()) == 2)
    await child.stop(5)
    await running
    assert "was killed by SIGKILL" in out.getvalue()


async def test_what_a_killed_child_left_behind_is_ended_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "import pathlib, subprocess, sys, time;"
        " grandchild = subprocess.Popen(['sleep', '60']);"
        " pathlib.Path(sys.argv[1]).write_text(str(grandchild.pid)); time.sleep(60)"
    )
    child, _ = _child(script, str(pid_file))
    running = asyncio.create_task(child.run())
    await _until(lambda: pid_file.exists() and pid_file.read_text())
    grandchild = int(pid_file.read_text())
    assert child.process is not None
    child.stopping = True
    child.process.kill()
    await running
    await _until(lambda: not _runs(grandchild))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_stop_sends_sigterm_and_waits_for_an_orderly_end(tmp_path: Path) -> None:
    done, ready = tmp_path / "done", tmp_path / "ready"
    script = (
        "import pathlib, signal, sys, time;"
        " signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), pathlib.Path(sys.argv[1]).touch(), sys.exit(0)));"
        " pathlib.Path(sys.argv[2]).touch(); time.sleep(60)"
    )
    child, _ = _child(script, str(done), str(ready))
    running = asyncio.create_task(child.run())
    await _until(ready.exists)
    await child.stop(10)
    await running
    assert done.exists()


async def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    )
    child, out = _child(script, str(ready))
    running = asyncio.create_task(child.run())
    await _until(ready.exists)
    await child.stop(0.2)
    await running
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL
    assert "did not end within 0.2 s" in out.getvalue()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("'plain'", "worker │ plain\n"),
        ("'[bold]kept as it is[/bold]'", "worker │ [bold]kept as it is[/bold]\n"),
        ("'\\x1b[31mred\\x1b[0m'", "worker │ red\n"),
        ("'no end', end=''", "worker │ no end\n"),
    ],
)
async def test_lines_are_shown_under_the_childs_name(written: str, shown: str) -> None:
    child, out = _child(f"print({written})")
    running = asyncio.create_task(child.run())
    await _until(lambda: "ended with status" in out.getvalue())
    child.stopping = True
    running.cancel()
    assert shown in out.getvalue()


async def test_an_endless_line_does_not_fill_the_memory_or_stop_the_output() -> None:
    child, out = _child("print('x' * 1_000_000); print('after')")
    running = asyncio.create_task(child.run())
    await _until(lambda: "ended with status" in out.getvalue())
    child.stopping = True
    running.cancel()
    assert out.getvalue().count("x") >= 1_000_000
    assert "worker │ after\n" in out.getvalue()
