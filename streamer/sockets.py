"""The WebSocket server: who may connect, and the frames that go to each connection."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from http import HTTPStatus
from socket import socket

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from prefect_swarm.core.errors import SwarmError
from prefect_swarm.streamer.guard import Guard
from prefect_swarm.streamer.hub import Hub
from prefect_swarm.streamer.protocol import VERSION, Subscribe, Trouble, read_wish

MAX_SIZE = 64 * 1024
"""Bytes that a message of a client may have."""
CLOSING = 1.0
"""Seconds that a client is given to say goodbye."""
TOKEN = "token."  # noqa: S105 - the prefix of the sub-protocol that carries it
_LOGGER = logging.getLogger("prefect_swarm.streamer.sockets")
_LOGGER.addFilter(
    lambda record: record.msg != "opening handshake failed"
)  # a stranger's fault, and no news to our user


async def serve_sockets(hub: Hub, guard: Guard, listener: socket) -> Server:
    """Serve the hub's frames on a listening socket; the caller closes the server."""
    port = listener.getsockname()[1]

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        return refusal(connection, request.headers, guard=guard, port=port)

    async def attend(connection: ServerConnection) -> None:
        await Attendant(hub, connection).run()

    return await serve(
        attend,
        sock=listener,
        subprotocols=[Subprotocol(VERSION)],
        process_request=admit,
        max_size=MAX_SIZE,
        compression=None,
        close_timeout=CLOSING,
        server_header=None,
        logger=_LOGGER,
    )


def refusal(connection: ServerConnection, headers: Headers, *, guard: Guard, port: int) -> Response | None:
    """Answer a handshake that may not be: 403 for a foreign Host or Origin, 401 without a token of ours."""
    foreign = guard.foreign(headers.get("Host", ""), headers.get("Origin"), port=port)
    if foreign is not None:
        return connection.respond(HTTPStatus.FORBIDDEN, foreign + "\n")
    if guard.role_of(token_of(headers.get_all("Sec-WebSocket-Protocol"))) is None:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "open the link that `swarm dashboard` prints\n")
    return None


def token_of(offers: Sequence[str]) -> str:
    """Find the token among the offered sub-protocols; empty where there is none."""
    words = [word.strip() for offer in offers for word in offer.split(",")]
    return next((word.removeprefix(TOKEN) for word in words if word.startswith(TOKEN)), "")


class Attendant:
    """Serves one connection: at most one run and the list of runs at a time; a new wish replaces the one before it."""

    def __init__(self, hub: Hub, connection: ServerConnection) -> None:
        """Wait for the first wish."""
        self._hub, self._connection = hub, connection
        self._serving: dict[bool, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Do what the client wishes until it goes."""
        try:
            async for text in self._connection:
                await self._hear(text)
        except ConnectionClosed:
            pass  # however it went: there is nobody to tell
        finally:
            for about_run in tuple(self._serving):
                await self._drop(about_run=about_run)

    async def _hear(self, text: str | bytes) -> None:
        try:
            wish = read_wish(text)
        except SwarmError as error:
            await self._connection.send(Trouble(message=str(error)).model_dump_json())
            return
        about_run = wish.run is not None
        await self._drop(about_run=about_run)
        self._serving[about_run] = asyncio.create_task(self._serve(wish))

    async def _serve(self, wish: Subscribe) -> None:
        try:
            async with aclosing(self._hub.frames(wish)) as frames:
                async for text in frames:
                    await self._connection.send(text)
        except ConnectionClosed:
            pass  # the reader sees it too, and ends this connection
        except SwarmError as error:
            await self._connection.send(Trouble(message=str(error), over=True).model_dump_json())

    async def _drop(self, *, about_run: bool) -> None:
        task = self._serving.pop(about_run, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
