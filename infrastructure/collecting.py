"""Garbage collection in a process that runs for long."""

from __future__ import annotations

import gc

__all__ = ["load", "settle"]

_LOADING, _YOUNG = 100_000, 10_000


def load() -> None:
    """Lets the collector rest while modules are imported: what they make stays, and looking at it again and again takes
    a fifth of a start. Called once, before the imports."""
    gc.set_threshold(_LOADING, 20, 20)


def settle() -> None:
    """Takes all that was made so far out of the collector's sight, and lets it look less often at the rest.

    Modules, types and schemas stay for as long as the process does; to walk through them again and again would cost
    every request a share. Nearly everything that a request makes goes away by itself. Called once, at the end of the
    start.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
