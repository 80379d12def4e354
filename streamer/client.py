"""How a program follows a run, every event once and in order: over a WebSocket that may break, or from the journal."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.view import RunView
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.hub import Hub
from prefect_swarm.streamer.protocol import (
    VERSION,
    EventFrame,
    Gap,
    Reset,
    ServerFrame,
    Snapshot,
    Subscribe,
    Update,
    read_frame,
)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
MAX_FRAME = 64 * 1024 * 1024
"""Bytes that a frame may have; the snapshot of 10,000 items has about 12 MB."""
_REFUSED = (401, 403)


class Cursor:
    """A client's place in a run: what it asks for when it connects, and whether a frame is news."""

    def __init__(self, wish: Subscribe) -> None:
        """Begin with what was wished for."""
        self._wish = wish
        self._seq, self._stream = wish.after, wish.stream

    @property
    def wish(self) -> Subscribe:
        """The subscription that goes on where this cursor stands."""
        return self._wish.model_copy(update={"after": self._seq, "stream": self._stream})

    def accept(self, frame: ServerFrame) -> bool:
        """Move on and tell whether the frame is news. Raises Gap where events are missing before it."""
        match frame:
            case Reset():
                self._seq = None
            case Snapshot(run=run):
                self._seq = run.seq if self._seq is None else self._seq
                self._stream = run.stream
            case EventFrame(event=event):
                return self._step(event.seq)
            case _:
                pass
        return True

    def _step(self, seq: int) -> bool:
        if self._seq is not None and seq <= self._seq:
            return False
        if self._seq is not None and seq != self._seq + 1 and self._wish.types is None:
            raise Gap(f"event {self._seq + 1} is missing")
        self._seq = seq
        return True


def backoff(attempt: int) -> float:
    """Seconds to wait before the next attempt: full jitter, so that many clients do not come back at once."""
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))  # noqa: S311 - nothing secret


async def follow(
    url: str, token: str, wish: Subscribe, *, patience: int | None = None
) -> AsyncGenerator[ServerFrame, None]:
    """Give the frames of a subscription, connecting again whenever the connection breaks.

    Raises Unavailable where the token is refused, or after `patience` attempts in a row without an answer.
    """
    cursor, attempt = Cursor(wish), 0
    while True:
        async with aclosing(_until_broken(url, token, cursor)) as frames:
            async for frame in frames:
                attempt = 0
                yield frame
        attempt += 1
        if patience is not None and attempt >= patience:
            raise Unavailable(f"{url} does not answer")
        await asyncio.sleep(backoff(attempt))


async def _until_broken(url: str, token: str, cursor: Cursor) -> AsyncGenerator[ServerFrame, None]:
    try:
        async with aclosing(_connected(url, token, cursor)) as frames:
            async for frame in frames:
                yield frame
    except InvalidStatus as error:
        if error.response.status_code in _REFUSED:
            raise Unavailable(f"{url} refuses us: {(error.response.body or b'').decode().strip()}") from error
    except (OSError, ConnectionClosed, InvalidHandshake, Gap, ValidationError):
        return  # what every network does now and then: the cursor says where to go on


async def _connected(url: str, token: str, cursor: Cursor) -> AsyncGenerator[ServerFrame, None]:
    offers = [VERSION, f"token.{token}"]
    async with connect(url, subprotocols=offers, compression=None, max_size=MAX_FRAME, proxy=None) as connection:  # type: ignore[arg-type]
        await connection.send(cursor.wish.model_dump_json())
        async for text in connection:
            frame = read_frame(text)
            if cursor.accept(frame):
                yield frame


async def follow_journal(journal: Journal, wish: Subscribe) -> AsyncGenerator[ServerFrame, None]:
    """Give the frames of a subscription without a server. Raises RunNotFound."""
    async with aclosing(Hub(journal).frames(wish)) as frames:
        async for text in frames:
            yield read_frame(text)


def merge(view: RunView, update: Update) -> RunView:
    """Replace what an update names."""
    return view.model_copy(
        update={
            "seq": update.after,
            "progress": update.progress,
            "requirements": tuple({one.id: one for one in (*view.requirements, *update.requirements)}.values()),
            "items": tuple({one.id: one for one in (*view.items, *update.items)}.values()),
            "agents": tuple({one.name: one for one in (*view.agents, *update.agents)}.values()),
        }
    )
