"""A plan becomes a Prefect flow: one task run per work item, and a verdict that Prefect, shell and journal share."""

import os
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import Flow, flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, Pause, TerminationSignal
from prefect.runtime import flow_run as this_flow_run
from prefect.states import Cancelled, Completed, Failed

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import RunHeld, StorageFailed
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.ports import TaskRuns
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.flows.executor import Surroundings, conduct, held
from prefect_swarm.flows.lookout import Lookout
from prefect_swarm.flows.settle import server_answers
from prefect_swarm.flows.taskruns import PrefectTaskRuns
from prefect_swarm.tasks.control import Control, Leaving
from prefect_swarm.tasks.execution import Execution
from prefect_swarm.tasks.hooks import flow_hook
from prefect_swarm.tasks.slots import PrefectSlots

HOOKS = ("on_running", "on_completion", "on_failure", "on_crashed", "on_cancellation")


def compile_flow(
    plan: Plan, *, settings: Settings | None = None, output: Path | None = None, control: Control | None = None
) -> Flow[..., Any]:
    """Compile a plan into a Prefect flow that is named after the project.

    Call it, serve it, or deploy it by a module-level name. Its parameter `run` continues a run of the journal;
    without it each flow run is a run of its own, which Prefect's Retry of that flow run continues. Agents work in
    `output` (default: the current folder). Settings come from the environment where none are given.
    """
    hooks: dict[str, Any] = {name: [flow_hook(settings)] for name in HOOKS}

    @flow(name=plan.project.name, flow_run_name=flow_run_name, **hooks)
    def swarm(run: str | None = None) -> Any:
        run_id = RunId(run) if run else run_of_flow()
        return execute(plan, run_id, settings=settings or settings_from(os.environ), output=output, control=control)

    return swarm


def flow_run_name() -> str:
    """Name a flow run after its run."""
    named = this_flow_run.parameters.get("run")
    return str(named or run_of_flow())


def run_of_flow() -> RunId:
    """Derive a run's id from the flow run that executes it."""
    return RunId(f"flow-{str(this_flow_run.id)[:8]}")


def execute(
    plan: Plan, run_id: RunId, *, settings: Settings, output: Path | None, control: Control | None
) -> State[Any]:
    """Execute a run within a flow run, from where it stands; gives the state that Prefect is to show.

    Waits for the lease where another executor holds the run. Raises Unavailable for a plan without runners,
    JournalError where the journal is damaged or lost to another executor, Prefect's Pause where the flow run was
    suspended meanwhile, and its Abort where the command line need not wait for a server that is gone.
    """
    control = control or Control()
    try:
        with Lookout(UUID(str(this_flow_run.id)), control):
            state = _execute(plan, run_id, settings=settings, output=output or Path.cwd(), control=control)
    except StorageFailed as error:
        control.give_up(error)
        return Failed(name="Blocked", message=str(error))
    except RunHeld as error:
        return _left_waiting(error, control)
    if control.commanded and not server_answers():
        raise Abort("Prefect's server does not answer, so it was not told how the run ended")
    return verdict(state, control.leaving)


def _left_waiting(error: RunHeld, control: Control) -> State[Any]:
    """Leave a run that another executor held all the time."""
    match control.leaving:
        case Leaving.INTERRUPTED:
            raise error
        case Leaving.SUSPENDED:
            raise Pause(str(error))
        case Leaving.CANCELLED:
            return Cancelled(message=str(error))


def _execute(plan: Plan, run_id: RunId, *, settings: Settings, output: Path, control: Control) -> RunState:
    slots = PrefectSlots(run_id, settings.max_parallel, draining=control.draining)
    around = Surroundings(settings, output, control, slots, flow_run_id=str(this_flow_run.id))
    with held(plan, run_id, around) as execution, slots.known(trouble=partial(_tell_trouble, execution)):
        return _conduct(execution, PrefectTaskRuns(run_id))


def _conduct(execution: Execution, runs: TaskRuns) -> RunState:
    """Conduct the run; Prefect's signals that it is to be left are passed on once it is."""
    control = execution.control
    try:
        state = conduct(execution, runs)
    except TerminationSignal:
        control.halt()
        state = conduct(execution, runs)
        if not control.commanded:
            raise
    except Pause:  # a suspended flow run can submit no task any more
        control.drain(Leaving.SUSPENDED)
        state = conduct(execution, runs)
    if state.status is RunStatus.SUSPENDED:
        raise Pause(f"run {execution.run_id} is {Leaving.SUSPENDED}")
    return state


def _tell_trouble(execution: Execution, error: Exception) -> None:
    execution.record(
        on.ErrorOccurred(
            where="Prefect's concurrency limits",
            message=f"the server did not answer ({type(error).__name__}: {error})"[:500],
            remedy="the run goes on with its own limit; look at the server, runs beside this one are not counted",
        )
    )


def verdict(state: RunState, leaving: Leaving) -> State[Any]:
    """Say a run's end in Prefect's words: type COMPLETED where all is verified, else FAILED under our name."""
    if state.status is RunStatus.INTERRUPTED and leaving is Leaving.CANCELLED:
        return Cancelled(message=f"go on with `swarm resume {state.run_id}`")
    name = "".join(word.capitalize() for word in state.status.value.split("_"))
    if state.status is RunStatus.COMPLETED:
        return Completed(name=name, message="every requirement is verified")
    return Failed(name=name, message=state.reason or f"run {state.run_id} is {state.status}")
