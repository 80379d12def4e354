"""How whoever started a run reaches it: let it drain, end it, answer its questions. No Prefect here."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from prefect_swarm.core.errors import JournalError
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.state import Question, RunState
from prefect_swarm.tasks.tenure import Tenure


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says to a failed item: retry it, go on without it, or end the run."""

    item: ItemId
    action: Literal["retry", "skip", "abort"]
    guidance: str = ""


Questioner = Callable[[Question, RunState], tuple[Answer, ...]]
"""Asks a person; no answers mean that the run goes on without."""


class Leaving(StrEnum):
    """On whose behalf a run is left before its end."""

    INTERRUPTED = "stopped by its operator"
    SUSPENDED = "suspended in Prefect"
    CANCELLED = "cancelled in Prefect"


@dataclass(slots=True)
class Control:
    """How whoever started a run reaches it."""

    draining: threading.Event = field(default_factory=threading.Event)
    """Set: what is at work is finished, nothing new is started, the run is left resumable."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: what is at work is ended now."""
    leaving: Leaving = Leaving.INTERRUPTED
    """Why the run is left where it is draining."""
    trouble: JournalError | None = None
    """Set: the run is another executor's, or cannot be written any more; this one gives it up at once."""
    tenure: Tenure | None = None
    """The run's lease, where whoever started the run took it already; None: the flow waits for it."""
    questioner: Questioner | None = None
    commanded: bool = False
    """The command line started the run: it answers signals, and tells the outcome by itself."""

    def drain(self, why: Leaving = Leaving.INTERRUPTED) -> None:
        """Finish what is at work, start nothing new, and leave the run resumable."""
        if not self.draining.is_set():
            self.leaving = why
        self.draining.set()

    def halt(self, why: Leaving = Leaving.INTERRUPTED) -> None:
        """End what is at work now, and leave the run resumable."""
        self.drain(why)
        self.stop.set()

    def give_up(self, trouble: JournalError) -> None:
        """End what is at work now: nothing that happens from here on can count."""
        self.trouble = self.trouble or trouble
        self.halt()
