"""What travels between streamer and clients, and which client is owed which frame. No input or output happens here.

A `Channel` is one run as everybody sees it: the folded state and the latest frames, each encoded once. A
`Subscriber` is one client's place in it. Clients have no queue of their own: each *pulls* what is due from its
place on, so a slow one costs nobody anything. Whoever falls behind the kept frames has lost detail, never
state: `reset` and a snapshot come, then what happens later.

    client                              server
    subscribe {run, after, stream}  ->
                                    <-  reset          only where the cursor means another history
                                    <-  snapshot       the run as it is now
                                    <-  event ...      each with seq > after, once and in order
                                    <-  update ...     what events changed; replaces what it names
"""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from prefect_swarm.core.errors import SwarmError, UsageError
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.requirement import Value
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.core.view import RunUpdate, RunView, touched, view_run, view_update

VERSION = "swarm.v1"
"""The WebSocket sub-protocol that the server answers with."""
BACKLOG = 1_000
"""Frames that a channel keeps, and so how far a client may fall behind."""
BATCH = 100
"""Frames that a client is given at once."""


class Subscribe(Value):
    """What a client wants: a run (id, prefix or `last`; None: the list of runs), from a cursor on, some types only."""

    type: Literal["subscribe"] = "subscribe"
    run: str | None = Field(default=None, max_length=200)
    after: int | None = Field(default=None, ge=0)
    stream: int | None = None
    types: tuple[str, ...] | None = None


class Snapshot(Value):
    """The run as it is now; `alive` tells whether somebody executes it, `at` is the server's clock."""

    type: Literal["snapshot"] = "snapshot"
    at: float
    alive: bool
    run: RunView


class Envelope(Value):
    """An event as it travels."""

    run_id: RunId
    stream: int
    seq: int
    at: float
    type: str
    data: dict[str, JsonValue]


class EventFrame(Value):
    """One event."""

    type: Literal["event"] = "event"
    event: Envelope


class Update(RunUpdate):
    """What the events up to `after` changed; replaces the requirements, items and agents that it names."""

    type: Literal["update"] = "update"
    at: float
    alive: bool


class Reset(Value):
    """What the client knows is void; a snapshot follows."""

    type: Literal["reset"] = "reset"


class Trouble(Value):
    """Something is wrong with the request or with the journal; where it is `over`, nothing more comes for the wish."""

    type: Literal["error"] = "error"
    message: str
    over: bool = False


class RunSummary(Value):
    """A run in one line."""

    run_id: RunId
    project: str
    created: float
    status: RunStatus
    percent: float
    rehearsal: bool
    alive: bool


class Runs(Value):
    """The newest runs, the newest first."""

    type: Literal["runs"] = "runs"
    runs: tuple[RunSummary, ...]


ServerFrame = Snapshot | EventFrame | Update | Reset | Trouble | Runs
_SERVER: TypeAdapter[ServerFrame] = TypeAdapter(Annotated[ServerFrame, Field(discriminator="type")])


def read_wish(text: str | bytes) -> Subscribe:
    """Read what a client sent. Raises UsageError where it makes no sense."""
    try:
        return Subscribe.model_validate_json(text)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}" for one in error.errors())
        raise UsageError(f"not a subscription: {wrong}") from error


def read_frame(text: str | bytes) -> ServerFrame:
    """Read what the server sent. Raises pydantic.ValidationError where it is no frame of this version."""
    return _SERVER.validate_json(text)


def encode_event(record: Record) -> str:
    """Give a record as the frame that carries it."""
    return json.dumps({"type": "event", "event": record.wire()}, ensure_ascii=False, separators=(",", ":"))


class Gap(SwarmError):
    """Records are missing between what a channel knows and what it was given."""


class Turned(SwarmError):
    """History was turned back or given another plan: what a channel knows is void."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded message; `seq` and `kind` only where it carries an event."""

    text: str
    seq: int = 0
    kind: str = ""


class Channel:
    """One run as all its subscribers see it."""

    def __init__(self, plan: Plan, state: RunState, *, backlog: int = BACKLOG) -> None:
        """Start from a folded state, with no frame kept."""
        self.plan, self.state, self.alive = plan, state, True
        self.generation = 0
        """Grows when history changes and every subscriber must start anew."""
        self.end = 0
        """Frames so far, also those no longer kept: the place of the next one."""
        self._frames: deque[Frame] = deque(maxlen=backlog)
        self._pending: list[Record] = []
        self._shown_alive = True
        self._head = self._head_now

    @property
    def _head_now(self) -> tuple[int, str]:
        return self.state.max_parallel, self.state.output

    @property
    def start(self) -> int:
        """Place of the oldest frame that is kept."""
        return self.end - len(self._frames)

    @property
    def floor(self) -> int:
        """The seq after which all events are kept here."""
        return next((frame.seq - 1 for frame in self._frames if frame.seq), self.state.seq)

    def take(self, records: Sequence[Record]) -> bool:
        """Fold the records that are new and keep their frames; tells whether there were any.

        Raises Gap where some are missing between, Turned where they are of another stream, and JournalError where one
        cannot follow.
        """
        fresh = tuple(record for record in records if record.seq > self.state.seq)
        if not fresh:
            return False
        if fresh[0].seq != self.state.seq + 1:
            raise Gap(f"events {self.state.seq + 1} to {fresh[0].seq - 1} are missing")
        if self.state.seq and fresh[-1].stream != self.state.stream:
            raise Turned("history has changed")
        self.state = fold(self.state, fresh)
        self._pending.extend(fresh)
        for record in fresh:
            self._keep(Frame(encode_event(record), record.seq, record.event.type))
        return True

    def restart(self, plan: Plan, state: RunState) -> None:
        """Begin anew with another history."""
        self.plan, self.state = plan, state
        self._head = self._head_now
        self.generation += 1
        self._frames.clear()
        self._pending.clear()

    def settle(self, now: float) -> bool:
        """Say in one update what the records since the last one changed; tells whether anything did."""
        if not self._pending and self.alive == self._shown_alive:
            return False
        self._keep(Frame(self._change(now)))
        self._pending.clear()
        self._shown_alive = self.alive
        return True

    def _change(self, now: float) -> str:
        if self._head != self._head_now:  # what an update does not carry: show the run whole
            self._head = self._head_now
            return self.snapshot(now)
        update = view_update(self.plan, self.state, touched(tuple(self._pending)), now)
        return Update(at=now, alive=self.alive, **dict(update)).model_dump_json()

    def complain(self, message: str) -> None:
        """Tell the subscribers of something wrong."""
        self._keep(Frame(Trouble(message=message).model_dump_json()))

    def snapshot(self, now: float) -> str:
        """Give the frame that shows the run as it is."""
        return Snapshot(at=now, alive=self.alive, run=view_run(self.plan, self.state, now)).model_dump_json()

    def kept(self, place: int, limit: int) -> list[Frame]:
        """Give at most `limit` frames from a place on, which must not lie before `start`."""
        left = self.end - place
        return list(islice(reversed(self._frames), left))[::-1][:limit]

    def _keep(self, frame: Frame) -> None:
        self._frames.append(frame)
        self.end += 1


class Subscriber:
    """One client's place in a channel."""

    def __init__(self, channel: Channel, wish: Subscribe) -> None:
        """Stand before the first frame; `due` gives the snapshot first."""
        self._channel, self._wish = channel, wish
        self._generation = -1
        self._seq = 0
        self._place = 0
        self._fresh = 0

    @property
    def missing(self) -> int | None:
        """The seq after which records must be read from the journal and given to `replay`; None where all are kept."""
        return self._seq if self._place < 0 else None

    def due(self, now: float) -> list[str]:
        """Give the frames to send now, at most a batch, and move on; empty where nothing is due."""
        if self._generation < 0:
            return self._begin(now)
        if self._generation != self._channel.generation or 0 <= self._place < self._channel.start:
            return [Reset().model_dump_json(), self._anew(now)]
        return [] if self._place < 0 else self._next()

    def replay(self, records: Sequence[Record], now: float) -> list[str]:
        """Give the frames for records of the past; once they meet what is kept, go on from there."""
        fresh = [record for record in records if record.seq > self._seq]
        self._seq = fresh[-1].seq if fresh else self._seq
        frames = [encode_event(record) for record in fresh if self._wanted(record.event.type)]
        return frames + self._meet(now)

    def _begin(self, now: float) -> list[str]:
        state, after = self._channel.state, self._wish.after
        if after is None:
            return [self._anew(now)]
        if after > state.seq or self._wish.stream not in {None, state.stream}:
            return [Reset().model_dump_json(), self._anew(now)]
        shown = self._anew(now)
        self._seq, self._place = after, -1
        return [shown, *self._meet(now)]

    def _anew(self, now: float) -> str:
        self._generation = self._channel.generation
        self._seq = self._channel.state.seq
        self._place = self._fresh = self._channel.end
        return self._channel.snapshot(now)

    def _meet(self, now: float) -> list[str]:
        """Go over to the kept frames if they reach back to the cursor."""
        if self._seq < self._channel.floor:
            return []
        self._place = self._channel.start
        if self._fresh >= self._place:
            return []
        self._fresh = self._channel.end  # updates went by unseen meanwhile: show the state they led to
        return [self._channel.snapshot(now)]

    def _next(self) -> list[str]:
        frames = self._channel.kept(self._place, BATCH)
        places = range(self._place, self._place + len(frames))
        self._place += len(frames)
        due = [frame.text for place, frame in zip(places, frames, strict=True) if self._owed(place, frame)]
        self._seq = max([self._seq, *(frame.seq for frame in frames)])
        return due

    def _owed(self, place: int, frame: Frame) -> bool:
        return frame.seq > self._seq and self._wanted(frame.kind) if frame.seq else place >= self._fresh

    def _wanted(self, kind: str) -> bool:
        return self._wish.types is None or kind in self._wish.types
