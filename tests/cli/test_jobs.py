"""`tarn jobs`: an operator sees what failed and why, and has it done again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner, Result

from cli.jobs import app
from domain.kernel import clock
from domain.kernel.ids import new_id
from infrastructure.settings import settings
from tests.tasks.conftest import *  # noqa: F403  workers as real processes
