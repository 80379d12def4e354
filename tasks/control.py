"""How whoever started a run reaches it: let it drain, end it, answer its questions. No Prefect here."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

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


@dataclass(slots=True)
class Control:
    """How whoever started a run reaches it."""

    draining: threading.Event = field(default_factory=threading.Event)
    """Set: what is at work is finished, nothing new is started, the run is left resumable."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: what is at work is ended now."""
    lost: threading.Event = field(default_factory=threading.Event)
    """Set: another executor has taken the run over; nothing this one says counts any more."""
    tenure: Tenure | None = None
    """The run's lease, where whoever started the run took it already; None: the flow waits for it."""
    questioner: Questioner | None = None
    own_signals: bool = False
    """Whoever started the run answers signals: one that Prefect turns into an exception leaves it interrupted."""

    def halt(self) -> None:
        """End what is at work now, and leave the run resumable."""
        self.draining.set()
        self.stop.set()

    def lose(self, _error: Exception) -> None:
        """Have the run no more: end what is at work, and write nothing."""
        self.lost.set()
        self.halt()
