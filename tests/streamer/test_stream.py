"""The WebSocket as a client meets it: real server, real sockets."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.events import AttemptProgressed
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.streamer.client import follow, follow_journal
from prefect_swarm.streamer.guard import Tokens
from prefect_swarm.streamer.protocol import EventFrame, ServerFrame, Snapshot, Subscribe, Update
from prefect_swarm.testing.scenes import Scene, lively, plan_of

Json = dict[str, Any]
SECONDS = 20.0
"""How long anything may take before a test gives up."""
WRITER = """
import sys
from pathlib import Path
from typing import Any
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.scenes import Scene, plan_of
scene = Scene(Journal.at(Path(sys.argv[1])), plan_of(3))
print("begun", flush=True)
sys.stdin.readline()
scene.start(1)
scene.progress(1, 0.5, "from afar")
sys.stdin.readline()
"""


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run an asynchronous test, which may not hang."""

    async def bounded() -> None:
        await asyncio.wait_for(test(), SECONDS)

    asyncio.run(bounded())


@asynccontextmanager
async def connected(settings: Settings, token: str, **headers: str) -> AsyncGenerator[ClientConnection, None]:
    """A bare connection to the streamer."""
    offers = [Subprotocol("swarm.v1"), Subprotocol(f"token.{token}")]
    url = f"ws://127.0.0.1:{settings.websocket_port}"
    async with connect(url, subprotocols=offers, additional_headers=headers, proxy=None, max_size=None) as connection:
        yield connection


async def received(connection: ClientConnection, wanted: Callable[[Json], bool]) -> list[Json]:
    """All frames up to the first wanted one."""
    found: list[Json] = []
    while not found or not wanted(found[-1]):
        found.append(json.loads(await connection.recv()))
    return found


@asynccontextmanager
async def serving(journal: Journal, settings: Settings) -> AsyncGenerator[None, None]:
    """A streamer beside a client in this loop, which goes on while it starts and stops."""
    streamer = Streamer(journal, settings)
    await asyncio.to_thread(streamer.start)
    yield
    await asyncio.to_thread(streamer.stop)


def is_event(seq: int) -> Callable[[Json], bool]:
    """Tell whether a frame carries the event with this number."""
    return lambda frame: frame["type"] == "event" and frame["event"]["seq"] == seq


async def until(frames: AsyncIterator[ServerFrame], wanted: Callable[[ServerFrame], bool]) -> list[ServerFrame]:
    """All frames up to the first wanted one."""
    found = [await anext(frames)]
    while not wanted(found[-1]):
        found.append(await anext(frames))
    return found


@pytest.mark.usefixtures("streamer")
def test_snapshot_then_events_then_update(settings: Settings, tokens: Tokens, scene: Scene) -> None:
    """A client gets the run as it is, then what happens, then what that changed."""

    async def test() -> None:
        async with connected(settings, tokens.view) as connection:
            await connection.send('{"type":"subscribe","run":"last"}')
            first = json.loads(await connection.recv())
            scene.start(1)
            frames = await received(connection, lambda frame: frame["type"] == "update")

        assert connection.subprotocol == "swarm.v1"
        assert (first["type"], first["run"]["seq"], first["alive"]) == ("snapshot", 2, True)
        assert [frame["type"] for frame in frames] == ["event", "event", "update"]
        assert frames[-1]["after"] == 4

    run(test)


@pytest.mark.usefixtures("streamer")
def test_cursor_brings_what_was_missed(settings: Settings, tokens: Tokens, scene: Scene) -> None:
    """A client that comes back with its cursor gets each event after it once and in order."""
    lively(scene)
    newest = scene.journal.last(scene.run_id)[0]

    async def test() -> None:
        async with connected(settings, tokens.view) as connection:
            await connection.send('{"type":"subscribe","run":"scene","after":5,"stream":1}')
            frames = await received(connection, is_event(newest))

        assert [frame["event"]["seq"] for frame in frames[1:]] == list(range(6, newest + 1))

    run(test)


@pytest.mark.usefixtures("streamer", "scene")
@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, "", 401),
        ({}, "wrong", 401),
        ({"Origin": "https://evil.example"}, None, 403),
        ({"Host": "evil.example"}, None, 403),
    ],
    ids=["no token", "wrong token", "foreign origin", "foreign host"],
)
def test_strangers_are_refused_before_the_upgrade(
    settings: Settings, tokens: Tokens, headers: dict[str, str], *, token: str | None, status: int
) -> None:
    """Without our token, or from another site, there is no WebSocket at all."""
    offers = f"swarm.v1, token.{tokens.view if token is None else token}" if token != "" else "swarm.v1"
    lines = {
        "Host": f"127.0.0.1:{settings.websocket_port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": offers,
        **headers,
    }
    request = "GET / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"

    with socket.create_connection(("127.0.0.1", settings.websocket_port), timeout=SECONDS) as peer:
        peer.sendall(request.encode())
        answer = peer.recv(4096).decode()

    assert answer.startswith(f"HTTP/1.1 {status} ")


def test_slow_reader_delays_nobody(streamer: Streamer, settings: Settings, tokens: Tokens, scene: Scene) -> None:
    """While one client reads nothing, another gets thousands of events; the slow one then gets the state."""
    assert streamer.avoided == ()
    total = 3_000
    scene.start(1)

    def write() -> None:
        for number in range(total // 100):
            message = f"{number} " + "x" * 900
            scene.tell(*[scene_progress(scene, message) for _ in range(100)])

    async def test() -> None:
        async with connected(settings, tokens.view) as slow, connected(settings, tokens.view) as quick:
            for connection in (slow, quick):
                await connection.send('{"type":"subscribe","run":"last"}')
            await slow.recv()
            await asyncio.sleep(0)
            writing = asyncio.create_task(asyncio.to_thread(write))
            frames = await received(quick, is_event(4 + total))
            await writing
            late = await received(slow, lambda frame: seen(frame) >= 4 + total)

        assert [frame["event"]["seq"] for frame in frames if frame["type"] == "event"] == list(range(5, 5 + total))
        assert in_order(late)

    run(test)


def scene_progress(scene: Scene, message: str) -> AttemptProgressed:
    """What an agent says."""
    return AttemptProgressed(item=scene.plan.items[0].id, attempt=1, fraction=0.5, message=message)


def seen(frame: Json) -> int:
    """The number up to which a frame brings a client."""
    match frame["type"]:
        case "event":
            return int(frame["event"]["seq"])
        case "snapshot":
            return int(frame["run"]["seq"])
        case _:
            return 0


def in_order(frames: list[Json]) -> bool:
    """Tell whether each event follows on the one before it, or on a snapshot after a reset."""
    cursor: int | None = None
    for frame in frames:
        if frame["type"] == "reset":
            cursor = None
        elif frame["type"] == "event" or (frame["type"] == "snapshot" and cursor is None):
            if frame["type"] == "event" and cursor is not None and seen(frame) != cursor + 1:
                return False
            cursor = seen(frame)
    return True


def another_process(settings: Settings) -> subprocess.Popen[bytes]:
    """A process that writes a run of its own into the journal."""
    command = [sys.executable, "-c", WRITER, settings.home]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.usefixtures("streamer")
def test_run_of_another_process_is_followed(settings: Settings, tokens: Tokens) -> None:
    """What another process commits arrives live, and its end without a goodbye is seen."""

    async def test() -> None:
        with await asyncio.to_thread(another_process, settings) as writer:
            assert writer.stdin is not None
            assert writer.stdout is not None
            await asyncio.to_thread(writer.stdout.readline)  # it has begun
            frames = follow(f"ws://127.0.0.1:{settings.websocket_port}", tokens.view, Subscribe(run="last"))
            first = await anext(frames)
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
            told = await until(frames, lambda frame: isinstance(frame, Update) and frame.after == 5)
            writer.kill()
            writer.wait()
            gone = await until(frames, lambda frame: isinstance(frame, Update) and not frame.alive)
            await frames.aclose()

        assert isinstance(first, Snapshot)
        assert first.alive
        assert [frame.event.seq for frame in told if isinstance(frame, EventFrame)] == [3, 4, 5]
        assert isinstance(gone[-1], Update)
        assert gone[-1].progress.status == "running"

    run(test)


def test_client_goes_on_after_a_restart(journal: Journal, settings: Settings, tokens: Tokens, scene: Scene) -> None:
    """A client whose server restarts gets every event once, also those of the time between."""

    async def test() -> None:
        frames = follow(f"ws://127.0.0.1:{settings.websocket_port}", tokens.view, Subscribe(run="last"))
        async with serving(journal, settings):
            await anext(frames)
            scene.start(1)
            before = await until(frames, lambda frame: isinstance(frame, EventFrame) and frame.event.seq == 4)
        scene.start(2)
        async with serving(journal, settings):
            scene.start(3)
            after = await until(frames, lambda frame: isinstance(frame, EventFrame) and frame.event.seq == 8)
            await frames.aclose()

        assert [frame.event.seq for frame in before + after if isinstance(frame, EventFrame)] == [3, 4, 5, 6, 7, 8]

    run(test)


def test_journal_is_followed_without_a_server(journal: Journal, scene: Scene) -> None:
    """The same frames come straight from the journal."""

    async def test() -> None:
        frames = follow_journal(journal, Subscribe(run="last", after=0))
        first = await until(frames, lambda frame: isinstance(frame, EventFrame) and frame.event.seq == 2)
        scene.start(1)
        then = await until(frames, lambda frame: isinstance(frame, Update))
        await frames.aclose()

        assert first[0].type == "snapshot"
        assert [frame.event.seq for frame in first + then if isinstance(frame, EventFrame)] == [1, 2, 3, 4]

    run(test)


@pytest.mark.usefixtures("streamer", "scene")
@pytest.mark.parametrize("text", ["nonsense", '{"type":"subscribe","run":"nobody"}'])
def test_wrong_wishes_are_answered(settings: Settings, tokens: Tokens, text: str) -> None:
    """A client that asks for nonsense or an unknown run is told so, and may ask again."""

    async def test() -> None:
        async with connected(settings, tokens.view) as connection:
            await connection.send(text)
            refused = json.loads(await connection.recv())
            await connection.send('{"type":"subscribe","run":"last"}')
            answer = json.loads(await connection.recv())

        assert refused["type"] == "error"
        assert answer["type"] == "snapshot"

    run(test)


@pytest.mark.usefixtures("streamer")
def test_list_of_runs_is_live(settings: Settings, tokens: Tokens, journal: Journal) -> None:
    """A client that asks for the list gets it again whenever it changes."""

    async def test() -> None:
        async with connected(settings, tokens.view) as connection:
            await connection.send('{"type":"subscribe","run":null}')
            first = json.loads(await connection.recv())
            await asyncio.to_thread(begin_run, journal)
            then = await received(connection, lambda frame: bool(frame["runs"]))

        assert first["runs"] == []
        assert then[-1]["runs"][0]["run_id"] == "scene-1"

    run(test)


def begin_run(journal: Journal) -> None:
    """Have a run begin."""
    Scene(journal, plan_of(2))


def test_wrong_token_is_told_by_the_client(streamer: Streamer, settings: Settings) -> None:
    """Our client does not knock for ever where it is refused."""
    assert not streamer.joined

    async def test() -> None:
        frames = follow(f"ws://127.0.0.1:{settings.websocket_port}", "wrong", Subscribe(run="last"))
        with pytest.raises(Unavailable, match="refuses us") as caught:
            await anext(frames)

        assert isinstance(caught.value.__cause__, InvalidStatus)

    run(test)
