"""The limit: one Starlette route that answers given bytes. `python -m benchmarks.graphql.bare FILE PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(content: bytes) -> Starlette:
    """POST /graphql reads the request's body and answers `content`; GET /health answers 200."""

    async def answer(request: Request) -> Response:
        await request.body()
        return Response(content, media_type="application/json")

    async def health(request: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"]), Route("/health", health)])


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[1]).read_bytes()), host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop",
        http="httptools", access_log=False, server_header=False, timeout_keep_alive=75, backlog=2048,
        log_level="warning",
    )  # fmt: skip
