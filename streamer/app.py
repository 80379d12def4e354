"""Serving it all: WebSocket, REST and page in one event loop, in a thread of its own."""

import asyncio
import json
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self
from urllib.request import ProxyHandler, Request, build_opener

import uvicorn

from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.home import state_folder
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.door import PREFIX
from prefect_swarm.streamer.guard import Guard, Role, tokens_in
from prefect_swarm.streamer.hub import Hub
from prefect_swarm.streamer.ports import Address, Place, find_place
from prefect_swarm.streamer.rest import make_app
from prefect_swarm.streamer.sockets import serve_sockets

STOP_SECONDS = 10.0
"""How long the thread is given to end."""


class Streamer:
    """The way out of one journal; where its own streamer already serves in another process, that one is used."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        """Serve nothing before `start`. Raises UsageError where the token file is unfit."""
        self._journal, self._settings = journal, settings
        self._tokens = tokens_in(state_folder(settings))
        self._place: Place | None = None
        self._guard: Guard | None = None
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def joined(self) -> bool:
        """True where another process of ours serves, and this one uses it."""
        return self._place is not None and self._place.sockets is None

    @property
    def avoided(self) -> tuple[str, ...]:
        """Who held the ports that were wanted, each in a sentence."""
        return self._place.avoided if self._place else ()

    def start(self) -> Address:
        """Serve from now on, and give where. Raises Unavailable where no ports are free."""
        self._place = find_place(self._settings, self._journal.url, self._tokens)
        if self._place.sockets is not None:
            self._guard = Guard(self._tokens, http_port=self._place.address.http)
            ready: Future[None] = Future()
            self._thread = threading.Thread(target=self._run, args=(ready,), name="swarm-streamer", daemon=True)
            self._thread.start()
            ready.result()
        return self._place.address

    def stop(self) -> None:
        """Stop serving; clients are told that the server goes away."""
        if self._thread is not None and self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(STOP_SECONDS)
            self._thread = None

    def link(self, role: Role = Role.VIEW) -> str:
        """Give a link to the page that works once. Raises Unavailable where the other process does not answer."""
        if self._place is None:
            raise Unavailable("the dashboard is not being served")
        code = self._guard.issue(role) if self._guard else self._ask_for_code(role)
        return f"{self._place.address.page}/#code={code}"

    def _ask_for_code(self, role: Role) -> str:
        assert self._place is not None  # noqa: S101 - `link` looks
        token = self._tokens.decide if role is Role.DECIDE else self._tokens.view
        url = f"{self._place.address.page}{PREFIX}/codes"
        request = Request(url, b"{}", {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})  # noqa: S310
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=5.0) as answer:
                return str(json.load(answer)["code"])
        except OSError as error:
            raise Unavailable(f"the dashboard at {self._place.address.page} does not answer: {error}") from error

    # -- in the thread ---------------------------------------------------------------------------------------

    def _run(self, ready: "Future[None]") -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(self, ready: "Future[None]") -> None:
        assert self._place is not None and self._place.sockets is not None and self._guard is not None  # noqa: PT018, S101
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        hub = Hub(self._journal)
        for_http, for_stream = self._place.sockets
        async with await serve_sockets(hub, self._guard, for_stream):
            server = uvicorn.Server(_configure(make_app(hub, self._guard, self._place.address)))
            serving = asyncio.create_task(server.serve(sockets=[for_http]))
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells it by a flag only
                await asyncio.sleep(0.005)
            ready.set_result(None)
            await self._ended.wait()
            server.should_exit = True
            await serving


def _configure(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
