"""Traps at the failpoints: at the so-and-so-many-th pass of a named place the process is killed, stopped or hindered.

A trap is written `after_commit:3:kill9`: at the third pass of `after_commit`, kill -9. A test program reads traps from
its arguments; the product never does.
"""

import errno
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never, get_args

from prefect_swarm.journal.failpoint import NAMES, Name, fill

Action = Literal["kill9", "stop", "ENOSPC", "EIO", "sleep"]
ACTIONS: tuple[Action, ...] = get_args(Action)
PAUSE = 0.3
"""Seconds that `sleep` takes."""


@dataclass(frozen=True, slots=True)
class Trap:
    """What happens at one pass of one place."""

    name: Name
    nth: int
    """Which pass; 1 is the first."""
    action: Action

    def __str__(self) -> str:
        """Write it as `trap_from` reads it."""
        return f"{self.name}:{self.nth}:{self.action}"


def trap_from(text: str) -> Trap:
    """Read a trap. Raises ValueError where a place or an action is not known."""
    place, nth, what = text.split(":")
    names: dict[str, Name] = {one: one for one in NAMES}
    actions: dict[str, Action] = {one: one for one in ACTIONS}
    if place not in names or what not in actions:
        raise ValueError(f"no such trap: {text}")
    return Trap(names[place], int(nth), actions[what])


class Traps:
    """Counts the passes of every place in this process, and springs the traps."""

    def __init__(self, traps: Iterable[Trap], *, sprung: Path | None = None) -> None:
        """Set traps; each that springs is noted in the file `sprung` before it does harm."""
        self._traps = {(trap.name, trap.nth): trap for trap in traps}
        self._sprung = sprung
        self._passes = Counter[Name]()
        self._counting = threading.Lock()

    def set(self) -> None:
        """Have every failpoint of this process pass by here."""
        fill(self.on_pass)

    def on_pass(self, name: Name) -> None:
        """Count a pass; do what a trap says where one is set here. Raises OSError where the trap is one."""
        with self._counting:
            self._passes[name] += 1
            trap = self._traps.get((name, self._passes[name]))
        if trap is not None:
            self._note(trap)
            _spring(trap.action)

    def _note(self, trap: Trap) -> None:
        if self._sprung is not None:
            with self._sprung.open("a") as file:
                file.write(f"{trap}\n")


def _spring(action: Action) -> None:
    match action:
        case "kill9":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "ENOSPC":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case "EIO":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        case "sleep":
            time.sleep(PAUSE)
        case _:
            assert_never(action)
