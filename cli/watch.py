"""`swarm watch RUN`: follow a run live, in whichever process it goes on."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from prefect_swarm.cli.display import EVERY, Screen
from prefect_swarm.cli.outcome import EXIT_CODES
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.summary import summary
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.core.state import RunStatus
from prefect_swarm.core.view import RunView
from prefect_swarm.journal.home import open_journal, state_folder
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.client import follow, follow_journal, merge
from prefect_swarm.streamer.guard import tokens_in
from prefect_swarm.streamer.ports import locate
from prefect_swarm.streamer.protocol import EventFrame, Reset, ServerFrame, Snapshot, Subscribe, Trouble, Update


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", nargs="?", default="last", help="id of the run, the beginning of one, or `last`")
    parser.epilog = "With --json each frame of the stream is one line of JSON."
    parser.add_argument("--no-progress", action="store_true", help="one line per event instead of a screen")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Follow the run until it has ended; the exit code tells how. Raises RunNotFound."""
    settings = settings_from(os.environ)
    journal = open_journal(settings)
    run_id = journal.find(arguments.run)
    screen = Screen(output.console, live=False if arguments.no_progress or output.json_only else None)
    watcher = Watcher(screen, output)
    wish = Subscribe(run=run_id, after=None if screen.live else 0)
    with suppress(KeyboardInterrupt):
        asyncio.run(watcher.watch(frames_of(journal, settings, wish)))
    return watcher.exit_code


async def frames_of(journal: Journal, settings: Settings, wish: Subscribe) -> AsyncGenerator[ServerFrame, None]:
    """Give the frames of a run: from the streamer where one answers, else straight from the journal."""
    tokens = tokens_in(state_folder(settings))
    address = await asyncio.to_thread(locate, settings, journal.url, tokens)
    frames = follow(address.stream, tokens.view, wish) if address else follow_journal(journal, wish)
    async with aclosing(frames):
        async for frame in frames:
            yield frame


class Watcher:
    """What a terminal knows of a run that it watches."""

    def __init__(self, screen: Screen, output: Output) -> None:
        """Know nothing before the first snapshot."""
        self._screen, self._output = screen, output
        self._view: RunView | None = None
        self._alive = True
        self._seen = 0
        self._void = False

    @property
    def exit_code(self) -> int:
        """The exit code that fits what is known now; 130 where the watching was broken off."""
        status = RunStatus.INTERRUPTED if self._view is None else self._view.progress.status
        return EXIT_CODES[status if status.ended else RunStatus.INTERRUPTED]

    async def watch(self, frames: AsyncGenerator[ServerFrame, None]) -> None:
        """Show the frames until the run has ended, then its summary."""
        self._screen.open()
        drawing = asyncio.create_task(self._draw())
        try:
            await self._take_all(frames)
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)
            self._draw_once()
            self._screen.close()
        if self._view is not None and not self._output.json_only:
            self._screen.console.print(summary(self._view))

    async def _take_all(self, frames: AsyncGenerator[ServerFrame, None]) -> None:
        async with aclosing(frames):
            async for frame in frames:
                self._take(frame)
                if self._over:
                    return

    def _take(self, frame: ServerFrame) -> None:
        if self._output.json_only:
            sys.stdout.write(frame.model_dump_json() + "\n")
            sys.stdout.flush()
        match frame:
            case Reset():
                self._void = True
            case Snapshot():
                self._view, self._alive = frame.run, frame.alive
                self._seen, self._void = frame.run.seq if self._void else self._seen, False
            case Update() if self._view is not None:
                self._view, self._alive = merge(self._view, frame), frame.alive
            case EventFrame(event=event):
                self._seen = event.seq
                if not self._output.json_only:
                    self._screen.tell(event)
            case Trouble(message=message) if self._view is None or frame.over:
                raise UsageError(message)
            case Trouble(message=message):
                self._output.tell(message)
            case _:
                pass

    @property
    def _over(self) -> bool:
        """True where the run has ended and, on plain output, all its events were told."""
        view = self._view
        return view is not None and view.progress.status.ended and (self._screen.live or self._seen >= view.seq)

    async def _draw(self) -> None:
        while True:
            self._draw_once()
            await asyncio.sleep(EVERY)

    def _draw_once(self) -> None:
        if self._view is not None:
            self._screen.draw(self._view, time.time(), alive=self._alive)
