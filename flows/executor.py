"""One executor's hold on a run, from taking the lease to giving it back. No Prefect here.

1. The plan must be one that can run; the run is known to the journal before it is held.
2. The lease is taken, and beaten while the block lasts; a lost lease ends what is at work.
3. Agents that an executor left behind when it was killed are ended before any other is started.
4. Only then is the state folded: nobody else writes it from here on.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prefect_swarm.agents.supervisor import end_marked
from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Fenced, JournalError, RunHeld, Unavailable
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.ports import Slots, TaskRuns
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.flows.conductor import Conductor
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.lease import Pulse
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.execution import Execution, Hold, registered


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an executor works with, beside the plan and the run."""

    settings: Settings
    output: Path
    control: Control
    slots: Slots
    flow_run_id: str


@contextmanager
def held(plan: Plan, run_id: RunId, around: Surroundings) -> Generator[Execution, None, None]:
    """Hold a run while the block lasts, begun or gone on with.

    Waits for the lease where another executor holds the run. Raises Unavailable for a plan without runners,
    RunHeld where the run is left before the lease is free, JournalError where the journal cannot be used.
    """
    _require_runners(plan)
    journal = open_journal(around.settings)
    journal.create(run_id, plan)
    journal.bind(around.flow_run_id, run_id)
    with _leased(journal, run_id, settings=around.settings, control=around.control) as hold:
        end_marked({"SWARM_RUN": run_id})  # agents of an executor that was killed
        execution = Execution(
            journal, plan, hold=hold, settings=around.settings, control=around.control, slots=around.slots
        )
        _open(execution, around)
        with registered(execution):
            yield execution


def conduct(execution: Execution, runs: TaskRuns) -> RunState:
    """Conduct a held run to its end, or to where it is left.

    Raises Fenced where another executor has taken the run over; what is at work is ended then.
    """
    try:
        return Conductor(execution, runs).conduct()
    except Fenced:
        execution.control.lost.set()
        execution.control.halt()
        raise


def _require_runners(plan: Plan) -> None:
    without = [item.id for item in plan.items if item.runner is None]
    if without:
        raise Unavailable(
            f"no runner for {', '.join(without[:5])}: name one with `runner:` in the agent's card, or rehearse"
        )


@contextmanager
def _leased(journal: Journal, run_id: RunId, *, settings: Settings, control: Control) -> Generator[Hold, None, None]:
    epoch = _wait_for_lease(journal, run_id, settings.lease_seconds, control.draining)

    def lost(_error: JournalError) -> None:
        control.lost.set()
        control.halt()

    with Pulse(lambda: journal.beat(run_id, epoch), period=settings.lease_seconds / 3, lost=lost):
        try:
            yield Hold(run_id, epoch)
        finally:
            journal.release_lease(run_id, epoch)


def _wait_for_lease(journal: Journal, run_id: RunId, period: float, draining: threading.Event) -> int:
    while True:
        try:
            return journal.take_lease(run_id, period=period)
        except RunHeld:
            if draining.wait(1.0):
                raise


def _open(execution: Execution, around: Surroundings) -> None:
    """Begin the run, or go on with it."""
    state, settings, plan = execution.state, execution.settings, execution.plan
    if state.seq and state.started is not None:
        execution.record(
            on.RunResumed(
                reason=_why(state),
                flow_run_id=around.flow_run_id,
                max_parallel=settings.max_parallel,
                retry_failed=state.status.ended,
            )
        )
        return
    around.output.mkdir(parents=True, exist_ok=True)
    execution.record(
        on.PlanCompiled(plan=plan.digest, requirements=len(plan.requirements), items=len(plan.items)),
        on.RunStarted(
            plan=plan.digest,
            max_parallel=settings.max_parallel,
            flow_run_id=around.flow_run_id,
            rehearsal=plan.rehearsal,
            output=str(around.output.absolute()),
        ),
    )


def _why(state: RunState) -> str:
    if state.status is RunStatus.RUNNING:
        return "its executor had died"
    return f"it was {state.status}"
