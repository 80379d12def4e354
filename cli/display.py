"""What keeps the terminal up to date while a run goes on, without ever making the run wait."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.live import Live

from prefect_swarm.cli.render import plain_line, screen
from prefect_swarm.core.events import Record
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.state import RunState
from prefect_swarm.core.view import RunView, view_run
from prefect_swarm.streamer.protocol import Envelope

EVERY = 0.25
"""Seconds between two drawings."""
QUIET = frozenset({"prefect_state_changed", "item_ready"})
"""Events that plain output leaves out."""


class Screen:
    """Draws a run's view on a terminal; without one, tells events line by line."""

    def __init__(self, console: Console, *, live: bool | None = None) -> None:
        """Draw where the console is a terminal and colours are wanted, unless `live` says otherwise."""
        self.console = console
        self.live = (console.is_terminal and not console.no_color) if live is None else live
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop") if self.live else None

    def open(self) -> None:
        """Take the screen."""
        if self._live is not None:
            self._live.start()

    def close(self) -> None:
        """Leave the last drawing standing and give the screen back."""
        if self._live is not None:
            self._live.stop()

    def draw(self, view: RunView, now: float, *, alive: bool = True) -> None:
        """Show the run as it is; does nothing without a screen."""
        if self._live is not None:
            self._live.update(screen(view, now, height=self.console.size.height, alive=alive), refresh=True)

    def tell(self, event: Envelope) -> None:
        """Print an event as a line; does nothing on a screen."""
        if self._live is None and event.type not in QUIET:
            self.console.print(plain_line(event), markup=False, highlight=False, soft_wrap=True)


class ProgressDisplay:
    """Shows a run of this process: `on_records` listens to the journal's feed, a thread of its own draws."""

    def __init__(
        self,
        plan: Plan,
        console: Console,
        *,
        state: RunState,
        live: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with the state that the first records will follow."""
        self._plan, self._state, self._clock = plan, state, clock
        self._screen = Screen(console, live=live)
        self._lock = threading.Lock()
        self._arrived: list[Record] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="swarm-progress", daemon=True)

    def __enter__(self) -> Self:
        """Take the screen and begin to draw."""
        self._screen.open()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        """Draw once more and give the screen back."""
        self._ended.set()
        self._thread.join()
        self._screen.close()
        return False

    def on_records(self, records: tuple[Record, ...]) -> None:
        """Take note of committed records of any run; returns at once, from any thread."""
        with self._lock:
            self._arrived.extend(record for record in records if record.run_id == self._state.run_id)

    def show(self, state: RunState) -> None:
        """Show this state from the next drawing on."""
        with self._lock:
            self._state = state
            self._arrived = [record for record in self._arrived if record.seq > state.seq]

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            self._refresh()
        self._refresh()

    def _refresh(self) -> None:
        with self._lock:
            fresh = tuple(record for record in self._arrived if record.seq > self._state.seq)
            self._arrived.clear()
            self._state = state = fold(self._state, fresh)
        for record in fresh:
            self._screen.tell(Envelope.model_validate(record.wire()))
        if self._screen.live:
            now = self._clock()
            self._screen.draw(view_run(self._plan, state, now), now)
