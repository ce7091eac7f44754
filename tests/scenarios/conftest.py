"""What the scenarios share: the folder with data and cases beside the project, and a running server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation, running

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the project; without it the scenario is skipped."""
    if not SHARED.is_dir():
        pytest.skip("there is no folder `shared` beside the project")
    return SHARED


@pytest.fixture(scope="session")
def installation(shared: Path, plain_environment: dict[str, str]) -> Iterator[Installation]:
    """A `tarn up` for all scenarios of this process."""
    with (
        tempfile.TemporaryDirectory(prefix="tarn-scenario-") as folder,
        running(Path(folder), plain_environment) as one,
    ):
        yield one
