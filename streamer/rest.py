"""REST and the page: what can be asked over HTTP, and by whom."""

import asyncio
from importlib import resources
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from prefect_swarm.core.errors import RunNotFound, SwarmError
from prefect_swarm.core.requirement import Value
from prefect_swarm.core.view import RunView, view_run
from prefect_swarm.journal.history import read_run
from prefect_swarm.streamer.door import PREFIX, Door, problem
from prefect_swarm.streamer.guard import Guard, Role
from prefect_swarm.streamer.hub import Hub
from prefect_swarm.streamer.ports import SERVICE, Address, Health, journal_key
from prefect_swarm.streamer.protocol import Envelope, RunSummary

MEDIA = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
PAGE_LIMIT = 1_000
"""Events that one answer holds at most."""


class Code(Value):
    """A single-use code."""

    code: str


class Session(Value):
    """A token and what it allows."""

    role: Role
    token: str


def make_app(hub: Hub, guard: Guard, address: Address) -> FastAPI:
    """Build the HTTP application of a streamer."""
    app = FastAPI(
        title="prefect-swarm",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        redirect_slashes=False,
    )
    page = page_files(address)
    _add_page(app, page)
    _add_health(app, hub, guard, address)
    _add_runs(app, hub)
    _add_session(app, guard)
    _add_problems(app)
    app.add_middleware(Door, guard=guard, address=address, open_paths=frozenset({"/healthz", *page}))
    return app


def page_files(address: Address) -> dict[str, tuple[bytes, str]]:
    """Read the page, path -> body and media type; it learns the port of the WebSocket from a meta element."""
    folder = resources.files("prefect_swarm.streamer.page")
    files = {
        f"/page/{one.name}": (one.read_bytes(), MEDIA[one.name.rsplit(".", 1)[-1]])
        for one in folder.iterdir()
        if one.name.rsplit(".", 1)[-1] in MEDIA
    }
    html, media = files.pop("/page/index.html")
    return {"/": (html.replace(b"{{websocket}}", str(address.websocket).encode()), media), **files}


def _add_page(app: FastAPI, page: dict[str, tuple[bytes, str]]) -> None:
    async def show(request: Request) -> Response:
        body, media = page[request.url.path]
        return Response(body, media_type=media, headers={"Cache-Control": "no-cache"})

    for path in page:
        app.add_api_route(path, show, methods=["GET"], include_in_schema=False)


def _add_health(app: FastAPI, hub: Hub, guard: Guard, address: Address) -> None:
    key = journal_key(hub.journal.url)

    @app.get("/healthz")
    async def healthz(challenge: Annotated[str, Query(max_length=100)] = "") -> Health:
        """Say who answers here; with a challenge also prove it."""
        proof = guard.proof(challenge) if challenge else ""
        return Health(service=SERVICE, journal=key, websocket=address.websocket, proof=proof)


def _add_runs(app: FastAPI, hub: Hub) -> None:
    journal = hub.journal

    @app.get(f"{PREFIX}/runs")
    async def runs() -> tuple[RunSummary, ...]:
        """List the newest runs."""
        return await asyncio.to_thread(hub.runs)

    @app.get(f"{PREFIX}/runs/{{run}}")
    async def run_view(run: str) -> RunView:
        """Show a run whole."""

        def read() -> RunView:
            now = read_run(journal, journal.find(run))
            return view_run(now.plan, now.state, journal.clock())

        return await asyncio.to_thread(read)

    @app.get(f"{PREFIX}/runs/{{run}}/events")
    async def events(
        run: str, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 100
    ) -> tuple[Envelope, ...]:
        """Give events that follow a number, in order."""

        def read() -> tuple[Envelope, ...]:
            found = journal.records(journal.find(run), after=after, limit=limit)
            return tuple(Envelope.model_validate(record.wire()) for record in found)

        return await asyncio.to_thread(read)


def _add_session(app: FastAPI, guard: Guard) -> None:
    @app.post(f"{PREFIX}/session")
    async def session(code: Code) -> Session:
        """Exchange a single-use code for a token."""
        found = guard.exchange(code.code)
        if found is None:
            raise HTTPException(401, "this link was used or is too old: `swarm dashboard` prints a new one")
        return Session(role=found[0], token=found[1])

    @app.post(f"{PREFIX}/codes")
    async def codes(request: Request) -> Code:
        """Make a single-use code for the role of the token that asks."""
        return Code(code=guard.issue(request.scope["state"]["role"]))


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(SwarmError)
    async def ours(_request: Request, error: SwarmError) -> JSONResponse:
        missing = isinstance(error, RunNotFound)
        return problem(404 if missing else 503, str(error))

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def wrong(_request: Request, error: RequestValidationError) -> JSONResponse:
        places: list[JsonValue] = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return problem(422, "; ".join(map(str, places)))
