"""One executor's hold on a run, from taking the lease to giving it back. No Prefect here.

1. The plan must be one that can run; the run is known to the journal before it is held.
2. The lease is taken, and beaten while the block lasts; a lost lease ends what is at work.
3. Agents that an executor left behind when it was killed are ended before any other is started.
4. Only then is the state folded: nobody else writes it from here on.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Fenced, JournalError, RunHeld, Unavailable
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.ports import Slots, TaskRuns
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.flows.conductor import Conductor
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.execution import Execution, Hold, registered
from prefect_swarm.tasks.tenure import Tenure

LAST_AGENTS = 4.0
"""Seconds that agents are given to be ended before the run is given up."""


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
    with _tenure(journal, run_id, settings=around.settings, control=around.control) as tenure:
        hold = Hold(run_id, tenure.epoch)
        execution = Execution(
            journal, plan, hold=hold, settings=around.settings, control=around.control, slots=around.slots
        )
        _open(execution, around)
        with registered(execution):
            yield execution


def conduct(execution: Execution, runs: TaskRuns) -> RunState:
    """Conduct a held run to its end, or to where it is left.

    Raises Fenced where another executor has taken the run over, and StorageFailed where what happens cannot be
    written down any more; what was at work has ended then, and the run is blocked if that at least can be written.
    """
    control = execution.control
    try:
        return Conductor(execution, runs).conduct()
    except JournalError as error:
        if control.trouble is None:
            raise
        execution.gate.close()
        execution.gate.wait_until_empty(LAST_AGENTS)
        if not isinstance(control.trouble, Fenced):
            _block(execution, str(control.trouble))
        raise control.trouble from error


def _block(execution: Execution, reason: str) -> None:
    with suppress(JournalError):  # a journal that is away or full itself; the run is gone on with all the same
        execution.record(on.RunEnded(outcome="blocked", reason=reason))


def _require_runners(plan: Plan) -> None:
    without = [item.id for item in plan.items if item.runner is None]
    if without:
        raise Unavailable(
            f"no runner for {', '.join(without[:5])}: name one with `runner:` in the agent's card, or rehearse"
        )


def _tenure(journal: Journal, run_id: RunId, *, settings: Settings, control: Control) -> Tenure:
    """Give the run's lease: the command line's, else one that is waited for as long as the run is not to be left."""
    if control.tenure is not None:
        return control.tenure
    while True:
        try:
            return Tenure(journal, run_id, period=settings.lease_seconds, lost=control.give_up)
        except RunHeld:
            if control.draining.wait(1.0):
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
                retry_failed=state.status.ended and state.status is not RunStatus.BLOCKED,
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
