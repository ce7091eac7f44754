"""The API process: GraphQL, REST and the probes as one Starlette application under uvicorn."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from cli.edge import BodyLimit, Counted, cors, failed, refused
from cli.probes import Probes
from infrastructure import database
from infrastructure.collecting import settle
from infrastructure.settings import settings
from infrastructure.telemetry import configure_logging, start_error_reports

__all__ = ["compose", "create_app", "serve"]


# Seconds in which a load balancer sees `/ready` fail and sends its requests elsewhere. Source: handbook, platform 1.
DRAIN = 5.0


def create_app(probes: Probes | None = None) -> Starlette:
    """The whole API. Pools are made by the event loop that uses them and given back when it ends."""
    from domain.kernel.money import install_decimal_context
    from graphql_api.app import graphql_routes
    from rest_api.app import rest_routes
    from tasks.app import install

    install_decimal_context()
    install()
    return compose([*graphql_routes(), *rest_routes()], probes or Probes())


def compose(routes: Sequence[BaseRoute], probes: Probes) -> Starlette:
    """An application of these routes behind the common edge: probes, CORS, body limit, metrics, JSON for the rest.

    When it ends, what waits to be stored is stored while the database is still there.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        from rest_api.api_log import close_api_log, open_api_log
        from rest_api.events import close_ingestion

        open_api_log()
        try:
            yield
        finally:
            await close_api_log()
            await close_ingestion()
            await probes.close()
            await database.close()

    app = Starlette(
        routes=[*probes.routes(), *routes],
        middleware=[
            Middleware(Counted),
            cors(settings()),
            Middleware(BodyLimit, limit=settings().max_body_bytes),
        ],
        exception_handlers={HTTPException: refused, Exception: failed},
        lifespan=lifespan,
    )
    # A path with one slash too many is no path of ours: 404, where Starlette would redirect.
    app.router.redirect_slashes = False
    return app


class _Server(uvicorn.Server):
    """uvicorn that in production says `/ready` no for a while before it stops to listen. A second signal ends it."""

    def __init__(self, config: uvicorn.Config, probes: Probes) -> None:
        super().__init__(config)
        self.probes = probes

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if settings().production and not self.probes.draining:
            self.probes.draining = True
            timer = threading.Timer(DRAIN, super().handle_exit, [sig, None])
            timer.daemon = True
            timer.start()
        else:
            super().handle_exit(sig, frame)


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way get 25 s to finish."""
    from rest_api.events_shortcut import EventsShortcut

    configure_logging()
    start_error_reports()
    probes = Probes()
    app = EventsShortcut(create_app(probes))
    settle()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=25,
        timeout_keep_alive=75,
        backlog=2048,
    )
    _Server(config, probes).run()
