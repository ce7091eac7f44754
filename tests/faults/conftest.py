"""Faults, real processes: how often (TARN_FAULT_ROUNDS, 20 by default), and the table at the end.

Each module kills one thing in the middle of work, again and again, and looks whether everything is as it should be
within `PATIENCE` seconds and without help.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.harness import Round
from tests.faults.world import World
from tests.installation import Installation, running

ROUNDS = int(os.environ.get("TARN_FAULT_ROUNDS", "20"))
PROPERTY = "fault"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" in metafunc.fixturenames:
        least = getattr(metafunc.module, "LEAST_ROUNDS", 1)
        metafunc.parametrize("number", range(max(ROUNDS, least)))


@pytest.fixture(scope="session")
def installation(plain_environment: dict[str, str]) -> Iterator[Installation]:
    """A `tarn up` for all rounds. It makes no documents: a thousand of them would take longer than what is tested."""
    variables = {**plain_environment, "LAGO_DISABLE_PDF_GENERATION": "true"}
    with tempfile.TemporaryDirectory(prefix="tarn-fault-") as folder, running(Path(folder), variables) as one:
        yield one


@pytest.fixture(scope="module")
def world(installation: Installation) -> World:
    """An organization with many subscriptions to bill: three chunks of a run."""
    return World(installation, subscriptions=1100)


@pytest.fixture
def judge(record_property: Callable[[str, object], None]) -> Callable[[str, Round], None]:
    """Takes what a round found into the table, and fails the test if anything was violated."""

    def note(fault: str, result: Round) -> None:
        record_property(PROPERTY, [fault, result.seconds, len(result.violations), result.middle])
        assert not result.violations, "\n".join(result.violations)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table: one line a fault."""
    rounds: dict[str, list[tuple[float, int, bool]]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, value in report.user_properties:
                if name == PROPERTY:
                    fault, seconds, violations, middle = value
                    rounds[fault].append((seconds, violations, middle))
    if not rounds:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line(
        f"{'killed':<44}{'rounds':>7}{'in the middle':>15}"
        f"{'recovery s: min':>17}{'median':>8}{'max':>8}{'violations':>12}"
    )
    for fault, found in sorted(rounds.items()):
        seconds = [each[0] for each in found]
        terminalreporter.write_line(
            f"{fault:<44}{len(found):>7}{sum(each[2] for each in found):>15}{min(seconds):>17.1f}"
            f"{statistics.median(seconds):>8.1f}{max(seconds):>8.1f}{sum(each[1] for each in found):>12}"
        )
