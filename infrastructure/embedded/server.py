"""What PostgreSQL and Redis have in common as children: start, readiness, revival, stop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from infrastructure.embedded.home import EmbeddedError, Home
from infrastructure.process import stop

__all__ = ["Notify", "Server"]

Notify = Callable[[str], None]
LOG_LIMIT = 20_000_000


class Server(ABC):
    """One server process. It is started and revived from the main thread, so that it dies with this process."""

    name: str
    # 127.0.0.1; chosen at the first start and kept as long as this object lives.
    port: int | None
    # The signal for an orderly end: all connections are cut, everything is on the disk.
    ending: signal.Signals
    grace: float = 30

    def __init__(self, home: Home, name: str, notify: Notify) -> None:
        self.home = home
        self.name = name
        self.notify = notify
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def spawn(self) -> None:
        """Start the process; it need not answer yet."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server takes work now. Cheap, never raises because the server is away."""

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, attempts: int = 3) -> None:
        """Spawn and wait until the server answers, however long a recovery takes.

        Raises EmbeddedError with the end of the server's log when the process ends instead.
        """
        for attempt in range(1, attempts + 1):
            self.spawn()
            if self.wait():
                return
            if attempt < attempts:
                time.sleep(0.2 * attempt)
        raise EmbeddedError(f"{self.name} does not start. The end of {self.log}:\n{self.last_words()}")

    def wait(self) -> bool:
        """Wait for an answer; False when the process ended instead. Says so every 5 s while it takes long."""
        began = said = time.monotonic()
        pause = 0.01
        while self.alive:
            if self.answers():
                return True
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
            if time.monotonic() - said > 5:
                said = time.monotonic()
                self.notify(f"{self.name} is still recovering after {said - began:.0f} s; nothing is lost, wait")
        return False

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, self.ending, self.grace)

    @property
    def log(self) -> Path:
        return self.home.path / f"{self.name}.log"

    def open_log(self) -> int:
        """The log as a descriptor to append to; begun anew at a start when it has grown beyond 20 MB."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.old"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.home.give(self.log, self.home.owner)
        return descriptor

    def last_words(self, lines: int = 12) -> str:
        """The last lines of the log, for the person at the terminal."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 8_000))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"
