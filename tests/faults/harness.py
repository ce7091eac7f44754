"""What the rounds share: waiting until all is well, and what a round found."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

__all__ = ["PATIENCE", "Round", "kill", "recovered"]

PATIENCE = float(os.environ.get("TARN_FAULT_PATIENCE", "30"))
"""Seconds within which everything is as it should be again: TARN_FAULT_PATIENCE, for machines busy with other work."""


@dataclass
class Round:
    """One kill. `middle`: work was under way when it came. `seconds`: from the kill until all was well."""

    middle: bool = False
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


def kill(pids: Iterable[int]) -> None:
    """kill -9, all at once; those that are gone already do not matter."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def recovered(result: Round, since: float, find: Callable[[], list[str]]) -> None:
    """Asks again and again until nothing is wrong any more, `PATIENCE` seconds from `since` at most."""
    while True:
        try:
            wrong = find()
        except psycopg.Error as error:
            wrong = [f"the database does not answer: {error}"]
        result.seconds = time.monotonic() - since
        if not wrong:
            return
        if result.seconds > PATIENCE:
            result.violations += [f"after {result.seconds:.0f} s: {each}" for each in wrong]
            return
        time.sleep(0.1)
