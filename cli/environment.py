"""Where a command finds its settings: the environment, then `.env`, then a `tarn up` of the same data directory."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from dotenv import load_dotenv

__all__ = ["load_environment"]


def load_environment() -> None:
    """Complete the environment of this process; what is set already stays.

    `.env` of the working directory is read in every mode. Outside production, where no DATABASE_URL is set, the
    addresses and secrets that `tarn up` wrote to the data directory are taken: so `tarn doctor` or `tarn usage import`
    in a second terminal work on what runs in the first.
    """
    load_dotenv(Path(".env"), override=False)
    if os.environ.get("DATABASE_URL") or os.environ.get("TARN_ENV") == "production":
        return
    running = Path(os.environ.get("TARN_DATA_DIR", ".tarn")) / "environment.json"
    with suppress(OSError, ValueError):
        for name, value in json.loads(running.read_text()).items():
            if isinstance(value, str):
                os.environ.setdefault(name, value)
