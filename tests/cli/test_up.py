"""`tarn up` as a newcomer and a careless operator meet it: a real one, on an empty directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from infrastructure.process import children_in_directory, free_port, port_is_free

pytestmark = [pytest.mark.faults, pytest.mark.slow]


class Up:
    """One `tarn up`, its output in a file."""

    def __init__(self, place: Path, port: int, env: dict[str, str]) -> None:
        self.place, self.port = place, port
        self.output = place.parent / f"output-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "cli.main", "up", "--no-demo", "--port", str(port), "--data-dir", str(place)]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                command, stdout=file, stderr=file, env=env, cwd=place.parent, start_new_session=True
            )

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def until_healthy(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said()
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.said())

    def until(self, text: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def database(self) -> psycopg.Connection:
        return psycopg.connect(json.loads((self.place / "environment.json").read_text())["DATABASE_URL"])

    def descendants(self) -> list[int]:
        """Every living process below this one."""
        parents = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.parent.name)] = int(fields[1])
        found: list[int] = []
        level = {self.process.pid}
        while level := {pid for pid, parent in parents.items() if parent in level}:
            found += level
        return found

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def place() -> Iterator[Path]:
    """A data directory that does not exist yet."""
    with tempfile.TemporaryDirectory(prefix="tarn-up-") as folder:
        yield Path(folder) / "data"


@pytest.fixture
def up(place: Path, plain_environment: dict[str, str]) -> Iterator[Up]:
    """A `tarn up` that answers."""
    one = Up(place, free_port(), plain_environment)
    try:
        one.until_healthy()
        yield one
    finally:
        one.end()


def _gone(pids: list[int], seconds: float = 40) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_with_status_zero(up: Up, how: signal.Signals) -> None:
    below = up.descendants()
    assert len(below) >= 7
    up.process.send_signal(how)
    assert up.process.wait(60) == 0
    assert _gone(below, 2) == []
    assert "Stopped" in up.said()


def test_a_killed_up_leaves_no_process_and_the_next_has_everything(up: Up, plain_environment: dict[str, str]) -> None:
    with up.database() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    below = up.descendants()
    up.process.kill()
    up.process.wait()
    again = Up(up.place, up.port, plain_environment) if _gone(below) == [] else None
    assert again is not None
    try:
        again.until_healthy()
        with again.database() as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        again.end()


@pytest.mark.parametrize("server", ["postgres", "redis-queue", "redis-cache", "redis-store"])
def test_a_killed_server_is_back_and_the_api_healthy_again(up: Up, server: str) -> None:
    directory = up.place / ("postgres/data" if server == "postgres" else server.replace("-", "/"))
    pids = children_in_directory(directory, "postgres" if server == "postgres" else "redis-server")
    parents = [pid for pid in pids if _parent(pid) == up.process.pid]
    assert len(parents) == 1
    os.kill(parents[0], signal.SIGKILL)
    up.until(f"{server} is back")
    up.until_healthy()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_killed_api_is_back(up: Up) -> None:
    (api,) = [pid for pid in up.descendants() if b"\0api\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(api, signal.SIGKILL)
    up.until("was killed by SIGKILL")
    up.until_healthy()


def test_a_second_up_on_the_same_directory_is_refused(up: Up, plain_environment: dict[str, str]) -> None:
    second = Up(up.place, free_port(), plain_environment)
    assert second.process.wait(30) == 1
    assert f"in use by tarn up (process {up.process.pid})" in second.said()
    up.until_healthy()


def test_a_taken_port_is_refused_before_anything_starts(up: Up, place: Path, plain_environment: dict[str, str]) -> None:
    other = place.parent / "other"
    second = Up(other, up.port, plain_environment)
    assert second.process.wait(30) == 1
    assert f"Port {up.port} is taken" in second.said()
    assert not other.exists()
    assert not port_is_free("127.0.0.1", up.port)
