"""The engine without Prefect: the real conductor and the real attempts, called by threads.

It is what lets a test kill an executor a thousand times: it starts in a fraction of a second. What Prefect does for
us is done here in its place: an attempt is called, and called again after its delay where it asks for that.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from prefect_swarm.core.ids import AgentName, ItemId, RunId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState
from prefect_swarm.flows.executor import Surroundings, conduct, held
from prefect_swarm.tasks.attempt import AttemptFailed, attempt
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.execution import Execution
from prefect_swarm.tasks.gate import Closed

log = logging.getLogger(__name__)


def run_plan(
    plan: Plan, run_id: RunId, *, settings: Settings, output: Path, control: Control | None = None
) -> RunState:
    """Execute a run in this process from where it stands; gives the state in which it ended or was left.

    Raises what an executor raises: RunHeld, Fenced, JournalError.
    """
    around = Surroundings(settings, output, control or Control(), NoSlots(), flow_run_id=str(uuid4()))
    with held(plan, run_id, around) as execution:
        return conduct(execution, ThreadTaskRuns(execution))


class NoSlots:
    """No limits beside the run's own."""

    @contextmanager
    def hold(self, agent: AgentName) -> Generator[None, None, None]:  # noqa: ARG002 - the port's
        """Hold nothing."""
        yield


class ThreadTaskRuns:
    """Has threads call the attempts of a run."""

    def __init__(self, execution: Execution) -> None:
        """Begin with no thread."""
        self._execution = execution
        self._threads: list[threading.Thread] = []
        self._said: dict[ItemId, str] = {}

    def begin(self, item: WorkItem, generation: int, *, delays: tuple[float, ...], ended: Callable[[], None]) -> None:
        """Start a thread that attempts the item."""
        name = f"{item.id}#{generation}"
        thread = threading.Thread(target=self._call, args=(item, delays, ended), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _call(self, item: WorkItem, delays: tuple[float, ...], ended: Callable[[], None]) -> None:
        try:
            self._said[item.id] = self._attempts(item, delays)
        except Exception as error:  # noqa: BLE001 - as Prefect: what breaks an attempt is told, and breaks nothing else
            self._said[item.id] = f"{type(error).__name__}: {error}"
        ended()

    def _attempts(self, item: WorkItem, delays: tuple[float, ...]) -> str:
        """Attempt the item as often as it asks for that; gives what there is to say of the end."""
        for delay in (*delays, None):
            try:
                attempt(self._execution, item, task_run_id="", log=log)
            except AttemptFailed as failed:
                if not failed.retried or delay is None:
                    return str(failed)
                self._execution.control.draining.wait(delay)
            except Closed as closed:
                return str(closed)
            else:
                return "verified"
        return ""

    def last_words(self, item: ItemId) -> str:
        """Give what the item's thread had to say."""
        return self._said[item]

    def show(self, item: WorkItem, name: str, message: str) -> None:
        """Nobody looks here."""

    def wait(self, timeout: float) -> None:
        """Wait for the threads."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
