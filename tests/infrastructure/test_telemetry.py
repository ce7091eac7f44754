from __future__ import annotations

import gzip
import io
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sentry_sdk
import structlog

from infrastructure.telemetry import bound, configure_logging, cron_monitor, scrubbed, start_error_reports
from tests.infrastructure.conftest import Configure

PRODUCTION = {"TARN_ENV": "production", "LAGO_LOG_LEVEL": "info"}


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_production_writes_one_json_object_a_line_with_the_bound_names(configure: Configure) -> None:
    configure(**PRODUCTION)
    stream = io.StringIO()
    configure_logging(stream)
    with bound(request_id="r1", organization_id="o1"):
        structlog.get_logger("tarn").info("invoice_finalized", amount_cents=12, name="Zoë")
        logging.getLogger("uvicorn.error").warning("from a library: %s", "x")
    structlog.get_logger("tarn").info("outside")
    inside, library, outside = lines_of(stream)
    assert inside["event"] == "invoice_finalized"
    assert (inside["request_id"], inside["organization_id"], inside["level"]) == ("r1", "o1", "info")
    assert (inside["amount_cents"], inside["name"]) == (12, "Zoë")
    assert library["event"] == "from a library: x"
    assert library["request_id"] == "r1"
    assert "request_id" not in outside
    assert inside["timestamp"].endswith("Z")


def test_a_traceback_in_development_tells_no_values_of_variables(configure: Configure) -> None:
    configure(TARN_ENV="development")
    stream = io.StringIO()
    configure_logging(stream)
    password = "hunter" + "-2"
    try:
        raise ValueError(len(password))
    except ValueError:
        structlog.get_logger("tarn").exception("failed")
    assert "ValueError: 8" in stream.getvalue()
    assert password not in stream.getvalue()


def test_an_exception_stays_on_one_line(configure: Configure) -> None:
    configure(**PRODUCTION)
    stream = io.StringIO()
    configure_logging(stream)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        structlog.get_logger("tarn").exception("failed")
    (line,) = lines_of(stream)
    assert "ValueError: first" in line["exception"]


def test_secrets_do_not_reach_the_log_from_any_side(configure: Configure) -> None:
    configure(**PRODUCTION)
    stream = io.StringIO()
    configure_logging(stream)
    structlog.get_logger("tarn").info(
        "request",
        parameters={"password": "hunter2", "nested": [{"apiToken": "hunter2", "kept": "yes"}]},
        Authorization="Bearer hunter2",
        url="postgresql://user:hunter2@db/tarn",
    )
    logging.getLogger("library").info("connecting to redis://:hunter2@cache:6379", extra={"client_secret": "hunter2"})
    assert "hunter2" not in stream.getvalue()
    first, _ = lines_of(stream)
    assert first["parameters"]["nested"][0]["kept"] == "yes"


def test_the_level_is_the_setting_and_calls_of_httpx_are_not_logged(configure: Configure) -> None:
    configure(TARN_ENV="production", LAGO_LOG_LEVEL="warning")
    stream = io.StringIO()
    configure_logging(stream)
    structlog.get_logger("tarn").info("quiet")
    structlog.get_logger("tarn").warning("loud")
    logging.getLogger("httpx").info("HTTP Request: POST https://secret.example")
    assert [line["event"] for line in lines_of(stream)] == ["loud"]


def test_development_writes_text_for_people(configure: Configure) -> None:
    configure(TARN_ENV="development", LAGO_LOG_LEVEL="info")
    stream = io.StringIO()
    configure_logging(stream)
    structlog.get_logger("tarn").info("invoice_finalized", number="A-1", password="hunter2")
    assert "invoice_finalized" in stream.getvalue()
    assert "A-1" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        *("password", "password_confirmation", "email", "client_secret", "X-Token", "hmac_key", "encrypted", "salt"),
        *("certificate", "otp", "ssn", "Authorization", "Cookie", "SENTRY_DSN"),
    ],
)
def test_names_of_secrets_hide_their_values(name: str) -> None:
    assert scrubbed({name: "x"}) == {name: "[FILTERED]"}
    assert scrubbed({name: {"deep": "x"}}) == {name: "[FILTERED]"}


def test_other_values_are_left_as_they_are_and_cycles_end() -> None:
    value: dict[Any, Any] = {"amount_cents": 1, "n": None, "list": [1.5, True], 7: "x"}
    assert scrubbed(value) == value
    value["self"] = value
    assert "[FILTERED]" in json.dumps(scrubbed({"cycle": value}), default=str)


class Ingest(ThreadingHTTPServer):
    """A server that takes Sentry envelopes as the real one does: `items` holds (type, body) of what arrived."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.items: list[tuple[str, dict[str, Any]]] = []

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server_address[1]}/1"


class Receiver(BaseHTTPRequestHandler):
    server: Ingest

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = (gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body).split(b"\n")
        for head, item in zip(lines[1::2], lines[2::2], strict=False):
            self.server.items.append((json.loads(head)["type"], json.loads(item)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    server = Ingest()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    server.shutdown()
    server.server_close()
    thread.join()


def arrived(ingest: Ingest, kind: str) -> list[dict[str, Any]]:
    sentry_sdk.flush(5)
    return [item for name, item in ingest.items if name == kind]


def test_without_a_dsn_nothing_is_started(configure: Configure) -> None:
    configure(SENTRY_DSN="")
    start_error_reports()
    assert not sentry_sdk.get_client().is_active()
    with cron_monitor("bill-customers", "10 * * * *"):
        pass


def test_an_error_is_reported_with_its_environment_and_without_secrets(configure: Configure, ingest: Ingest) -> None:
    configure(SENTRY_DSN=ingest.dsn, SENTRY_ENVIRONMENT="staging")
    start_error_reports()
    try:
        password, kept = "hunter2-in-a-local-variable", "kept"
        raise ValueError(f"broken {kept} {len(password)}")
    except ValueError as error:
        sentry_sdk.capture_exception(error)
    (event,) = arrived(ingest, "event")
    assert event["environment"] == "staging"
    assert event["release"].startswith("tarn@")
    assert event["exception"]["values"][0]["type"] == "ValueError"
    variables = event["exception"]["values"][0]["stacktrace"]["frames"][-1]["vars"]
    assert variables["password"] == "[FILTERED]"
    assert variables["kept"] == "'kept'"


def test_a_scheduled_job_checks_in_with_its_crontab(configure: Configure, ingest: Ingest) -> None:
    configure(SENTRY_DSN=ingest.dsn, SENTRY_ENABLE_CRONS="true")
    start_error_reports()
    with cron_monitor("bill-customers", "10 * * * *"):
        pass
    started, ended = arrived(ingest, "check_in")
    assert (started["status"], ended["status"]) == ("in_progress", "ok")
    assert started["monitor_slug"] == ended["monitor_slug"] == "bill-customers"
    assert started["check_in_id"] == ended["check_in_id"]
    assert started["monitor_config"]["schedule"] == {"type": "crontab", "value": "10 * * * *"}


def test_a_scheduled_job_that_fails_checks_in_as_an_error_and_still_fails(configure: Configure, ingest: Ingest) -> None:
    configure(SENTRY_DSN=ingest.dsn, SENTRY_ENABLE_CRONS="true")
    start_error_reports()
    with pytest.raises(ValueError, match="broken"), cron_monitor("bill-customers", "10 * * * *"):
        raise ValueError("broken")
    assert [item["status"] for item in arrived(ingest, "check_in")] == ["in_progress", "error"]


def test_crons_are_silent_until_they_are_switched_on(configure: Configure, ingest: Ingest) -> None:
    configure(SENTRY_DSN=ingest.dsn, SENTRY_ENABLE_CRONS="false")
    start_error_reports()
    with cron_monitor("bill-customers", "10 * * * *"):
        pass
    assert arrived(ingest, "check_in") == []
