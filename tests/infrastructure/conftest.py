"""A way for these tests to set environment variables that `settings()` then reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from infrastructure.settings import settings

Configure = Callable[..., None]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """`configure(SENTRY_DSN="…")`: the settings of this test alone."""

    def apply(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    apply()
    yield apply
    monkeypatch.undo()
    settings.cache_clear()
