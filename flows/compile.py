"""A plan becomes a Prefect flow: one task run per work item, and a verdict that Prefect, shell and journal share."""

import os
from pathlib import Path
from typing import Any

from prefect import Flow, flow
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run as this_flow_run
from prefect.states import Completed, Failed

from prefect_swarm.agents.supervisor import end_marked
from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Fenced, RunHeld, Unavailable
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.flows.conductor import Conductor
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.execution import Execution, Hold, registered
from prefect_swarm.tasks.hooks import flow_hook
from prefect_swarm.tasks.tenure import Tenure

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
    JournalError where the journal cannot be used.
    """
    _require_runners(plan)
    journal = open_journal(settings)
    journal.create(run_id, plan)
    journal.bind(str(this_flow_run.id), run_id)
    control = control or Control()
    with _tenure(journal, run_id, settings=settings, control=control) as tenure:
        end_marked({"SWARM_RUN": run_id})  # agents of an executor that was killed
        hold = Hold(run_id, tenure.epoch)
        execution = Execution(journal, plan, hold=hold, settings=settings, control=control)
        _open(execution, output or Path.cwd())
        with registered(execution), execution.slots:
            return verdict(_conduct(Conductor(execution), control))


def _conduct(conductor: Conductor, control: Control) -> RunState:
    """Conduct the run; when Prefect's SIGTERM comes, end what is at work and leave the run resumable first.

    Raises Fenced where another executor has taken the run over; what is at work is ended then too.
    """
    try:
        return conductor.conduct()
    except Fenced as error:
        control.lose(error)
        raise
    except TerminationSignal:
        control.halt()
        state = conductor.conduct()
        if not control.own_signals:
            raise
        return state


def _require_runners(plan: Plan) -> None:
    without = [item.id for item in plan.items if item.runner is None]
    if without:
        raise Unavailable(
            f"no runner for {', '.join(without[:5])}: name one with `runner:` in the agent's card, or rehearse"
        )


def _tenure(journal: Journal, run_id: RunId, *, settings: Settings, control: Control) -> Tenure:
    """The run's lease: the command line's, else waited for until nobody holds it or the run is to be left."""
    if control.tenure is not None:
        return control.tenure
    while True:
        try:
            return Tenure(journal, run_id, period=settings.lease_seconds, lost=control.lose)
        except RunHeld:
            if control.draining.wait(1.0):
                raise


def _open(execution: Execution, output: Path) -> None:
    """Begin the run, or go on with it."""
    state, settings = execution.state, execution.settings
    flow_run_id = str(this_flow_run.id)
    if state.seq and state.started is not None:
        execution.record(
            on.RunResumed(
                reason=_why(state),
                flow_run_id=flow_run_id,
                max_parallel=settings.max_parallel,
                retry_failed=state.status.ended,
            )
        )
        return
    output.mkdir(parents=True, exist_ok=True)
    plan = execution.plan
    execution.record(
        on.PlanCompiled(plan=plan.digest, requirements=len(plan.requirements), items=len(plan.items)),
        on.RunStarted(
            plan=plan.digest,
            max_parallel=settings.max_parallel,
            flow_run_id=flow_run_id,
            rehearsal=plan.rehearsal,
            output=str(output.absolute()),
        ),
    )


def _why(state: RunState) -> str:
    if state.status is RunStatus.RUNNING:
        return "its executor had died"
    return f"it was {state.status}"


def verdict(state: RunState) -> State[Any]:
    """Say a run's end in Prefect's words: type COMPLETED where all is verified, else FAILED under our name."""
    name = "".join(word.capitalize() for word in state.status.value.split("_"))
    if state.status is RunStatus.COMPLETED:
        return Completed(name=name, message="every requirement is verified")
    return Failed(name=name, message=state.reason or f"run {state.run_id} is {state.status}")
