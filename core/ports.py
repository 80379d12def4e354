"""What the engine asks of its surroundings: an agent that works, slots, task runs, and a sign to stop."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from prefect_swarm.core.ids import AgentName, ItemId, RunId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.requirement import Requirement
from prefect_swarm.core.roster import AgentCard, RunnerSpec


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt, as an agent gets it; paths are absolute."""

    run_id: RunId
    item: ItemId
    requirement: Requirement
    card: AgentCard
    runner: RunnerSpec
    attempt: int
    """1 for the first; counts on over retries."""
    used: int
    """Attempts that failed before this one."""
    prompt: str
    workspace: str
    folder: str
    """A folder of this attempt alone: prompt, result and log lie there."""
    timeout: float
    idle_timeout: float


@dataclass(frozen=True, slots=True)
class Report:
    """How far an agent says it is."""

    fraction: float | None
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an agent ended: done where `failure` is None."""

    seconds: float
    failure: Failure | None = None
    reason: str = ""
    summary: str = ""
    output: str = ""
    """Tail of what it printed."""


class Stop(Protocol):
    """A sign, shared by threads, that work should end now."""

    def is_set(self) -> bool:
        """True from the moment work should end."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds for the sign; true where it was given."""
        ...


class Runner(Protocol):
    """One way to run an agent."""

    def run(self, assignment: Assignment, *, progress: Callable[[Report], None], stop: Stop) -> Outcome:
        """Have the agent work until it ends, is out of time, or `stop` is set; leaves no process behind."""
        ...


class Slots(Protocol):
    """The limits that a run shares with others."""

    def hold(self, agent: AgentName) -> AbstractContextManager[None]:
        """Hold a slot of every limit that concerns the agent while the block lasts."""
        ...


class TaskRuns(Protocol):
    """Who calls the attempts of a run's items, again after a delay where they are to be retried, and shows them."""

    def begin(self, item: WorkItem, generation: int, *, delays: tuple[float, ...], ended: Callable[[], None]) -> None:
        """Have the item attempted, and once more after each delay in seconds as long as its attempts ask for it.

        `ended` is called, from another thread, when there will be no further attempt.
        """
        ...

    def last_words(self, item: ItemId) -> str:
        """Give what there is to say of an item whose attempts have ended."""
        ...

    def show(self, item: WorkItem, name: str, message: str) -> None:
        """Show an item that is not attempted, with the name of its state and the reason."""
        ...

    def wait(self, timeout: float) -> None:
        """Give what was begun and shown so many seconds to come to its end."""
        ...
