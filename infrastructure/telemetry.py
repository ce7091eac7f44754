"""Logs and error reports: structlog for every line of the process, Sentry when `SENTRY_DSN` is set.

One line per event, JSON in production and readable in development. `request_id`, `job_id` and `organization_id` are
bound once (`bound(...)`) and stand on every line written within, also by libraries that use the standard `logging`.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TextIO

import sentry_sdk
import sentry_sdk.crons
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from infrastructure.settings import settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint, MonitorConfig

__all__ = ["bound", "configure_logging", "cron_monitor", "scrubbed", "start_error_reports"]

HIDDEN = "[FILTERED]"
MAX_DEPTH = 12
# Source: handbook, platform 14; `authorization`, `cookie` and `dsn` added. Matched anywhere in a name.
_SECRET_NAME = re.compile(
    r"passw|email|secret|token|_key|crypt|salt|certificate|otp|ssn|authorization|cookie|dsn", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"(\w://[^\s/:@]*):[^\s/@]+@")


def scrubbed(value: Any, depth: int = 0) -> Any:
    """A copy in which values under names of secrets, and passwords inside URLs, are replaced by `[FILTERED]`.

    Deeper than 12 levels everything is hidden. Other types come back as they are."""
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            key: HIDDEN
            if isinstance(key, str) and _SECRET_NAME.search(key) and item is not None
            else scrubbed(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrubbed(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", value)
    return value


def _scrub_line(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    line.pop("color_message", None)  # uvicorn's second copy of its message, with escape codes
    clean: EventDict = scrubbed({key: item for key, item in line.items() if not key.startswith("_")})
    return {**{key: item for key, item in line.items() if key.startswith("_")}, **clean}


def configure_logging(stream: TextIO | None = None) -> None:
    """Sends every log line of the process, of structlog and of `logging`, to one stream (standard error)."""
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    # A traceback with the values of all variables takes seconds, in which the loop stands still, and tells secrets.
    plain = structlog.dev.plain_traceback
    rendering: list[Processor] = (
        [structlog.processors.format_exc_info, _scrub_line, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if settings().production
        else [_scrub_line, structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain)]
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings().log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "dramatiq"):
        library = logging.getLogger(name)
        library.handlers, library.propagate, library.level = [], True, logging.NOTSET
    # Addresses of customers' endpoints at every call are noise, and httpx would log them in full.
    # Alembic tells of every plugin it loads.
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def bound(**values: str) -> Iterator[None]:
    """Puts names such as request_id, job_id, organization_id on every line written inside the block."""
    with structlog.contextvars.bound_contextvars(**values):
        yield


def start_error_reports() -> None:
    """Starts Sentry when `SENTRY_DSN` is set; without it nothing is loaded and nothing is sent."""
    current = settings()
    if not current.sentry_dsn:
        return
    sentry_sdk.init(
        dsn=current.sentry_dsn,
        environment=current.sentry_environment or current.env,
        release=_release(),
        traces_sample_rate=current.sentry_traces_sample_rate,
        before_send=_scrub_report,
    )


@contextmanager
def cron_monitor(slug: str, crontab: str) -> Iterator[None]:
    """Reports the block as one run of a scheduled job: in progress, then ok, or error if it raises.

    Reports only with both `SENTRY_DSN` and `SENTRY_ENABLE_CRONS`; the crontab (UTC) is sent as the monitor's schedule.
    """
    current = settings()
    if not (current.sentry_dsn and current.sentry_enable_crons):
        yield
        return
    monitor: MonitorConfig = {"schedule": {"type": "crontab", "value": crontab}, "timezone": "UTC"}
    with sentry_sdk.crons.monitor(slug, monitor):
        yield


def _scrub_report(event: Event, hint: Hint) -> Event | None:
    report: Event = scrubbed(event, depth=-MAX_DEPTH)
    return report


def _release() -> str | None:
    try:
        return f"tarn@{version('tarn')}"
    except PackageNotFoundError:
        return None
